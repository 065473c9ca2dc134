package dev.comfyapi.simulator;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/// Prints a line for each prompt that ended.
final class PromptLog implements Runnable {

    private static final Duration LOOK_AGAIN = Duration.ofMillis(200);

    private final ComfyUiSimulator simulator;

    PromptLog(ComfyUiSimulator simulator) {
        this.simulator = simulator;
    }

    @Override
    public void run() {
        var printed = 0;
        while (true) {
            var executions = simulator.executions();
            while (printed < executions.size()
                    && executions.get(printed).outcome() != Execution.Outcome.RUNNING) {
                var execution = executions.get(printed++);
                System.out.printf(
                        "%s %s after %d ms%n",
                        execution.promptId(),
                        execution.outcome(),
                        Duration.ofNanos(execution.endedNanos() - execution.startedNanos())
                                .toMillis());
            }
            LockSupport.parkNanos(LOOK_AGAIN.toNanos());
        }
    }
}
