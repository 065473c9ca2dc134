package dev.comfyapi.worker.comfyui;

import dev.comfyapi.worker.comfyui.ComfyUiEvent.NodeState;

import org.jspecify.annotations.Nullable;

import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.Optional;

/// Reads messages of the WebSocket. Types that say nothing about progress are none of ours.
final class EventReading {

    private static final int PREVIEW = 1;
    private static final int PREVIEW_WITH_METADATA = 4;
    private static final int JPEG = 0xFFD8FF;
    private static final int PNG = 0x89504E47;

    /// Larger ones are not shown: they would crowd out other messages.
    private static final int LARGEST_PREVIEW = 512 << 10;

    private EventReading() {}

    static Optional<ComfyUiEvent> of(JsonNode message) {
        var data = message.path("data");
        var prompt = data.path("prompt_id").asString("");
        if (prompt.isEmpty()) {
            return Optional.empty();
        }
        return Optional.ofNullable(
                switch (message.path("type").asString("")) {
                    case "execution_start" -> new ComfyUiEvent.Started(prompt);
                    case "execution_cached" -> cached(prompt, data.path("nodes"));
                    case "executing" -> executing(prompt, data.path("node"));
                    case "progress" ->
                            new ComfyUiEvent.Stepped(
                                    prompt,
                                    data.path("node").asString(""),
                                    data.path("value").asInt(0),
                                    data.path("max").asInt(0));
                    case "progress_state" -> nodes(prompt, data.path("nodes"));
                    // The history entry is written after these; the `executing` without a node that
                    // follows says that it is there.
                    case "execution_success", "execution_error", "execution_interrupted" ->
                            new ComfyUiEvent.Ended(prompt);
                    default -> null;
                });
    }

    /// Reads a binary message: an event number, then for a preview (1) the number of its format and
    /// the file, for a preview with metadata (4) their length, they themselves as JSON, and the
    /// file. All numbers are unsigned, 32 bits, the highest byte first.
    ///
    /// @throws JacksonException when the metadata are no JSON
    static Optional<ComfyUiEvent> ofBinary(ByteBuffer message) {
        if (message.remaining() < 8) {
            return Optional.empty();
        }
        int event = message.getInt();
        int second = message.getInt();
        if (event == PREVIEW) {
            return image(message).map(image -> new ComfyUiEvent.Preview("", null, image));
        }
        if (event != PREVIEW_WITH_METADATA || second < 0 || second > message.remaining()) {
            return Optional.empty();
        }
        var json = new byte[second];
        message.get(json);
        var metadata = ComfyUi.JSON.readTree(json);
        @Nullable String node = metadata.path("node_id").asString(null);
        return image(message)
                .map(image ->
                        new ComfyUiEvent.Preview(
                                metadata.path("prompt_id").asString(""), node, image));
    }

    /// By its content: what a file is called decides nothing.
    private static Optional<ComfyUiEvent.Image> image(ByteBuffer file) {
        if (file.remaining() < 8 || file.remaining() > LARGEST_PREVIEW) {
            return Optional.empty();
        }
        int head = file.getInt(file.position());
        @Nullable String type =
                (head >>> 8) == JPEG ? "image/jpeg" : head == PNG ? "image/png" : null;
        if (type == null) {
            return Optional.empty();
        }
        var bytes = new byte[file.remaining()];
        file.get(bytes);
        return Optional.of(new ComfyUiEvent.Image(type, Base64.getEncoder().encodeToString(bytes)));
    }

    private static ComfyUiEvent executing(String prompt, JsonNode node) {
        return node.isString()
                ? new ComfyUiEvent.NodeStarted(prompt, node.stringValue())
                : new ComfyUiEvent.Ended(prompt);
    }

    private static ComfyUiEvent cached(String prompt, JsonNode nodes) {
        var ids = new ArrayList<String>();
        nodes.forEach(node -> ids.add(node.asString("")));
        return new ComfyUiEvent.Cached(prompt, ids);
    }

    private static ComfyUiEvent nodes(String prompt, JsonNode nodes) {
        var states = new HashMap<String, NodeState>();
        for (var node : nodes.properties()) {
            var state = node.getValue();
            states.put(
                    node.getKey(),
                    new NodeState(
                            state.path("state").asString("").equals("finished"),
                            state.path("value").asDouble(0),
                            state.path("max").asDouble(0)));
        }
        return new ComfyUiEvent.Nodes(prompt, states);
    }
}
