package dev.comfyapi.worker.comfyui;

import dev.comfyapi.model.workflow.Graph;
import dev.comfyapi.worker.comfyui.Submission.Reason;
import dev.comfyapi.worker.comfyui.Submission.Refused;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;

/// Reads why ComfyUI refused a graph.
final class RefusalReading {

    private static final int LONGEST_MESSAGE = 400;

    private RefusalReading() {}

    static Refused of(JsonNode answer, Graph graph) {
        for (var node : answer.path("node_errors").properties()) {
            var error = node.getValue().path("errors").path(0);
            var nodeClass = node.getValue().path("class_type").asString("");
            if (!error.isMissingNode()) {
                return new Refused(
                        isMissingModel(error, nodeClass) ? Reason.MISSING_MODEL : Reason.INVALID,
                        message(error),
                        node.getKey(),
                        nodeClass.isEmpty() ? graph.classes().get(node.getKey()) : nodeClass);
            }
        }
        return ofWhole(answer.path("error"), graph);
    }

    private static Refused ofWhole(JsonNode error, Graph graph) {
        var type = error.path("type").asString("");
        var message = message(error);
        boolean missingNode =
                type.equals("missing_node_type")
                        // So it was called before 0.12.
                        || (type.equals("invalid_prompt") && message.contains("does not exist"));
        var extra = error.path("extra_info");
        @Nullable String node = text(extra.path("node_id"));
        @Nullable String nodeClass = text(extra.path("class_type"));
        if (nodeClass == null && node != null) {
            nodeClass = graph.classes().get(node);
        }
        return new Refused(
                missingNode ? Reason.MISSING_NODE : Reason.INVALID, message, node, nodeClass);
    }

    /// A model file that is not there is not in the list of choices of its loader.
    private static boolean isMissingModel(JsonNode error, String nodeClass) {
        return error.path("type").asString("").equals("value_not_in_list")
                && nodeClass.contains("Loader");
    }

    private static String message(JsonNode error) {
        var type = error.path("type").asString("");
        var message = error.path("message").asString("ComfyUI refused the workflow");
        // Details of an exception are Python text and may name paths of the host.
        var details = type.startsWith("exception") ? "" : error.path("details").asString("");
        var whole =
                details.isEmpty() || details.equals(message) ? message : message + ": " + details;
        return whole.length() <= LONGEST_MESSAGE
                ? whole
                : whole.substring(0, LONGEST_MESSAGE) + "…";
    }

    private static @Nullable String text(JsonNode value) {
        return value.isValueNode() && !value.isNull() ? value.asString() : null;
    }
}
