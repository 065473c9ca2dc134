package dev.comfyapi.simulator;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.util.Set;

/// One prompt as the jobs API shows it. What would be null is left out.
final class JobRecord {

    private static final Set<String> PREVIEWABLE = Set.of("images", "video", "audio", "3d");
    private static final int LONGEST_TEXT = 1024;

    private JobRecord() {}

    static ObjectNode unfinished(QueuedPrompt prompt, String status) {
        var job = head(prompt, status);
        job.put("outputs_count", 0).put("previewable_outputs_count", 0);
        workflowId(job, prompt);
        return job;
    }

    private static ObjectNode head(QueuedPrompt prompt, String status) {
        var job = Json.object().put("id", prompt.id()).put("status", status);
        job.set("priority", prompt.number());
        var created = prompt.extraData().get("create_time");
        if (created != null) {
            job.set("create_time", created);
        }
        return job;
    }

    private static void workflowId(ObjectNode job, QueuedPrompt prompt) {
        var id = prompt.extraData().path("extra_pnginfo").path("workflow").path("id");
        if (id.isString()) {
            job.set("workflow_id", id);
        }
    }

    /// @param full with outputs, messages and graph, as only the single job has them
    static ObjectNode finished(History.Entry entry, boolean full) {
        var prompt = entry.prompt();
        var job = head(prompt, status(entry.status()));
        for (var message : entry.status().path("messages")) {
            var data = message.path(1);
            switch (message.path(0).asString()) {
                case "execution_start" -> job.set("execution_start_time", data.path("timestamp"));
                case "execution_success", "execution_interrupted" ->
                        job.set("execution_end_time", data.path("timestamp"));
                case "execution_error" -> {
                    job.set("execution_end_time", data.path("timestamp"));
                    job.set("execution_error", data);
                }
                default -> {}
            }
        }
        summarize(job, entry.outputs());
        workflowId(job, prompt);
        if (full) {
            job.set("outputs", entry.outputs());
            job.set("execution_status", entry.status());
            var workflow = job.putObject("workflow");
            workflow.set("prompt", prompt.graph());
            workflow.set("extra_data", prompt.extraData());
        }
        return job;
    }

    private static String status(ObjectNode status) {
        if (status.path("completed").asBoolean()) {
            return "completed";
        }
        for (var message : status.path("messages")) {
            if (message.path(0).asString().equals("execution_interrupted")) {
                return "cancelled";
            }
        }
        return "failed";
    }

    /// Counts files, and picks one to show: a kept one if there is one, else a preview or a text.
    private static void summarize(ObjectNode job, ObjectNode outputs) {
        var count = 0;
        var previewable = 0;
        ObjectNode kept = null;
        ObjectNode other = null;
        for (var node : outputs.properties()) {
            for (var media : node.getValue().properties()) {
                if (!media.getValue().isArray() || media.getKey().equals("animated")) {
                    continue;
                }
                for (var item : media.getValue()) {
                    if (item.isObject()) {
                        count++;
                    }
                    if (item.isObject() && PREVIEWABLE.contains(media.getKey())) {
                        previewable++;
                        var shown =
                                shown((ObjectNode) item.deepCopy(), node.getKey(), media.getKey());
                        if (kept == null && item.path("type").asString("").equals("output")) {
                            kept = shown;
                        } else if (other == null) {
                            other = shown;
                        }
                    } else if (other == null && item.isString() && media.getKey().equals("text")) {
                        other = shown(text(item), node.getKey(), "text");
                    }
                }
            }
        }
        job.put("outputs_count", count).put("previewable_outputs_count", previewable);
        var preview = kept == null ? other : kept;
        if (preview != null) {
            job.set("preview_output", preview);
        }
    }

    private static ObjectNode shown(ObjectNode item, String node, String media) {
        return item.put("nodeId", node).put("mediaType", media);
    }

    private static ObjectNode text(JsonNode item) {
        var text = item.stringValue();
        return text.length() > LONGEST_TEXT
                ? Json.object()
                        .put("content", text.substring(0, LONGEST_TEXT))
                        .put("truncated", true)
                : Json.object().put("content", text);
    }
}
