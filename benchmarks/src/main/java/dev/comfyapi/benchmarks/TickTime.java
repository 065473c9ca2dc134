package dev.comfyapi.benchmarks;

import dev.comfyapi.db.lease.LeaseStore;
import dev.comfyapi.db.worker.WorkerStore.LeaseReport;
import dev.comfyapi.db.worker.WorkerStore.Standing;
import dev.comfyapi.embedded.PostgresServer;
import dev.comfyapi.model.job.JobState;
import dev.comfyapi.model.job.LeaseKey;
import dev.comfyapi.model.job.LeaseStage;
import dev.comfyapi.model.message.JobEvent;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/// How long one look of the leader takes with a large fleet: workers that report every five
/// seconds, each with a job that runs and one behind it, many tenants, a deep queue.
///
/// The workers are rows, and threads that write what their workers would: heartbeats, completions,
/// and the word that a GPU is free.
@Command(
        name = "tick",
        description = "Time of one look at the queue with 2,000 workers and 50 tenants.")
final class TickTime implements Callable<Integer> {

    private static final long BEAT = TimeUnit.SECONDS.toNanos(5);
    private static final String RESULT = "{\"artifacts\": []}";

    @Option(names = "--workers", description = "Workers (${DEFAULT-VALUE})")
    private int workers = 2_000;

    @Option(names = "--tenants", description = "Tenants (${DEFAULT-VALUE})")
    private int tenants = 50;

    @Option(names = "--waiting", description = "Jobs that wait (${DEFAULT-VALUE})")
    private int waiting = 100_000;

    @Option(names = "--run", description = "Seconds that a job runs (${DEFAULT-VALUE})")
    private int run = 10;

    @Option(names = "--seconds", description = "Seconds that are measured (${DEFAULT-VALUE})")
    private int seconds = 30;

    @Option(names = "--threads", description = "Threads of the workers (${DEFAULT-VALUE})")
    private int threads = 8;

    private final AtomicInteger beats = new AtomicInteger();
    private final AtomicInteger completions = new AtomicInteger();
    private final Queue<Throwable> wrong = new java.util.concurrent.ConcurrentLinkedQueue<>();
    private volatile boolean over;

    @Override
    public Integer call() throws Exception {
        var folder = Files.createTempDirectory("tick");
        try (var postgres =
                        PostgresServer.start(folder.resolve("data"), Path.of(".data", "programs"));
                var queue =
                        new WaitingJobs(
                                postgres.newDatabase(),
                                threads + 4,
                                tenants,
                                3,
                                workers,
                                run * 1_000,
                                // Two for each worker, whatever the first one's time.
                                Map.of("horizon", 2 * run + "s", "ahead", "2"))) {
            queue.fill(waiting);
            queue.settle();
            try (var pool = Executors.newFixedThreadPool(threads)) {
                for (int i = 0; i < threads; i++) {
                    int first = i;
                    pool.execute(() -> work(queue, first));
                }
                look(queue, 2 * run);
                beats.set(0);
                completions.set(0);
                long began = System.nanoTime();
                long processor = processorNanos();
                var looks = look(queue, seconds);
                processor = processorNanos() - processor;
                double took = (System.nanoTime() - began) / 1e9;
                over = true;
                System.out.printf(
                        """
                        %d workers, %d leases, %d tenants, %d jobs waiting
                        heartbeats/s        %.0f
                        completions/s       %.0f
                        looks/s             %.1f
                        one look            %s
                        of it the leader's own processor time, on average  %.1f ms
                        (allowed: p50 5 ms, p99 50 ms)
                        """,
                        workers,
                        queue.jdbc.sql("SELECT count(*) FROM lease").query(Integer.class).single(),
                        tenants,
                        queue.jdbc.sql("SELECT count(*) FROM queue").query(Integer.class).single(),
                        beats.get() / took,
                        completions.get() / took,
                        looks.length / took,
                        Figures.of(looks),
                        processor / 1e6 / looks.length);
            }
        }
        wrong.forEach(Throwable::printStackTrace);
        return wrong.isEmpty() ? 0 : 1;
    }

