package dev.comfyapi.simulator;

import dev.comfyapi.simulator.Execution.Outcome;

import java.util.ArrayList;
import java.util.List;

/// What tests may ask afterwards; unlike everything else it survives a restart. Thread-safe.
final class Journal {

    private final List<Received> received = new ArrayList<>();
    private final List<Execution> executions = new ArrayList<>();

    synchronized void received(String promptId, long nanos) {
        received.add(new Received(promptId, nanos));
    }

    /// Answers the number under which the run ends.
    synchronized int began(String promptId) {
        executions.add(new Execution(promptId, System.nanoTime(), 0, Outcome.RUNNING));
        return executions.size() - 1;
    }

    synchronized void ended(int run, Outcome outcome) {
        var begun = executions.get(run);
        executions.set(
                run,
                new Execution(begun.promptId(), begun.startedNanos(), System.nanoTime(), outcome));
    }

    synchronized List<Received> received() {
        return List.copyOf(received);
    }

    synchronized List<Execution> executions() {
        return List.copyOf(executions);
    }
}
