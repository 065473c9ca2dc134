package dev.comfyapi.faults;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/// Random processes are stopped (SIGSTOP) for some seconds, as by a garbage collection or a starved
/// processor, and go on (SIGCONT): nobody is given up for it, and no job is run twice.
///
/// Recovery is from a process going on until a job that is submitted then has ended.
@Command(
        name = "pauses",
        description = "Random processes stop for 1 to 10 s and go on.",
        mixinStandardHelpOptions = true)
final class Pauses extends SharedRun {

    @Option(names = "--trials", description = "Pauses (${DEFAULT-VALUE})")
    int trials = 100;

    @Option(names = "--longest", description = "Longest pause in seconds (${DEFAULT-VALUE})")
    int longest = 10;

    @Override
    void shorten() {
        trials = 3;
        longest = 3;
    }

    @Override
    Outcome on(Platform platform) throws Exception {
        var before = Before.on(platform);
        var ledger = ledger(before);
        var recovery = new ArrayList<Long>();
        var random = new Random(seed);
        var enough = new AtomicBoolean();
        int lostWorkers = gone(platform);
        try (var client = platform.client();
                var direct = platform.client()) {
            var submit = new Submit(client, ledger);
            try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
                threads.submit((Callable<Void>) () -> submitUntil(enough, submit));
                for (int trial = 0; trial < trials; trial++) {
                    TimeUnit.MILLISECONDS.sleep(500 + random.nextInt(1_000));
                    int victim = random.nextInt(platform.apis() + WORKERS);
                    var name =
                            victim < WORKERS
                                    ? Platform.worker(victim)
                                    : Platform.api(victim - WORKERS);
                    platform.signal(name, "STOP");
                    TimeUnit.MILLISECONDS.sleep(1_000 + random.nextInt(longest * 1_000 - 999));
                    platform.signal(name, "CONT");
                    recovery.add(Probe.take(direct, ledger));
                }
                enough.set(true);
            }
            boolean ended = ledger.awaitAll(client, LONGEST);
            var outcome =
                    Outcome.of(
                                    "F18 processes stopped for 1 to %d s".formatted(longest),
                                    trials,
                                    platform,
                                    client,
                                    ledger,
                                    recovery.stream().mapToLong(Long::longValue).toArray(),
                                    seed)
                            .without(before.executions());
            return outcome.and(ended, "Not every job ended")
                    .and(outcome.executionsPerJob() == 1, "Not every job was run exactly once")
                    .and(gone(platform) == lostWorkers, "A worker was given up")
                    .and(submit.failure() == null, "A client saw: " + submit.failure());
        }
    }

    private static int gone(Platform platform) {
        return platform.database()
                .sql("SELECT count(*) FROM worker WHERE gone")
                .query(Integer.class)
                .single();
    }

    private static Void submitUntil(AtomicBoolean enough, Submit submit)
            throws InterruptedException {
        for (int i = 0; !enough.get(); i++) {
            submit.job(Submit.picture("pause " + i, 10, Duration.ofSeconds(60)));
            TimeUnit.MILLISECONDS.sleep(250);
        }
        return null;
    }
}
