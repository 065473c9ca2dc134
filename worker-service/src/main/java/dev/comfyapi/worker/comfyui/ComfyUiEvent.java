package dev.comfyapi.worker.comfyui;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Map;

/// What the WebSocket says of a prompt. A hint about progress: it decides nothing.
public sealed interface ComfyUiEvent {

    String promptId();

    /// It began.
    record Started(String promptId) implements ComfyUiEvent {}

    /// These nodes need not run: their results are known.
    record Cached(String promptId, List<String> nodes) implements ComfyUiEvent {
        public Cached {
            nodes = List.copyOf(nodes);
        }
    }

    /// A node began.
    record NodeStarted(String promptId, String node) implements ComfyUiEvent {}

    /// Counted work inside one node.
    record Stepped(String promptId, String node, int step, int steps) implements ComfyUiEvent {}

    /// All nodes that have begun, each time.
    record Nodes(String promptId, Map<String, NodeState> states) implements ComfyUiEvent {
        public Nodes {
            states = Map.copyOf(states);
        }
    }

    record NodeState(boolean finished, double value, double max) {}

    /// What the picture looks like by now.
    ///
    /// @param promptId empty when ComfyUI does not say: then it is the one that runs
    /// @param node null when ComfyUI does not say
    record Preview(String promptId, @Nullable String node, Image image) implements ComfyUiEvent {}

    /// A small picture.
    ///
    /// @param contentType `image/jpeg` or `image/png`
    /// @param base64 the file
    record Image(String contentType, String base64) {}

    /// It is over, one way or another: ask how.
    record Ended(String promptId) implements ComfyUiEvent {}
}
