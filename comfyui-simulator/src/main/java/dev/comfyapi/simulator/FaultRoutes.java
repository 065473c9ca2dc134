package dev.comfyapi.simulator;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.util.ArrayList;
import java.util.List;

/// Lets other processes throw the switches of {@link Faults}; nothing under this path is ComfyUI's,
/// and no fault touches it.
final class FaultRoutes {

    static final String ROOT = "/simulator";
    private static final String FAULTS = ROOT + "/faults";

    private final ComfyUiSimulator simulator;

    FaultRoutes(ComfyUiSimulator simulator) {
        this.simulator = simulator;
    }

    void declare(Routes routes) {
        routes.only("GET", FAULTS, _ -> HttpReply.json(state()))
                .only("POST", FAULTS, this::cause)
                .only("DELETE", FAULTS, _ -> clear())
                .only("DELETE", FAULTS + "/{fault}", this::end)
                .only("POST", ROOT + "/restart", _ -> restart());
    }

    private ObjectNode state() {
        var state = Json.object();
        state.set("active", simulator.faults().active());
        simulator
                .faults()
                .schedule()
                .ifPresent(schedule -> state.put("schedule", schedule.toString()));
        state.set("loaded_models", Json.array(simulator.process().loadedModels().names()));
        var known = state.putArray("known");
        for (var kind : FaultKind.values()) {
            var shown = known.addObject().put("fault", kind.word()).put("effect", kind.effect());
            var parameters = shown.putObject("parameters");
            kind.parameters()
                    .forEach(parameter -> parameters.put(parameter.name(), parameter.meaning()));
        }
        return state;
    }

    /// One fault, a list of them, or a schedule; nothing happens unless everything can be read.
    private HttpReply cause(HttpCall call) {
        JsonNode body;
        try {
            body = call.json();
        } catch (Json.MalformedJson e) {
            return refused(List.of(problem("", "must be JSON: " + e.getMessage())));
        }
        if (body.has("schedule")) {
            return begin(body.path("schedule").asString(""));
        }
        var problems = new ArrayList<ObjectNode>();
        var faults = new ArrayList<Fault>();
        if (body.isArray()) {
            for (var i = 0; i < body.size(); i++) {
                read(body.path(i), "/" + i, faults, problems);
            }
        } else {
            read(body, "", faults, problems);
        }
        if (!problems.isEmpty()) {
            return refused(problems);
        }
        faults.forEach(simulator.faults()::cause);
        return HttpReply.json(state());
    }

    private HttpReply begin(String schedule) {
        try {
            simulator.faults().random(FaultSchedule.parse(schedule));
            return HttpReply.json(state());
        } catch (IllegalArgumentException e) {
            return refused(List.of(problem("/schedule", String.valueOf(e.getMessage()))));
        }
    }

    private static void read(
            JsonNode document, String pointer, List<Fault> faults, List<ObjectNode> problems) {
        var kind = FaultKind.of(document.path("fault").asString(""));
        if (kind.isEmpty()) {
            problems.add(
                    problem(
                            pointer + "/fault",
                            "must be one of " + String.join(", ", FaultKind.words())));
            return;
        }
        var before = problems.size();
        var fault = Fault.of(kind.get());
        for (var entry : document.properties()) {
            var name = entry.getKey();
            if (name.equals("fault")) {
                continue;
            }
            var value = entry.getValue().asString("");
            var wrong = Fault.problem(kind.get(), name, value);
            if (wrong.isPresent()) {
                problems.add(problem(pointer + "/" + name, wrong.get()));
            } else {
                fault = fault.with(name, value);
            }
        }
        for (var parameter : kind.get().parameters()) {
            if (parameter.isRequired() && !document.has(parameter.name())) {
                problems.add(problem(pointer + "/" + parameter.name(), "is required"));
            }
        }
        if (problems.size() == before) {
            faults.add(fault);
        }
    }

    private static ObjectNode problem(String pointer, String message) {
        return Json.object().put("pointer", pointer).put("message", message);
    }

    private static HttpReply refused(List<ObjectNode> problems) {
        var reply = Json.object();
        reply.putArray("problems").addAll(problems);
        return HttpReply.json(400, reply);
    }

    private HttpReply clear() {
        simulator.faults().clear();
        return HttpReply.json(state());
    }

    private HttpReply end(HttpCall call) {
        var kind = FaultKind.of(call.place("fault"));
        if (kind.isEmpty()) {
            return HttpReply.empty(404);
        }
        simulator.faults().end(kind.get());
        return HttpReply.json(state());
    }

    private HttpReply restart() {
        simulator.restart();
        return HttpReply.json(state());
    }
}
