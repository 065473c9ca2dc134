package dev.comfyapi.benchmarks;

import dev.comfyapi.db.lease.LeaseStore;
import dev.comfyapi.db.worker.WorkerStore.Standing;
import dev.comfyapi.embedded.PostgresServer;
import dev.comfyapi.model.job.JobState;
import dev.comfyapi.model.message.JobEvent;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/// What a job costs the queue when few wait and when a million waits: assign and complete of jobs
/// of no length, through the leader's real looks and the workers' real heartbeats and completions.
/// Two databases on one Postgres, in turns; each round takes jobs off and puts as many back.
///
/// Then the same while somebody holds a transaction open: nothing that is deleted can be cleaned
/// away until it ends, and whoever reads from the front of a table or an index steps over it.
@Command(
        name = "deep-queue",
        description = "Cost of assign and complete with few and with very many jobs waiting.")
final class DeepQueue implements Callable<Integer> {

    private static final int TENANTS = 10;
    private static final int CLASSES = 3;
    private static final int WORKERS = 60;
    private static final String RESULT = "{\"artifacts\": []}";

    @Option(names = "--shallow", description = "Jobs that wait in the one (${DEFAULT-VALUE})")
    private int shallow = 10_000;

    @Option(names = "--deep", description = "Jobs that wait in the other (${DEFAULT-VALUE})")
    private int deep = 1_000_000;

    @Option(names = "--jobs", description = "Jobs of a round (${DEFAULT-VALUE})")
    private int jobs = 5_000;

    @Option(names = "--rounds", description = "Rounds of each after a warm-up (${DEFAULT-VALUE})")
    private int rounds = 5;

    @Option(
            names = "--held",
            description = "Seconds that a transaction is held open (${DEFAULT-VALUE})")
    private int held = 60;

    @Option(names = "--threads", description = "Threads of the workers (${DEFAULT-VALUE})")
    private int threads = 8;

    /// @param perJobNanos of wall time
    /// @param looks those that gave out jobs
    private record Round(double perJobNanos, Figures looks) {}

    @Override
    public Integer call() throws Exception {
        var folder = Files.createTempDirectory("deep-queue");
        try (var postgres =
                        PostgresServer.start(folder.resolve("data"), Path.of(".data", "programs"));
                var few = open(postgres);
                var many = open(postgres)) {
            long began = System.nanoTime();
            few.fill(shallow);
            many.fill(deep);
            System.out.printf(
                    "%d and %d jobs of %d tenants and %d classes wait, %d workers; filled in %.0f s%n",
                    shallow, deep, TENANTS, CLASSES, WORKERS, (System.nanoTime() - began) / 1e9);
            few.settle();
            many.settle();
            System.out.println(
                    "round      ms/job few, many  ratio     ms/look few, many (p50)  ratio");
            print("warm-up", drain(few, jobs), drain(many, jobs));
            var cheap = new ArrayList<Round>();
            var dear = new ArrayList<Round>();
            for (int round = 1; round <= rounds; round++) {
                cheap.add(drain(few, jobs));
                dear.add(drain(many, jobs));
                print("round " + round, cheap.getLast(), dear.getLast());
            }
            System.out.printf(
                    "%nmedian: %.3f ms a job with %d waiting, %.3f with %d: ratio %.2f (allowed 1.5)%n%n",
                    median(cheap) / 1e6,
                    shallow,
                    median(dear) / 1e6,
                    deep,
                    median(dear) / median(cheap));
            hold(few, many, median(cheap));
        }
        return 0;
    }

    private WaitingJobs open(PostgresServer postgres) throws SQLException {
        return new WaitingJobs(
                postgres.newDatabase(), threads + 4, TENANTS, CLASSES, WORKERS, 1, Map.of());
    }

