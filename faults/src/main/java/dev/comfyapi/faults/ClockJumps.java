package dev.comfyapi.faults;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/// The clocks of APIs and workers jump by an hour or by minutes, forward and back, while jobs with
/// deadlines and jobs for later are submitted: none expires, none starts before its time or long
/// after it, no worker is given up, nothing is run twice.
///
/// Recovery is from a jump until a job that is submitted then has ended. Needs libfaketime (`apt
/// install faketime`).
@Command(
        name = "clock-jumps",
        description = "The clocks of random processes jump by up to an hour; needs libfaketime.",
        mixinStandardHelpOptions = true)
final class ClockJumps extends FaultRun {

    private static final List<Duration> JUMPS =
            List.of(
                    Duration.ofHours(1),
                    Duration.ofHours(-1),
                    Duration.ofMinutes(5),
                    Duration.ofMinutes(-5),
                    Duration.ZERO);
    private static final Duration DELAY = Duration.ofSeconds(3);
    private static final Duration LATEST = Duration.ofSeconds(30);

    @Option(names = "--trials", description = "Jumps (${DEFAULT-VALUE})")
    int trials = 40;

    @Override
    List<Outcome> run() throws Exception {
        var clocks =
                FalseClocks.find()
                        .orElseThrow(() ->
                                new IllegalStateException(
                                        "libfaketime is not installed: apt install faketime"));
        var setting =
                new Platform.Setting(
                        SharedRun.APIS,
                        List.of(),
                        List.of(),
                        Platform.Setting.USUAL,
                        Duration.ZERO,
                        clocks);
        var recovery = new ArrayList<Long>();
        var random = new Random(seed);
        var enough = new AtomicBoolean();
        try (var platform = platform(SharedRun.WORKERS, SharedRun.STEP, setting);
                var client = platform.client();
                var direct = platform.client()) {
            var ledger = new Ledger();
            var submit = new Submit(client, ledger);
            try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
                threads.submit((Callable<Void>) () -> submitUntil(enough, submit));
                for (int trial = 0; trial < trials; trial++) {
                    int victim = random.nextInt(SharedRun.APIS + SharedRun.WORKERS);
                    var name =
                            victim < SharedRun.WORKERS
                                    ? Platform.worker(victim)
                                    : Platform.api(victim - SharedRun.WORKERS);
                    clocks.set(name, JUMPS.get(random.nextInt(JUMPS.size())));
                    TimeUnit.MILLISECONDS.sleep(1_000 + random.nextInt(2_000));
                    recovery.add(Probe.take(direct, ledger));
                }
                enough.set(true);
            }
            boolean ended = ledger.awaitAll(client, SharedRun.LONGEST);
            var outcome =
                    Outcome.of(
                            "F13 clocks jumped by up to an hour",
                            trials,
                            platform,
                            client,
                            ledger,
                            recovery.stream().mapToLong(Long::longValue).toArray(),
                            seed);
            return List.of(
                    outcome.and(ended, "Not every job ended")
                            .and(outcome.executionsPerJob() == 1, "A job was not run exactly once")
                            .and(submit.failure() == null, "A client saw: " + submit.failure())
                            .and(count(platform, "worker WHERE gone") == 0, "A worker was given up")
                            .and(
                                    count(
                                                    platform,
                                                    "job WHERE started_at < run_after"
                                                            + " OR started_at > run_after"
                                                            + " + interval '%d s'"
                                                                    .formatted(LATEST.toSeconds()))
                                            == 0,
                                    "A job did not start at its time")
                            .and(
                                    count(
                                                    platform,
                                                    "job WHERE started_at < created_at"
                                                            + " OR finished_at < started_at"
                                                            + " OR abs(extract(epoch FROM created_at)"
                                                            + " - extract(epoch FROM"
                                                            + " uuid_extract_timestamp(id))) > 60")
                                            == 0,
                                    "A job's times contradict each other"));
        }
    }

    private static int count(Platform platform, String what) {
        return platform.database()
                .sql("SELECT count(*) FROM " + what)
                .query(Integer.class)
                .single();
    }

    /// In turn a job that must start soon, and one for later.
    private static Void submitUntil(AtomicBoolean enough, Submit submit)
            throws InterruptedException {
        for (int i = 0; !enough.get(); i++) {
            var terms =
                    i % 2 == 0
                            ? "\"start_within_s\": 60, \"finish_within_s\": 120"
                            : "\"run_after\": \"%s\"".formatted(Instant.now().plus(DELAY));
            submit.job(
                    """
                    {"prompt": "clock %d", "width": 64, "height": 64, "steps": 5, "max_execution_s": 60, %s}
                    """
                            .formatted(i, terms));
            TimeUnit.MILLISECONDS.sleep(300);
        }
        return null;
    }
}
