package dev.comfyapi.simulator;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;

/// Submitting, looking at the queue, interrupting, freeing memory.
final class PromptRoutes {

    private static final Set<String> SECRETS = Set.of("api_key_comfy_org", "auth_token_comfy_org");

    private final Supplier<ServerProcess> process;
    private final Settings settings;
    private final Journal journal;

    PromptRoutes(Supplier<ServerProcess> process, Settings settings, Journal journal) {
        this.process = process;
        this.settings = settings;
        this.journal = journal;
    }

    void declare(Routes routes) {
        routes.on("POST", "/prompt", this::submit)
                .on("GET", "/prompt", _ -> HttpReply.json(process.get().execInfo()))
                .on("GET", "/queue", _ -> queue())
                .on("POST", "/queue", this::changeQueue)
                .on("POST", "/interrupt", this::interrupt)
                .on("POST", "/free", this::free);
    }

    private HttpReply submit(HttpCall call) throws Json.MalformedJson {
        var body = call.json();
        if (body.isArray()) {
            process.get().nextNumber();
            return refused(noPrompt(), Json.object());
        }
        var request = call.jsonObject();
        var number = number(request);
        if (!request.has("prompt")) {
            return refused(noPrompt(), Json.object());
        }
        var id = promptId(request.get("prompt_id"));
        if (id == null) {
            return refused(
                    GraphCheck.error("invalid_prompt_id", "prompt_id must be a valid UUID", ""),
                    Json.object());
        }
        if (!(request.get("prompt") instanceof ObjectNode graph)) {
            throw Python.typeError("prompt must be an object");
        }
        var extraData = extraData(request);
        var checked = graph.deepCopy();
        var verdict =
                new GraphCheck(checked, settings.signatures(), settings.disk())
                        .check(targets(request));
        if (verdict.error() != null) {
            return refused(verdict.error(), verdict.nodeErrors());
        }
        extraData.put("create_time", System.currentTimeMillis());
        journal.received(id, call.arrivedNanos());
        process.get()
                .queue()
                .put(new QueuedPrompt(number, id, checked, extraData, verdict.goodOutputs()));
        var reply = Json.object().put("prompt_id", id);
        reply.set("number", number);
        reply.set("node_errors", verdict.nodeErrors());
        return HttpReply.json(reply);
    }

    private static ObjectNode noPrompt() {
        return GraphCheck.error("no_prompt", "No prompt provided", "No prompt provided");
    }

    private static HttpReply refused(ObjectNode error, ObjectNode nodeErrors) {
        var reply = Json.object();
        reply.set("error", error);
        reply.set("node_errors", nodeErrors);
        return HttpReply.json(400, reply);
    }

    private JsonNode number(ObjectNode request) {
        var asked = request.get("number");
        if (asked != null) {
            return Json.number(Python.toFloat(asked));
        }
        var next = process.get().nextNumber();
        var front = request.path("front");
        return Json.number(BigInteger.valueOf(Python.truth(front) ? -next : next));
    }

    /// The id to use, or null if the one asked for is not a UUID in its usual spelling.
    private static @Nullable String promptId(@Nullable JsonNode asked) {
        if (asked == null || asked.isNull()) {
            return UUID.randomUUID().toString();
        }
        if (!asked.isString()) {
            return null;
        }
        var text = asked.stringValue();
        try {
            return UUID.fromString(text).toString().equals(text) ? text : null;
        } catch (IllegalArgumentException _) {
            return null;
        }
    }

    private static ObjectNode extraData(ObjectNode request) {
        var given = request.get("extra_data");
        ObjectNode extraData;
        if (given == null) {
            extraData = Json.object();
        } else if (given instanceof ObjectNode object) {
            extraData = object.deepCopy();
        } else {
            throw Python.typeError("extra_data must be an object");
        }
        extraData.remove(SECRETS);
        var client = request.get("client_id");
        if (client != null) {
            extraData.set("client_id", client);
        }
        return extraData;
    }

    private static @Nullable List<String> targets(ObjectNode request) {
        var asked = request.get("partial_execution_targets");
        if (asked == null || asked.isNull()) {
            return null;
        }
        var targets = new ArrayList<String>();
        asked.forEach(target -> targets.add(Python.str(target)));
        return targets;
    }

    private HttpReply queue() {
        var snapshot = process.get().queue().snapshot();
        var reply = Json.object();
        var running = reply.putArray("queue_running");
        if (snapshot.running() != null) {
            running.add(snapshot.running().toJson());
        }
        var pending = reply.putArray("queue_pending");
        snapshot.pending().forEach(prompt -> pending.add(prompt.toJson()));
        return HttpReply.json(reply);
    }

    private HttpReply changeQueue(HttpCall call) throws Json.MalformedJson {
        var request = call.jsonObject();
        var queue = process.get().queue();
        if (Python.truth(request.path("clear"))) {
            queue.clear();
        }
        request.path("delete").forEach(id -> queue.delete(Python.str(id)));
        return HttpReply.empty(200);
    }

    private HttpReply interrupt(HttpCall call) {
        JsonNode request;
        try {
            request = call.json();
        } catch (Json.MalformedJson _) {
            request = Json.object();
        }
        if (!request.isObject()) {
            throw Python.typeError("an object was expected");
        }
        var running = process.get();
        var id = request.path("prompt_id");
        if (Python.truth(id)) {
            running.queue().ifRunning(Python.str(id), running.interruption()::ask);
        } else {
            running.interruption().ask();
        }
        return HttpReply.empty(200);
    }

    private HttpReply free(HttpCall call) throws Json.MalformedJson {
        var request = call.jsonObject();
        process.get()
                .freeWhenIdle(
                        Python.truth(request.path("unload_models")),
                        Python.truth(request.path("free_memory")));
        return HttpReply.empty(200);
    }
}
