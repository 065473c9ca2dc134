package dev.comfyapi.simulator;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/// Two classes that ComfyUI does not have: one fails as asked, one counts steps with or without
/// previews.
final class TestNodes {

    private TestNodes() {}

    static Map<String, NodeWork> works() {
        return Map.of("SimulatorFail", TestNodes::fail, "SimulatorProgress", TestNodes::count);
    }

    private static List<Value> fail(NodeCall call) throws NodeFailure {
        throw switch (call.text("kind")) {
            case "oom" -> NodeFailure.outOfMemory();
            case "cuda" -> NodeFailure.cuda();
            default -> NodeFailure.of(Faults.Failure.NODE_ERROR);
        };
    }

    private static List<Value> count(NodeCall call)
            throws NodeFailure, Interruption.Interrupted, ServerProcess.Gone {
        var pictures = call.pictures("image");
        var steps = call.count("steps");
        var delay = Duration.ofNanos((long) (call.real("delay") * 1e9));
        var preview = call.truth("preview");
        for (var step = 1; step <= steps; step++) {
            call.process().pause(delay);
            call.step(step, steps, preview ? () -> pictures.all().getFirst() : null);
        }
        return List.of(pictures);
    }
}
