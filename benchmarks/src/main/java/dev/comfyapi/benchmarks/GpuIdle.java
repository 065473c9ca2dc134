package dev.comfyapi.benchmarks;

import dev.comfyapi.simulator.Execution;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.time.Duration;
import java.util.Comparator;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// How long ComfyUI has nothing to do between two jobs while others wait, by the simulator's own
/// clock.
@Command(
        name = "gpu-idle",
        description = "GPU idle between two jobs of about 200 ms with a backlog.")
final class GpuIdle implements Callable<Integer> {

    @Option(names = "--batches", description = "Batches of ten jobs (${DEFAULT-VALUE})")
    private int batches = 12;

    @Override
    public Integer call() throws Exception {
        // 10 steps of 20 ms.
        try (var platform = new Platform(Duration.ofMillis(20))) {
            var requests =
                    IntStream.range(0, 10)
                            .mapToObj(i ->
                                    """
                                    {"prompt": "backlog %d", "width": 64, "height": 64, "steps": 10}
                                    """
                                            .formatted(i))
                            .collect(Collectors.joining(","));
            var body = "{\"requests\": [%s]}".formatted(requests);
            platform.post("/api/v1/generate/batch", body);
            int warm = platform.comfyUi().executions().size();
            try (var threads = java.util.concurrent.Executors.newVirtualThreadPerTaskExecutor()) {
                for (int i = 0; i < batches; i++) {
                    threads.submit(() -> platform.post("/api/v1/generate/batch", body));
                }
            }
            var runs =
                    platform.comfyUi().executions().stream()
                            .skip(warm)
                            .sorted(Comparator.comparingLong(Execution::startedNanos))
                            .toList();
            var gaps =
                    IntStream.range(1, runs.size())
                            .mapToLong(
                                    i -> runs.get(i).startedNanos() - runs.get(i - 1).endedNanos())
                            .toArray();
            var lengths = runs.stream().mapToLong(r -> r.endedNanos() - r.startedNanos()).toArray();
            long busy = java.util.Arrays.stream(lengths).sum();
            long whole = runs.getLast().endedNanos() - runs.getFirst().startedNanos();
            System.out.println("run           " + Figures.of(lengths));
            System.out.println("idle between  " + Figures.of(gaps));
            System.out.printf("busy          %.1f %% of the time%n", 100.0 * busy / whole);
        }
        return 0;
    }
}
