package dev.comfyapi.worker.comfyui;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Reads how a prompt stands from what ComfyUI's jobs and history routes answer.
final class PromptReading {

    private static final int LONGEST_NUMBER = 18;

    private PromptReading() {}

    static PromptState ofJob(JsonNode job) throws UnexpectedAnswerException {
        var status = job.path("status").asString("");
        return switch (status) {
            case "pending" -> new PromptState.Pending();
            case "in_progress" -> new PromptState.Running();
            case "completed" -> ended(job, job.path("execution_status"));
            case "failed" ->
                    job.path("execution_error").isObject()
                            ? new PromptState.Failed(error(job.path("execution_error")))
                            : failed(job.path("execution_status"));
            case "cancelled" -> new PromptState.Interrupted();
            default -> throw new UnexpectedAnswerException("GET /api/jobs/{id}", 200);
        };
    }

    static PromptState ofHistory(JsonNode entry) {
        var status = entry.path("status");
        return status.path("status_str").asString("").equals("success")
                ? ended(entry, status)
                : failed(status);
    }

    /// A stored error or interruption counts, whatever the flag beside it says.
    private static PromptState ended(JsonNode entry, JsonNode status) {
        for (var message : status.path("messages")) {
            var type = message.path(0).asString("");
            if (type.equals("execution_error") || type.equals("execution_interrupted")) {
                return failed(status);
            }
        }
        return new PromptState.Completed(files(entry.path("outputs")), ran(status), cached(status));
    }

    private static PromptState failed(JsonNode status) {
        for (var message : status.path("messages")) {
            var type = message.path(0).asString("");
            if (type.equals("execution_error")) {
                return new PromptState.Failed(error(message.path(1)));
            }
            if (type.equals("execution_interrupted")) {
                return new PromptState.Interrupted();
            }
        }
        return new PromptState.Failed(
                new ExecutionError(null, null, null, "ComfyUI gave no reason"));
    }

    private static ExecutionError error(JsonNode data) {
        return new ExecutionError(
                text(data.path("node_id")),
                text(data.path("node_type")),
                text(data.path("exception_type")),
                data.path("exception_message").asString(""));
    }

    private static @Nullable String text(JsonNode value) {
        return value.isValueNode() && !value.isNull() ? value.asString() : null;
    }

    private static @Nullable Duration ran(JsonNode status) {
        long start = -1;
        long end = -1;
        for (var message : status.path("messages")) {
            long at = message.path(1).path("timestamp").asLong(-1);
            switch (message.path(0).asString("")) {
                case "execution_start" -> start = at;
                case "execution_success" -> end = at;
                default -> {}
            }
        }
        return start < 0 || end < start ? null : Duration.ofMillis(end - start);
    }

    private static Set<String> cached(JsonNode status) {
        var nodes = new HashSet<String>();
        for (var message : status.path("messages")) {
            if (message.path(0).asString("").equals("execution_cached")) {
                message.path(1).path("nodes").forEach(node -> nodes.add(node.asString("")));
            }
        }
        return nodes;
    }

    /// Any list element that is an object with a file name and a type is a file, whatever the key
    /// is called: nodes invent their own.
    ///
    /// In order of the nodes: ComfyUI reports them as they ended, and which of two branches ends
    /// first is up to chance.
    private static List<OutputFile> files(JsonNode outputs) {
        var files = new ArrayList<OutputFile>();
        for (var node : outputs.properties()) {
            for (var list : node.getValue()) {
                for (var item : list) {
                    if (item.path("filename").isString() && item.path("type").isString()) {
                        files.add(
                                new OutputFile(
                                        node.getKey(),
                                        item.path("filename").stringValue(),
                                        item.path("subfolder").asString(""),
                                        item.path("type").stringValue()));
                    }
                }
            }
        }
        files.sort(Comparator.comparing(OutputFile::nodeId, PromptReading::compareIds));
        return files;
    }

    /// Numbers by their value, and before everything else.
    private static int compareIds(String one, String other) {
        boolean number = isNumber(one);
        if (number && isNumber(other)) {
            return Long.compare(Long.parseLong(one), Long.parseLong(other));
        }
        return number == isNumber(other) ? one.compareTo(other) : number ? -1 : 1;
    }

    private static boolean isNumber(String id) {
        return !id.isEmpty()
                && id.length() <= LONGEST_NUMBER
                && id.chars().allMatch(c -> c >= '0' && c <= '9');
    }
}
