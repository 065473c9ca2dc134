package dev.comfyapi.benchmarks;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;

/// From the client's POST to the moment ComfyUI has the prompt, with an idle worker: two commits,
/// one lane hop, one POST.
@Command(
        name = "submit-to-comfyui",
        description = "Client's POST until ComfyUI has the prompt, idle worker.")
final class SubmitToComfyUi implements Callable<Integer> {

    private static final String BODY =
            """
            {"prompt": "latency", "width": 64, "height": 64, "steps": 1}
            """;

    @Option(names = "--jobs", description = "Jobs, one after the other (${DEFAULT-VALUE})")
    private int jobs = 300;

    @Override
    public Integer call() throws Exception {
        try (var platform = new Platform(java.time.Duration.ZERO)) {
            for (int i = 0; i < 100; i++) {
                platform.post("/api/v1/generate", BODY);
            }
            var toComfyUi = new long[jobs];
            var toPicture = new long[jobs];
            var afterRun = new long[jobs];
            var withoutStoring = new long[jobs];
            for (int i = 0; i < jobs; i++) {
                int before = platform.comfyUi().received().size();
                long began = System.nanoTime();
                var job = platform.post("/api/v1/generate", BODY);
                long answered = System.nanoTime();
                toPicture[i] = answered - began;
                if (!job.path("status").stringValue().equals("succeeded")) {
                    throw new IllegalStateException("not a picture: " + job);
                }
                toComfyUi[i] = platform.comfyUi().received().get(before).receivedNanos() - began;
                afterRun[i] = answered - platform.comfyUi().executions().getLast().endedNanos();
                withoutStoring[i] =
                        afterRun[i] - 1_000_000 * job.at("/timings/store_ms").longValue();
                // Not in step with the leader's idle looks.
                Thread.sleep(ThreadLocalRandom.current().nextInt(40));
            }
            System.out.println("POST → ComfyUI has the prompt   " + Figures.of(toComfyUi));
            System.out.println("POST → client has the answer    " + Figures.of(toPicture));
            System.out.println("GPU done → client has it        " + Figures.of(afterRun));
            System.out.println("  without fetching and storing  " + Figures.of(withoutStoring));
        }
        return 0;
    }
}
