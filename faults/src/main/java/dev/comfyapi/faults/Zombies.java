package dev.comfyapi.faults;

import org.awaitility.Awaitility;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/// Workers are stopped (SIGSTOP) in the middle of a job until it has been given to another, and go
/// on then (SIGCONT) as if nothing had been: their late results are refused and their files go.
///
/// Silence is 3 s instead of 30 and heartbeats come every second, so that many trials fit into an
/// hour. Recovery is from the stop until another worker has the job.
@Command(
        name = "zombies",
        description = "Workers sleep past their lease and wake up.",
        mixinStandardHelpOptions = true)
final class Zombies extends FaultRun {

    private static final int WORKERS = 4;

    @Option(names = "--trials", description = "Workers that sleep (${DEFAULT-VALUE})")
    int trials = 200;

    private record Held(UUID job, long worker, int epoch, String name) {}

    @Override
    List<Outcome> run() throws Exception {
        var recovery = new ArrayList<Long>();
        var late = new ArrayList<String>();
        int done = 0;
        try (var platform =
                        platform(
                                WORKERS,
                                Duration.ofMillis(50),
                                List.of(
                                        "--comfyapi.dispatch.silence=3s",
                                        "--comfyapi.dispatch.settle=1s"),
                                List.of("--comfyapi.worker.heartbeat=1s"));
                var client = platform.client()) {
            var ledger = new Ledger();
            var submit = new Submit(client, ledger);
            while (done < trials) {
                platform.awaitIdle();
                for (int i = 0; i < 2; i++) {
                    submit.job(
                            Submit.picture(
                                    "zombie %d %d".formatted(done, i), 20, Duration.ofSeconds(60)));
                }
                var held = awaitRunning(platform);
                long stopped = System.nanoTime();
                for (var lease : held) {
                    platform.signal(lease.name(), "STOP");
                }
                for (var lease : held) {
                    Awaitility.await("another worker")
                            .atMost(Duration.ofMinutes(1))
                            .pollInterval(Duration.ofMillis(50))
                            .until(() -> isElsewhere(platform, lease));
                    recovery.add(System.nanoTime() - stopped);
                }
                for (var lease : held) {
                    platform.signal(lease.name(), "CONT");
                }
                boolean _ = ledger.awaitAll(client, Duration.ofMinutes(2));
                for (var lease : held) {
                    late.addAll(lateFiles(platform, lease));
                }
                done += held.size();
            }
            var outcome =
                    Outcome.of(
                            "F2 worker stopped past its lease",
                            done,
                            platform,
                            client,
                            ledger,
                            recovery.stream().mapToLong(Long::longValue).toArray(),
                            seed);
            for (var job : ledger.ended()) {
                outcome =
                        outcome.and(
                                job.path("attempt").path("number").intValue() > 1,
                                "Ended by the sleeper: " + job);
            }
            for (var file : late) {
                outcome = outcome.and(false, "Left by the sleeper: " + file);
            }
            return List.of(outcome);
        }
    }

    private static List<Held> awaitRunning(Platform platform) {
        return Awaitility.await("both jobs to run")
                .atMost(Duration.ofMinutes(1))
                .pollInterval(Duration.ofMillis(20))
                .until(
                        () ->
                                platform.database()
                                        .sql(
                                                """
                                                SELECT l.job_id, l.worker_id, l.epoch, w.name
                                                FROM lease l JOIN worker w ON w.id = l.worker_id
                                                """)
                                        .query((rs, _) ->
                                                new Held(
                                                        rs.getObject(1, UUID.class),
                                                        rs.getLong(2),
                                                        rs.getInt(3),
                                                        rs.getString(4)))
                                        .list(),
                        held ->
                                held.size() == 2
                                        && held.stream().map(Held::name).distinct().count() == 2
                                        && platform.comfyUis().stream()
                                                        .filter(c ->
                                                                c.executions().stream()
                                                                        .anyMatch(run ->
                                                                                run.endedNanos()
                                                                                        == 0))
                                                        .count()
                                                == 2);
    }

    private static boolean isElsewhere(Platform platform, Held lease) {
        return platform.database()
                .sql(
                        "SELECT EXISTS (SELECT FROM lease WHERE job_id = ? AND worker_id <> ?)"
                                + " OR EXISTS (SELECT FROM job WHERE id = ? AND state <> 0)")
                .params(lease.job(), lease.worker(), lease.job())
                .query(Boolean.class)
                .single();
    }

    /// Files of the sleeper's attempt that are still there a minute later.
    private static List<String> lateFiles(Platform platform, Held lease) {
        var attempt = Path.of(lease.job().toString(), Integer.toString(lease.epoch()));
        try {
            Awaitility.await("the sleeper to clean up")
                    .atMost(Duration.ofMinutes(1))
                    .until(() -> files(platform, attempt).isEmpty());
        } catch (org.awaitility.core.ConditionTimeoutException _) {
            // What is left is answered.
        }
        return files(platform, attempt);
    }

    private static List<String> files(Platform platform, Path attempt) {
        return platform.storedFiles().stream()
                .map(Path::toString)
                .filter(file -> file.contains(attempt.toString()))
                .toList();
    }
}
