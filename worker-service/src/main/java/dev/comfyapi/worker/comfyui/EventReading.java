package dev.comfyapi.worker.comfyui;

import dev.comfyapi.worker.comfyui.ComfyUiEvent.NodeState;

import tools.jackson.databind.JsonNode;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Optional;

/// Reads messages of the WebSocket. Types that say nothing about progress are none of ours.
final class EventReading {

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
