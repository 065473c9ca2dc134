package dev.comfyapi.faults;

import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/// A random worker is killed again and again while jobs run. Half come back under their own name,
/// half under a new one.
///
/// Recovery is how long a job that the dead worker held was without a worker: after the successor
/// registered when that has the name of the dead, after the kill when nobody has.
@Command(
        name = "worker-kills",
        description = "A random worker is killed (SIGKILL) again and again.",
        mixinStandardHelpOptions = true)
final class WorkerKills extends FaultRun {

    private static final int WORKERS = 4;
    private static final Duration LONGEST = Duration.ofMinutes(60);

    @Option(names = "--jobs", description = "Jobs (${DEFAULT-VALUE})")
    int jobs = 10_000;

    @Option(
            names = "--every",
            description = "Seconds between two kills, in the mean (${DEFAULT-VALUE})")
    int every = 10;

    /// Whether recovery times are judged. Every worker that starts takes the processors from those
    /// that work, so they say as much about the machine as about the platform.
    boolean timed = true;

    private final List<Long> byName = new ArrayList<>();
    private final List<Long> bySilence = new ArrayList<>();
    private int sameName;
    private int newName;

    @Override
    List<Outcome> run() throws Exception {
        try (var platform = platform(WORKERS, Duration.ofMillis(40), List.of(), List.of());
                var client = platform.client();
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var ledger = new Ledger();
            var submit = new Submit(client, ledger);
            var submitting =
                    threads.submit(
                            (Callable<Void>)
                                    () -> {
                                        for (int i = 0; i < jobs; i++) {
                                            submit.job(
                                                    Submit.picture(
                                                            "killed " + i,
                                                            4,
                                                            Duration.ofSeconds(60)));
                                        }
                                        return null;
                                    });
            var kills = threads.submit(() -> kill(platform));
            submitting.get();
            boolean ended = ledger.awaitAll(client, LONGEST);
            kills.cancel(true);
            threads.shutdown();
            boolean _ = threads.awaitTermination(2, TimeUnit.MINUTES);

            var named =
                    Outcome.of(
                                    "F1 worker killed, back under its name",
                                    sameName,
                                    platform,
                                    client,
                                    ledger,
                                    nanos(byName),
                                    seed)
                            .and(ended, "Not every job ended within " + LONGEST);
            var renamed =
                    Outcome.of(
                            "F1 worker killed, another name instead",
                            newName,
                            platform,
                            client,
                            ledger,
                            nanos(bySilence),
                            seed);
            return List.of(
                    named.and(
                                    !timed || named.recovery().p99() <= 2,
                                    "Back by name took more than 2 s")
                            .and(named.executionsPerJob() <= 1.05, "More than 1.05 runs a job"),
                    renamed.and(
                            !timed || renamed.recovery().p99() <= 32,
                            "Silence took more than 32 s"));
        }
    }

    private static long[] nanos(List<Long> times) {
        return times.stream().mapToLong(Long::longValue).toArray();
    }

    private Void kill(Platform platform) throws InterruptedException {
        var random = new Random(seed);
        var names = new ArrayList<String>();
        for (int i = 0; i < WORKERS; i++) {
            names.add(Platform.worker(i));
        }
        int generation = 0;
        try (var watchers = Executors.newVirtualThreadPerTaskExecutor()) {
            while (!Thread.currentThread().isInterrupted()) {
                // No steady beat: one in step with the lease hits the same job again and again.
                TimeUnit.MILLISECONDS.sleep(every * 500L + random.nextLong(every * 1000L));
                int victim = random.nextInt(WORKERS);
                var name = names.get(victim);
                boolean keepsName = random.nextBoolean();
                var database = platform.database();
                platform.kill(name);
                var killed = now(database);
                var orphans = held(database, name);
                if (keepsName) {
                    sameName++;
                } else {
                    newName++;
                    names.set(victim, "%s-%d".formatted(Platform.worker(victim), ++generation));
                }
                platform.startWorker(victim, names.get(victim));
                for (var orphan : orphans) {
                    watchers.submit(() -> watch(platform, orphan, name, keepsName, killed));
                }
            }
        }
        return null;
    }

    private record Held(UUID job, int epoch, long worker) {}

    private static List<Held> held(JdbcClient database, String worker) {
        return database.sql(
                        """
                        SELECT l.job_id, l.epoch, l.worker_id
                        FROM lease l JOIN worker w ON w.id = l.worker_id WHERE w.name = ? AND NOT w.gone
                        """)
                .param(worker)
                .query((rs, _) ->
                        new Held(rs.getObject(1, UUID.class), rs.getInt(2), rs.getLong(3)))
                .list();
    }

    private static double now(JdbcClient database) {
        return database.sql("SELECT extract(epoch FROM clock_timestamp())::float8")
                .query(Double.class)
                .single();
    }

    /// Waits until somebody else has the job, and notes how long that took.
    private Void watch(
            Platform platform, Held orphan, String name, boolean keepsName, double killed)
            throws InterruptedException {
        var database = platform.database();
        while (true) {
            @Nullable Double taken =
                    database.sql(
                                    """
                                    SELECT extract(epoch FROM coalesce(l.assigned_at, j.finished_at))::float8
                                    FROM job j LEFT JOIN lease l ON l.job_id = j.id AND l.worker_id <> :worker
                                    WHERE j.id = :job AND (l.job_id IS NOT NULL OR j.state <> 0)
                                    """)
                            .param("worker", orphan.worker())
                            .param("job", orphan.job())
                            .query(Double.class)
                            .optional()
                            .orElse(null);
            if (taken == null) {
                TimeUnit.MILLISECONDS.sleep(20);
                continue;
            }
            double since = keepsName ? registered(database, name, orphan.worker()) : killed;
            synchronized (this) {
                (keepsName ? byName : bySilence).add((long) (Math.max(0, taken - since) * 1e9));
            }
            return null;
        }
    }

    /// When the successor of a worker came.
    private static double registered(JdbcClient database, String name, long before) {
        return database.sql(
                        """
                        SELECT coalesce(min(extract(epoch FROM registered_at))::float8, 'infinity')
                        FROM worker WHERE name = ? AND id > ?
                        """)
                .params(name, before)
                .query(Double.class)
                .single();
    }
}
