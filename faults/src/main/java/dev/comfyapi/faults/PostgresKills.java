package dev.comfyapi.faults;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/// Postgres is killed again and again while clients submit and workers work: what was acknowledged
/// stays, clients see nothing worse than a 503, and nobody has to restart anything.
///
/// Recovery is from Postgres accepting connections until the API says it is ready.
@Command(
        name = "postgres-kills",
        description = "Postgres is killed (SIGKILL) again and again.",
        mixinStandardHelpOptions = true)
final class PostgresKills extends FaultRun {

    private static final int CLIENTS = 4;

    @Option(names = "--trials", description = "Kills (${DEFAULT-VALUE})")
    int trials = 20;

    @Override
    List<Outcome> run() throws Exception {
        var random = new Random(seed);
        var recovery = new long[trials];
        try (var platform = platform(2, Duration.ofMillis(5), List.of(), List.of());
                var client = platform.client()) {
            var ledger = new Ledger();
            var submit = new Submit(client, ledger);
            var enough = new AtomicBoolean();
            try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
                for (int i = 0; i < CLIENTS; i++) {
                    threads.submit((Callable<Void>) () -> submitUntil(enough, submit));
                }
                for (int trial = 0; trial < trials; trial++) {
                    TimeUnit.MILLISECONDS.sleep(2_000 + random.nextInt(3_000));
                    platform.killPostgres();
                    TimeUnit.MILLISECONDS.sleep(random.nextInt(4_000));
                    platform.startPostgres();
                    recovery[trial] = awaitReady(client);
                }
                enough.set(true);
            }
            boolean ended = ledger.awaitAll(client, Duration.ofMinutes(10));
            var outcome =
                    Outcome.of(
                            "F5 Postgres killed, %d × 503 meanwhile".formatted(submit.refusals()),
                            trials,
                            platform,
                            client,
                            ledger,
                            recovery,
                            seed);
            return List.of(
                    outcome.and(ended, "Not every job ended")
                            .and(outcome.recovery().max() <= 15, "Ready only after 15 s")
                            .and(submit.failure() == null, "A client saw: " + submit.failure()));
        }
    }

    private static Void submitUntil(AtomicBoolean enough, Submit submit)
            throws InterruptedException {
        for (int i = 0; !enough.get(); i++) {
            submit.job(Submit.picture("postgres " + i, 1, Duration.ofSeconds(60)));
            TimeUnit.MILLISECONDS.sleep(150);
        }
        return null;
    }

    private static long awaitReady(Client client) throws InterruptedException {
        long began = System.nanoTime();
        while (true) {
            try {
                if (client.get("/readyz").status() == 200) {
                    return System.nanoTime() - began;
                }
            } catch (IOException _) {
                // Not ready.
            }
            TimeUnit.MILLISECONDS.sleep(20);
        }
    }
}
