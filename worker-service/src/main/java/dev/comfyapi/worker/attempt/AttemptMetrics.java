package dev.comfyapi.worker.attempt;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;

/// Counts attempts by how they ended, and the time they took.
final class AttemptMetrics {

    private final MeterRegistry registry;
    private final Timer gpu;
    private final Timer store;

    AttemptMetrics(MeterRegistry registry) {
        this.registry = registry;
        this.gpu =
                Timer.builder("comfyapi.worker.gpu")
                        .description("Time ComfyUI ran attempts that succeeded")
                        .register(registry);
        this.store =
                Timer.builder("comfyapi.worker.store")
                        .description("Time to fetch and store the files of an attempt")
                        .register(registry);
    }

    void count(AttemptOutcome outcome) {
        registry.counter("comfyapi.worker.attempts", "outcome", outcome.word()).increment();
        if (outcome instanceof AttemptOutcome.Succeeded succeeded) {
            gpu.record(succeeded.gpu());
            store.record(succeeded.store());
        }
    }
}