    private static long processorNanos() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }

    /// Looks as the leader does while bells ring all the time.
    private long[] look(WaitingJobs queue, int forSeconds) throws InterruptedException {
        var looks = new ArrayList<Long>();
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(forSeconds);
        long settled = System.nanoTime();
        while (System.nanoTime() < until && wrong.isEmpty()) {
            if (System.nanoTime() - settled > TimeUnit.SECONDS.toNanos(1)) {
                settled = System.nanoTime();
                queue.looks.settle();
            }
            long began = System.nanoTime();
            int _ = queue.looks.look();
            looks.add(System.nanoTime() - began);
            TimeUnit.MILLISECONDS.sleep(10);
        }
        return looks.stream().mapToLong(Long::longValue).toArray();
    }

    /// One simulated worker.
    private static final class Hand {
        private final long id;
        private long beatAt;
        private final ArrayDeque<LeaseKey> held = new ArrayDeque<>();
        private long startedAt;

        Hand(long id, long beatAt) {
            this.id = id;
            this.beatAt = beatAt;
        }
    }

    /// The life of every eighth worker. Their starts are spread, as those of a real fleet are.
    private void work(WaitingJobs queue, int first) {
        var random = new Random(first);
        var hands = new ArrayList<Hand>();
        for (int i = first; i < queue.workerIds.size(); i += threads) {
            hands.add(new Hand(queue.workerIds.get(i), System.nanoTime() + random.nextLong(BEAT)));
        }
        try {
            while (!over) {
                boolean idle = true;
                for (var hand : hands) {
                    boolean finished = finish(queue, hand);
                    boolean beaten = beat(queue, hand);
                    idle = idle && !finished && !beaten;
                }
                if (idle) {
                    TimeUnit.MILLISECONDS.sleep(2);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            wrong.add(e);
        }
    }

    private boolean finish(WaitingJobs queue, Hand hand) {
        @Nullable LeaseKey running = hand.held.peek();
        if (running == null || System.nanoTime() - hand.startedAt < run * 1_000_000_000L) {
            return false;
        }
        hand.held.remove();
        hand.startedAt = System.nanoTime();
        queue.looks.hear(new JobEvent.Freed(running.job(), running.epoch(), running.worker()));
        var outcome =
                queue.leases.complete(
                        running, new LeaseStore.Result(run * 1_000L, run * 1_000, 0, RESULT));
        queue.looks.hear(new JobEvent.Finished(running.job(), JobState.SUCCEEDED));
        if (outcome != LeaseStore.Completion.RECORDED) {
            throw new IllegalStateException(running + " came to " + outcome);
        }
        completions.incrementAndGet();
        return true;
    }

    private boolean beat(WaitingJobs queue, Hand hand) {
        if (System.nanoTime() < hand.beatAt) {
            return false;
        }
        hand.beatAt += BEAT;
        @Nullable LeaseKey running = hand.held.peek();
        int ago = (int) ((System.nanoTime() - hand.startedAt) / 1_000_000);
        var reports =
                running == null
                        ? List.<LeaseReport>of()
                        : List.of(
                                new LeaseReport(
                                        running,
                                        LeaseStage.RUNNING,
                                        Math.min(1, ago / (run * 1_000.0)),
                                        null,
                                        ago));
        for (var held :
                queue.workers
                        .heartbeat(hand.id, new Standing(true, null, null), reports)
                        .orElseThrow()
                        .held()) {
            if (!hand.held.contains(held.lease())) {
                if (hand.held.isEmpty()) {
                    // Somewhere within its run, so that not all end at the same time.
                    hand.startedAt =
                            System.nanoTime()
                                    - (completions.get() == 0
                                            ? Math.floorMod(held.lease().hashCode(), run * 1_000)
                                                    * 1_000_000L
                                            : 0);
                }
                hand.held.add(held.lease());
            }
        }
        beats.incrementAndGet();
        return true;
    }
}