    /// Rounds go on while both databases have a transaction open.
    private void hold(WaitingJobs few, WaitingJobs many, double before) throws Exception {
        try (var one = few.pool.getConnection();
                var other = many.pool.getConnection()) {
            begin(one);
            begin(other);
            System.out.println("with a transaction held open, seconds since it began");
            long began = System.nanoTime();
            var cheap = new ArrayList<Round>();
            var dear = new ArrayList<Round>();
            do {
                cheap.add(drain(few, jobs));
                dear.add(drain(many, jobs));
                print(
                        "%5.0f s".formatted((System.nanoTime() - began) / 1e9),
                        cheap.getLast(),
                        dear.getLast());
            } while (System.nanoTime() - began < held * 1e9);
            one.rollback();
            other.rollback();
            // How it is in the end is what counts.
            var last = dear.subList(Math.max(0, dear.size() - 3), dear.size());
            var lastCheap = cheap.subList(Math.max(0, cheap.size() - 3), cheap.size());
            System.out.printf(
                    "%nin the end: %.3f ms a job with %d waiting, %.3f with %d; to %d waiting without it: ratio %.2f"
                            + " and %.2f (allowed 1.5)%n",
                    median(lastCheap) / 1e6,
                    shallow,
                    median(last) / 1e6,
                    deep,
                    shallow,
                    median(lastCheap) / before,
                    median(last) / before);
        }
    }

    private static void begin(Connection connection) throws SQLException {
        connection.setAutoCommit(false);
        connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
        try (var statement = connection.createStatement();
                var rows = statement.executeQuery("SELECT count(*) FROM tenant")) {
            rows.next();
        }
    }

    /// Gives out so many jobs and waits until all are completed; puts as many back.
    private Round drain(WaitingJobs waiting, int count) throws Exception {
        var completed = new AtomicInteger();
        var over = new AtomicBoolean();
        var looks = new ArrayList<Long>();
        int assigned = 0;
        long took;
        try (var pool = Executors.newFixedThreadPool(threads)) {
            var working = new ArrayList<Future<?>>();
            long began = System.nanoTime();
            for (int i = 0; i < threads; i++) {
                int first = i;
                working.add(pool.submit(() -> work(waiting, first, over, completed)));
            }
            long settled = began;
            while (assigned < count || completed.get() < assigned) {
                working.stream().filter(Future::isDone).forEach(DeepQueue::rethrow);
                if (System.nanoTime() - settled > TimeUnit.SECONDS.toNanos(1)) {
                    settled = System.nanoTime();
                    waiting.looks.settle();
                }
                if (assigned < count) {
                    long look = System.nanoTime();
                    int given = waiting.looks.look();
                    if (given > 0) {
                        looks.add(System.nanoTime() - look);
                        assigned += given;
                    }
                }
                // Two looks are never closer than this.
                TimeUnit.MILLISECONDS.sleep(10);
            }
            took = System.nanoTime() - began;
            over.set(true);
        }
        waiting.fill(assigned);
        return new Round(
                (double) took / assigned,
                Figures.of(looks.stream().mapToLong(Long::longValue).toArray()));
    }

    private static void rethrow(Future<?> failed) {
        try {
            failed.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }

    /// What every eighth worker does: ask what there is, and be done with it.
    private Void work(WaitingJobs waiting, int first, AtomicBoolean over, AtomicInteger completed)
            throws InterruptedException {
        while (!over.get()) {
            int done = 0;
            for (int i = first; i < waiting.workerIds.size(); i += threads) {
                var held =
                        waiting.workers.heartbeat(
                                waiting.workerIds.get(i),
                                new Standing(true, null, null),
                                List.of());
                for (var lease : held.orElseThrow().held()) {
                    var outcome =
                            waiting.leases.complete(
                                    lease.lease(), new LeaseStore.Result(0, 1, 0, RESULT));
                    if (outcome != LeaseStore.Completion.RECORDED) {
                        throw new IllegalStateException(lease + " came to " + outcome);
                    }
                    waiting.looks.hear(
                            new JobEvent.Finished(lease.lease().job(), JobState.SUCCEEDED));
                    completed.incrementAndGet();
                    done++;
                }
            }
            if (done == 0) {
                TimeUnit.MILLISECONDS.sleep(2);
            }
        }
        return null;
    }

    private static void print(String when, Round cheap, Round dear) {
        double few = cheap.looks().p50();
        double many = dear.looks().p50();
        System.out.printf(
                "%-8s %10.3f %7.3f %8.2f     %10.1f %7.1f %12.2f%n",
                when,
                cheap.perJobNanos() / 1e6,
                dear.perJobNanos() / 1e6,
                dear.perJobNanos() / cheap.perJobNanos(),
                few,
                many,
                many / few);
    }

    private static double median(List<Round> rounds) {
        return rounds.stream()
                .mapToDouble(Round::perJobNanos)
                .sorted()
                .skip(rounds.size() / 2)
                .findFirst()
                .orElseThrow();
    }
}
