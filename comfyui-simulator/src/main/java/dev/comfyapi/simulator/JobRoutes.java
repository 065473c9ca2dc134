package dev.comfyapi.simulator;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.function.Supplier;

/// The jobs API: queue and history as one list, and cancelling by id.
final class JobRoutes {

    private static final List<String> STATES =
            List.of("pending", "in_progress", "completed", "failed", "cancelled");

    private final Supplier<ServerProcess> process;

    JobRoutes(Supplier<ServerProcess> process) {
        this.process = process;
    }

    void declare(Routes routes) {
        routes.only("GET", "/api/jobs", this::list)
                .only("GET", "/api/jobs/{id}", this::one)
                .only("POST", "/api/jobs/{id}/cancel", this::cancel)
                .only("POST", "/api/jobs/cancel", this::cancelMany);
    }

    /// A request that deserves an explanation.
    private static final class Refusal extends RuntimeException {
        Refusal(String message) {
            super(message);
        }
    }

    private HttpReply list(HttpCall call) {
        try {
            return HttpReply.json(page(call));
        } catch (Refusal refusal) {
            return HttpReply.error(400, String.valueOf(refusal.getMessage()));
        }
    }

    private ObjectNode page(HttpCall call) {
        var states = states(call.parameter("status"));
        var workflow = call.parameter("workflow_id");
        var sortBy = oneOf(call, "sort_by", "created_at", "execution_duration");
        var order = oneOf(call, "sort_order", "desc", "asc");
        var limit = whole(call, "limit");
        if (limit != null && limit <= 0) {
            throw new Refusal("limit must be a positive integer");
        }
        var askedOffset = whole(call, "offset");
        var offset = askedOffset == null ? 0 : Math.max(0, askedOffset);

        var jobs = new ArrayList<ObjectNode>();
        for (var job : all()) {
            if ((states.isEmpty() || states.contains(job.path("status").asString()))
                    && (workflow == null
                            || workflow.equals(job.path("workflow_id").asString("")))) {
                jobs.add(job);
            }
        }
        Comparator<ObjectNode> comparator =
                Comparator.comparingLong(
                        sortBy.equals("created_at") ? JobRoutes::created : JobRoutes::duration);
        jobs.sort(order.equals("asc") ? comparator : Collections.reverseOrder(comparator));

        var shown =
                jobs.stream().skip(offset).limit(limit == null ? Long.MAX_VALUE : limit).toList();
        var page = Json.object();
        page.putArray("jobs").addAll(shown);
        var pagination = page.putObject("pagination").put("offset", offset);
        pagination.set(
                "limit", limit == null ? Json.text(null) : Json.number(BigInteger.valueOf(limit)));
        pagination.put("total", jobs.size()).put("has_more", offset + shown.size() < jobs.size());
        return page;
    }

    private static List<String> states(@Nullable String parameter) {
        if (parameter == null || parameter.isBlank()) {
            return List.of();
        }
        var asked =
                List.of(parameter.split(",")).stream()
                        .map(word -> word.strip().toLowerCase(Locale.ROOT))
                        .toList();
        var unknown = asked.stream().filter(word -> !STATES.contains(word)).toList();
        if (!unknown.isEmpty()) {
            throw new Refusal(
                    "Invalid status value(s): %s. Valid values: %s"
                            .formatted(String.join(", ", unknown), String.join(", ", STATES)));
        }
        return asked;
    }

    private static String oneOf(HttpCall call, String parameter, String first, String second) {
        var asked = call.parameter(parameter);
        if (asked == null) {
            return first;
        }
        if (!asked.equals(first) && !asked.equals(second)) {
            var named =
                    parameter.equals("sort_order")
                            ? "'asc' or 'desc'"
                            : "'%s' or '%s'".formatted(first, second);
            throw new Refusal("%s must be %s".formatted(parameter, named));
        }
        return asked;
    }

    private static @Nullable Integer whole(HttpCall call, String parameter) {
        var asked = call.parameter(parameter);
        if (asked == null) {
            return null;
        }
        try {
            return Integer.parseInt(asked.strip());
        } catch (NumberFormatException _) {
            throw new Refusal("%s must be an integer".formatted(parameter));
        }
    }

    private static long created(ObjectNode job) {
        return job.path("create_time").asLong(0);
    }

    private static long duration(ObjectNode job) {
        return job.path("execution_end_time").asLong(0)
                - job.path("execution_start_time").asLong(0);
    }

    /// The queue is looked at before the history, so no job can slip through between the two.
    private Iterable<ObjectNode> all() {
        var queue = process.get().queue().snapshot();
        Map<String, ObjectNode> jobs = new LinkedHashMap<>();
        process.get()
                .history()
                .all()
                .forEach(entry -> jobs.put(entry.prompt().id(), JobRecord.finished(entry, false)));
        if (queue.running() != null) {
            jobs.putIfAbsent(
                    queue.running().id(), JobRecord.unfinished(queue.running(), "in_progress"));
        }
        queue.pending()
                .forEach(prompt ->
                        jobs.putIfAbsent(prompt.id(), JobRecord.unfinished(prompt, "pending")));
        return jobs.values();
    }

    private HttpReply one(HttpCall call) {
        var id = call.place("id");
        var queue = process.get().queue().snapshot();
        var entry = process.get().history().find(id);
        if (entry != null) {
            return HttpReply.json(JobRecord.finished(entry, true));
        }
        if (queue.running() != null && queue.running().id().equals(id)) {
            return HttpReply.json(JobRecord.unfinished(queue.running(), "in_progress"));
        }
        return queue.pending().stream()
                .filter(prompt -> prompt.id().equals(id))
                .findFirst()
                .map(prompt -> HttpReply.json(JobRecord.unfinished(prompt, "pending")))
                .orElseGet(() -> HttpReply.error(404, "Job not found"));
    }

    private boolean cancel(String id) {
        var running = process.get();
        return running.queue().cancel(id, running.interruption()::ask);
    }

    private HttpReply cancel(HttpCall call) {
        return HttpReply.json(Json.object().put("cancelled", cancel(call.place("id"))));
    }

    private HttpReply cancelMany(HttpCall call) {
        JsonNode request;
        try {
            request = call.json();
        } catch (Json.MalformedJson _) {
            return HttpReply.error(400, "Request body must be valid JSON");
        }
        var ids = request.path("job_ids");
        if (!ids.isArray()) {
            return HttpReply.error(400, "job_ids must be a list");
        }
        var invalid = ids.values().stream().filter(id -> !isUuid(id)).map(Python::str).toList();
        if (!invalid.isEmpty()) {
            var error = Json.object().put("error", "job_ids contains invalid id(s)");
            error.set("invalid_ids", Json.array(invalid));
            return HttpReply.json(400, error);
        }
        var any = false;
        for (var id : ids) {
            any |= cancel(id.stringValue());
        }
        return HttpReply.json(Json.object().put("cancelled", any));
    }

    private static boolean isUuid(JsonNode id) {
        try {
            return id.isString()
                    && UUID.fromString(id.stringValue()).toString().equals(id.stringValue());
        } catch (IllegalArgumentException _) {
            return false;
        }
    }
}
