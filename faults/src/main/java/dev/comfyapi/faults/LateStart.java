package dev.comfyapi.faults;

import dev.comfyapi.faults.Platform.Part;
import dev.comfyapi.faults.Platform.Setting;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/// Everything is started in an order that the seed decides, with a pause between, and something
/// that others need comes last: whatever starts before what it needs waits for it.
///
/// Recovery is from the start of the last part until the API takes requests and all workers are
/// idle.
@Command(
        name = "late-start",
        description = "Postgres, Kafka, API and workers are started in any order.",
        mixinStandardHelpOptions = true)
final class LateStart extends FaultRun {

    private static final Duration PAUSE = Duration.ofSeconds(5);

    @Option(names = "--trials", description = "Starts (${DEFAULT-VALUE})")
    int trials = 8;

    /// Postgres or Kafka last.
    static Setting setting(Random random) {
        var order = new ArrayList<>(List.of(Part.values()));
        do {
            Collections.shuffle(order, random);
        } while (order.getLast() != Part.POSTGRES && order.getLast() != Part.KAFKA);
        return new Setting(SharedRun.APIS, List.of(), List.of(), order, PAUSE, null);
    }

    @Override
    List<Outcome> run() throws Exception {
        var random = new Random(seed);
        var outcomes = new ArrayList<Outcome>();
        for (int trial = 0; trial < trials; trial++) {
            var setting = setting(random);
            try (var platform = platform(SharedRun.WORKERS, SharedRun.STEP, setting)) {
                outcomes.add(outcome(platform, setting, seed));
            }
        }
        return outcomes;
    }

    static Outcome outcome(Platform platform, Setting setting, long seed) throws Exception {
        long ready = System.nanoTime() - platform.startedNanos();
        var ledger = SharedRun.ledger(SharedRun.Before.on(platform));
        try (var client = platform.client()) {
            long _ = Probe.take(client, ledger);
            boolean ended = ledger.awaitAll(client, SharedRun.LONGEST);
            var outcome =
                    Outcome.of(
                            "F23 started as " + setting.order(),
                            1,
                            platform,
                            client,
                            ledger,
                            new long[] {ready},
                            seed);
            return outcome.and(ended, "Its first job did not end")
                    .and(outcome.recovery().max() <= 30, "Ready only after 30 s");
        }
    }
}
