package dev.comfyapi.simulator;

import tools.jackson.databind.node.ObjectNode;

import java.util.LinkedHashMap;
import java.util.Map;

/// How far each node of a run has come, as `progress_state` tells it: all started nodes, every
/// time.
final class RunProgress {

    private final String promptId;
    private final Map<String, ObjectNode> nodes = new LinkedHashMap<>();

    RunProgress(String promptId) {
        this.promptId = promptId;
    }

    void started(String id) {
        nodes.put(id, node(id).put("value", 0.0).put("max", 1.0).put("state", "running"));
    }

    void counted(String id, int value, int max) {
        nodes.computeIfAbsent(id, this::node)
                .put("value", value)
                .put("max", max)
                .put("state", "running");
    }

    void finished(String id) {
        var node =
                nodes.computeIfAbsent(id, missing -> node(missing).put("value", 1).put("max", 1));
        node.set("value", node.path("max"));
        node.put("state", "finished");
    }

    private ObjectNode node(String id) {
        return Json.object()
                .put("value", 0)
                .put("max", 1)
                .put("state", "pending")
                .put("node_id", id)
                .put("prompt_id", promptId)
                .put("display_node_id", id)
                .putNull("parent_node_id")
                .put("real_node_id", id);
    }

    ObjectNode message() {
        var data = Json.object().put("prompt_id", promptId);
        var all = data.putObject("nodes");
        nodes.forEach(all::set);
        return Messages.message("progress_state", data);
    }

    ObjectNode previewMetadata(String id) {
        return Json.object()
                .put("node_id", id)
                .put("prompt_id", promptId)
                .put("display_node_id", id)
                .putNull("parent_node_id")
                .put("real_node_id", id)
                .put("image_type", "image/jpeg");
    }
}
