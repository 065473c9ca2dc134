package dev.comfyapi.benchmarks.queues;

import com.zaxxer.hikari.HikariDataSource;

import dev.comfyapi.benchmarks.Picture;
import dev.comfyapi.db.job.JobClassStore;
import dev.comfyapi.db.job.JobStore;
import dev.comfyapi.db.lease.LeaseStore;
import dev.comfyapi.db.queue.Assigning;
import dev.comfyapi.db.queue.LeaderStore;
import dev.comfyapi.db.worker.Catalogue;
import dev.comfyapi.db.worker.WorkerStore;
import dev.comfyapi.model.job.JobClass;
import dev.comfyapi.model.job.LeaseKey;
import dev.comfyapi.model.workflow.Needs;

import org.flywaydb.core.Flyway;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.stream.IntStream;

/// This project's queue: the leader's statements on one connection, the workers' on others. Leases
/// are handed over within the process, as the others hand theirs; Kafka and the matcher are not
/// part of it.
public final class OwnQueue implements QueueUnderTest {

    private static final int BATCH = 500;
    private static final String RESULT = "{\"artifacts\": []}";

    private final HikariDataSource pool;
    private final int threads;
    private final JobStore jobs;
    private final LeaseStore leases;
    private final int classId;
    private final long worker;
    private int waiting;

    public OwnQueue(HikariDataSource pool, int threads) {
        this.pool = pool;
        this.threads = threads;
        Flyway.configure().dataSource(pool).load().migrate();
        var jdbc = JdbcClient.create(pool);
        jobs = new JobStore(jdbc);
        leases = new LeaseStore(jdbc, Duration.ofSeconds(5));
        classId = new JobClassStore(jdbc).idOf(Needs.of(Picture.GRAPH, JobClass.DEFAULT_POOL));
        worker =
                new WorkerStore(jdbc)
                        .register(
                                new WorkerStore.Registration(
                                        "benchmark",
                                        JobClass.DEFAULT_POOL,
                                        1,
                                        null,
                                        "0.33.0",
                                        new Catalogue(
                                                new TreeSet<>(),
                                                new TreeSet<>(),
                                                new TreeSet<>(),
                                                new TreeSet<>(),
                                                "{}")))
                        .id();
    }

    @Override
    public String name() {
        return "this queue (batches of %d, %d threads)".formatted(BATCH, threads);
    }

    @Override
    public void fill(int count) {
        for (int done = 0; done < count; done += BATCH) {
            int size = Math.min(BATCH, count - done);
            jobs.submit(1, IntStream.range(0, size).mapToObj(_ -> Picture.job(classId)).toList());
        }
        waiting += count;
    }

    @Override
    public void drain() throws InterruptedException {
        var given = new ArrayBlockingQueue<LeaseKey>(4 * BATCH);
        var room = new Semaphore(2 * BATCH);
        try (var workers = Executors.newFixedThreadPool(threads);
                var connection = pool.getConnection()) {
            for (int i = 0; i < threads; i++) {
                workers.submit(() -> complete(given, room));
            }
            var leader =
                    new LeaderStore(
                            JdbcClient.create(new SingleConnectionDataSource(connection, true)));
            while (waiting > 0) {
                room.acquire(Math.min(BATCH, waiting));
                var assigned = leader.assign(wishes(leader));
                waiting -= assigned.size();
                for (var assignment : assigned) {
                    given.put(assignment.lease());
                }
            }
            room.acquire(2 * BATCH);
            workers.shutdownNow();
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private List<Assigning> wishes(LeaderStore leader) {
        var wishes = new ArrayList<Assigning>();
        for (var head : leader.heads(leader.groups(), Math.min(BATCH, waiting))) {
            wishes.add(new Assigning(head.group(), head.job(), worker));
        }
        return wishes;
    }

    private Void complete(BlockingQueue<LeaseKey> given, Semaphore room)
            throws InterruptedException {
        while (true) {
            var lease = given.take();
            var outcome = leases.complete(lease, new LeaseStore.Result(0, 0, 0, RESULT));
            if (outcome != LeaseStore.Completion.RECORDED) {
                throw new IllegalStateException(lease + " was not recorded: " + outcome);
            }
            room.release();
        }
    }

    @Override
    public void close() {
        pool.close();
    }
}
