package dev.comfyapi.db;

import dev.comfyapi.db.invariant.InvariantStore;
import dev.comfyapi.db.job.IdempotencyStore;
import dev.comfyapi.db.job.JobClassStore;
import dev.comfyapi.db.job.JobRow;
import dev.comfyapi.db.job.JobStore;
import dev.comfyapi.db.job.NewJob;
import dev.comfyapi.db.lease.LeaseStore;
import dev.comfyapi.db.queue.Assigning;
import dev.comfyapi.db.queue.LeaderStore;
import dev.comfyapi.db.worker.Catalogue;
import dev.comfyapi.db.worker.WorkerStore;
import dev.comfyapi.embedded.PostgresServer;
import dev.comfyapi.model.job.JobClass;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.LeaseKey;
import dev.comfyapi.model.job.LeaseStage;
import dev.comfyapi.model.job.Priority;
import dev.comfyapi.model.workflow.Graph;

import org.flywaydb.core.Flyway;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DriverManagerDataSource;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;

/// A migrated database of its own on a real Postgres, and jobs in states reached the way production
/// reaches them.
final class Database {

    static final int TENANT = 1;

    private static final AtomicLong SEQUENCE = new AtomicLong();
    private static @Nullable PostgresServer server;

    final JdbcClient jdbc;
    final String url;
    final JobStore jobs;
    final JobClassStore classes;
    final IdempotencyStore idempotency;
    final LeaderStore leader;
    final LeaseStore leases;
    final WorkerStore workers;
    final InvariantStore invariants;

    Database() {
        url = server().newDatabase();
        var source = new DriverManagerDataSource(url);
        Flyway.configure().dataSource(source).load().migrate();
        jdbc = JdbcClient.create(source);
        jobs = new JobStore(jdbc);
        classes = new JobClassStore(jdbc);
        idempotency = new IdempotencyStore(jdbc);
        leader = new LeaderStore(jdbc);
        leases = new LeaseStore(jdbc, Duration.ofSeconds(5));
        workers = new WorkerStore(jdbc);
        invariants = new InvariantStore(jdbc);
    }

    private static synchronized PostgresServer server() {
        if (server == null) {
            try {
                var folder = Files.createTempDirectory("comfyapi-db-test");
                var started =
                        PostgresServer.start(
                                folder.resolve("data"),
                                java.nio.file.Path.of("target", "postgres"));
                Runtime.getRuntime().addShutdownHook(new Thread(started::close));
                server = started;
            } catch (java.io.IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }
        return server;
    }

    /// Whether a statement on this database is held up by another one's lock.
    boolean somebodyWaitsForALock() {
        return jdbc.sql(
                                """
                                SELECT count(*) FROM pg_stat_activity
                                WHERE datname = current_database() AND wait_event_type = 'Lock'
                                """)
                        .query(Integer.class)
                        .single()
                > 0;
    }

    static JobId newId() {
        long time = Instant.now().toEpochMilli();
        return new JobId(
                new UUID(
                        time << 16 | 0x7000 | (SEQUENCE.incrementAndGet() & 0xFFF),
                        UUID.randomUUID().getLeastSignificantBits()));
    }

    static Graph graph() {
        return Graph.parse(
                """
                {"1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64}},
                 "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "p"}}}
                """
                        .getBytes(StandardCharsets.UTF_8));
    }

    NewJob aJob() {
        var jobClass =
                new JobClass(
                        "",
                        List.of(),
                        List.of("EmptyImage", "SaveImage"),
                        0,
                        JobClass.DEFAULT_POOL);
        return aJob(classes.idOf(jobClass), 3);
    }

    static NewJob aJob(int jobClass, int maxFailures) {
        return new NewJob(
                newId(),
                jobClass,
                Priority.NORMAL,
                graph(),
                "{\"prompt\": \"a fox\"}",
                "{\"order\": \"A-17\"}",
                List.of("shop", "two, words"),
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                maxFailures,
                60_000,
                false,
                null);
    }

    static NewJob with(NewJob job, @Nullable Instant runAfter, @Nullable Instant startBy) {
        return with(job, runAfter, startBy, null);
    }

    static NewJob with(
            NewJob job,
            @Nullable Instant runAfter,
            @Nullable Instant startBy,
            @Nullable Instant finishBy) {
        return new NewJob(
                job.id(),
                job.classId(),
                job.priority(),
                job.graph(),
                job.params(),
                job.metadata(),
                job.tags(),
                job.batchId(),
                job.retryOf(),
                job.traceparent(),
                runAfter,
                startBy,
                finishBy,
                job.expiresAt(),
                job.maxFailures(),
                job.runTimeoutMs(),
                job.keepMetadata(),
                job.webhook());
    }

    JobId aWaitingJob() {
        var job = aJob();
        jobs.submit(TENANT, List.of(job));
        return job.id();
    }

    long aWorker(String name) {
        var catalogue =
                new Catalogue(
                        new TreeSet<>(List.of("checkpoints/sd15.safetensors")),
                        new TreeSet<>(List.of("EmptyImage", "SaveImage")),
                        new TreeSet<>(List.of("euler")),
                        new TreeSet<>(List.of("normal")),
                        "{}");
        return workers.register(
                        new WorkerStore.Registration(
                                name, "default", 128, 8_192, "0.33.0", catalogue))
                .id();
    }

    LeaseKey assign(JobId job, long worker) {
        for (var group : leader.groups()) {
            var assigned = leader.assign(List.of(new Assigning(group, job, worker)));
            if (!assigned.isEmpty()) {
                return assigned.getFirst().lease();
            }
        }
        throw new AssertionError(job + " is in no group");
    }

    LeaseKey anAssignedJob() {
        return assign(aWaitingJob(), aWorker("gpu-" + SEQUENCE.incrementAndGet()));
    }

    LeaseKey aRunningJob() {
        var lease = anAssignedJob();
        report(lease, LeaseStage.RUNNING, 0.5);
        return lease;
    }

    void report(LeaseKey lease, LeaseStage stage, double progress) {
        workers.heartbeat(
                lease.worker(),
                new WorkerStore.Standing(true, null, null),
                List.of(new WorkerStore.LeaseReport(lease, stage, progress, 500, 10)));
    }

    LeaseStore.Result aResult(LeaseKey lease) {
        return new LeaseStore.Result(
                20,
                15,
                5,
                """
                {"artifacts": [{"index": 0, "key": "%d/%s/%d/0.png"}]}
                """
                        .formatted(TENANT, lease.job(), lease.epoch()));
    }

    JobRow read(JobId job) {
        return jobs.find(TENANT, job).orElseThrow();
    }

    void execute(String sql) {
        jdbc.sql(sql).update();
    }
}
