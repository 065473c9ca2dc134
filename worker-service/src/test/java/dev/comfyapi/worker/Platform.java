package dev.comfyapi.worker;

import static org.awaitility.Awaitility.await;

import dev.comfyapi.artifact.ArtifactKey;
import dev.comfyapi.artifact.FolderArtifactStore;
import dev.comfyapi.contract.RecordCheck;
import dev.comfyapi.db.asset.AssetStore;
import dev.comfyapi.db.asset.NewAsset;
import dev.comfyapi.db.invariant.InvariantStore;
import dev.comfyapi.db.job.JobClassStore;
import dev.comfyapi.db.job.JobRow;
import dev.comfyapi.db.job.JobStore;
import dev.comfyapi.db.job.JobStore.Cancellation;
import dev.comfyapi.db.job.NewJob;
import dev.comfyapi.db.job.RetentionStore;
import dev.comfyapi.db.queue.Assigning;
import dev.comfyapi.db.queue.Group;
import dev.comfyapi.db.queue.LeaderStore;
import dev.comfyapi.db.queue.LiveWorker;
import dev.comfyapi.db.secret.GraphSeal;
import dev.comfyapi.db.secret.SecretStore;
import dev.comfyapi.embedded.KafkaServer;
import dev.comfyapi.embedded.PostgresServer;
import dev.comfyapi.messaging.MessageReader;
import dev.comfyapi.messaging.MessageSender;
import dev.comfyapi.messaging.MessagingConfiguration;
import dev.comfyapi.model.job.JobClass;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.LeaseKey;
import dev.comfyapi.model.job.Priority;
import dev.comfyapi.model.message.Assignment;
import dev.comfyapi.model.message.JobEvent;
import dev.comfyapi.model.message.LaneMessage;
import dev.comfyapi.model.workflow.Graph;

import org.flywaydb.core.Flyway;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DriverManagerDataSource;
import org.springframework.kafka.core.ConsumerFactory;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/// A real Postgres, a real broker, and what the API does around a worker: accept, assign, cancel,
/// take back.
final class Platform implements AutoCloseable {

    static final int TENANT = 1;
    static final Duration RUN_TIMEOUT = Duration.ofMinutes(1);

    private static final AtomicLong SEQUENCE = new AtomicLong();
    private static final String LOST = "{\"message\": \"too many workers were lost\"}";

    final Path folder;
    private PostgresServer postgres;
    final KafkaServer kafka;
    final JobStore jobs;
    final LeaderStore leader;
    final InvariantStore invariants;
    final JdbcClient jdbc;
    private final JobClassStore classes;
    private final ConfigurableApplicationContext messaging;
    private final MessageSender sender;
    private final GraphSeal seal;

    private Platform() {
        try {
            folder = Files.createTempDirectory("comfyapi-worker-test");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        kafka = KafkaServer.start(folder.resolve("kafka"));
        postgres = PostgresServer.start(folder.resolve("postgres"), Path.of("target", "postgres"));
        var source = new DriverManagerDataSource(postgres.jdbcUrl());
        Flyway.configure().dataSource(source).load().migrate();
        jdbc = JdbcClient.create(source);
        jobs = new JobStore(jdbc);
        classes = new JobClassStore(jdbc);
        leader = new LeaderStore(jdbc);
        seal = new GraphSeal(new SecretStore(jdbc));
        invariants = new InvariantStore(jdbc);
        messaging =
                new SpringApplicationBuilder(MessagingConfiguration.class)
                        .web(WebApplicationType.NONE)
                        .initializers(Platform::holdRecordsToTheDocument)
                        .properties("comfyapi.kafka.servers=" + kafka.address())
                        .run();
        sender = messaging.getBean(MessageSender.class);
    }

    static Platform start() {
        return new Platform();
    }

    /// As a power cut would: nothing is said, nothing more is written.
    void crashPostgres() {
        postgres.kill();
    }

    void revivePostgres() {
        postgres =
                PostgresServer.start(
                        folder.resolve("postgres"), Path.of("target", "postgres"), postgres.port());
    }

    // -- jobs ---------------------------------------------------------------------------------

    record Accepted(JobId id, Group group) {}

    Accepted submit(Graph graph) {
        return submit(graph, false, RUN_TIMEOUT);
    }

    Accepted submit(Graph graph, boolean keepMetadata, Duration runTimeout) {
        var jobClass =
                new JobClass("", List.of(), List.copyOf(graph.classes().values()), 0, "default");
        int classId = classes.idOf(jobClass);
        var id = newId();
        jobs.submit(
                TENANT,
                List.of(
                        new NewJob(
                                id,
                                classId,
                                Priority.NORMAL,
                                graph,
                                null,
                                "{}",
                                List.of(),
                                null,
                                null,
                                null,
                                null,
                                null,
                                null,
                                null,
                                3,
                                (int) runTimeout.toMillis(),
                                keepMetadata,
                                null)));
        return new Accepted(id, new Group(TENANT, classId, Priority.NORMAL.band()));
    }

    private static JobId newId() {
        return new JobId(
                new UUID(
                        Instant.now().toEpochMilli() << 16
                                | 0x7000
                                | (SEQUENCE.incrementAndGet() & 0xFFF),
                        UUID.randomUUID().getLeastSignificantBits()));
    }

    JobRow read(Accepted job) {
        return jobs.find(TENANT, job.id()).orElseThrow();
    }

    /// As the API does it: Postgres first, then a word to the worker.
    void cancel(Accepted job) {
        if (jobs.cancel(TENANT, job.id()) instanceof Cancellation.Canceled(var running)
                && running != null) {
            sender.send(running.lane(), new LaneMessage.Cancel(running.lease()));
        }
    }

    /// As the API does it: the row, the file, the row again.
    UUID asset(int tenant, byte[] picture) throws IOException {
        var assets = new AssetStore(jdbc);
        var id = newId().value();
        var key = ArtifactKey.ofAsset(tenant, id, "png");
        assets.announce(
                tenant,
                new NewAsset(
                        id,
                        "input",
                        null,
                        "image/png",
                        key.path(),
                        "%032x%032x".formatted(SEQUENCE.incrementAndGet(), 1),
                        1,
                        1,
                        List.of(),
                        null));
        var stored =
                new FolderArtifactStore(artifacts()).put(key, new ByteArrayInputStream(picture));
        return assets.ready(tenant, id, stored.sizeBytes(), stored.sha256()).orElseThrow().id();
    }

    // -- the leader ---------------------------------------------------------------------------

    void makeDays() {
        new RetentionStore(jdbc).makeDays(1);
    }

    Optional<LiveWorker> worker(String name) {
        return leader.workers().stream().filter(w -> w.name().equals(name)).findFirst();
    }

    /// Gives a waiting job to a worker and tells it.
    LeaseKey assign(Accepted job, String worker) {
        var to = worker(worker).orElseThrow();
        var assignment = assignSilently(job, worker);
        sender.send(to.lane(), seal.seal(assignment));
        return assignment.lease();
    }

    /// The same, but the message is lost.
    Assignment assignSilently(Accepted job, String worker) {
        var to = worker(worker).orElseThrow();
        return leader.assign(List.of(new Assigning(job.group(), job.id(), to.id()))).getFirst();
    }

    void repeat(Assignment assignment, int lane) {
        sender.send(lane, seal.seal(assignment));
    }

    /// What happens to a worker that was silent for too long.
    void giveUpWorkers() {
        leader.markSilentWorkersGone(Duration.ZERO);
        leader.reap(LOST);
    }

    /// Everything that is published from now on; to be stopped.
    MessageReader<JobEvent> listen(Consumer<JobEvent> listener) {
        @SuppressWarnings("unchecked")
        ConsumerFactory<byte[], byte[]> consumers = messaging.getBean(ConsumerFactory.class);
        var reader = MessageReader.ofEvents(consumers, listener);
        reader.start();
        await().atMost(Duration.ofSeconds(15)).until(reader::isConnected);
        return reader;
    }

    // -- workers ------------------------------------------------------------------------------

    private static void holdRecordsToTheDocument(ConfigurableApplicationContext context) {
        context.getBeanFactory().addBeanPostProcessor(new RecordCheck());
    }

    ConfigurableApplicationContext startWorker(String name, Object comfyUi, String... more) {
        return new SpringApplicationBuilder(WorkerApplication.class)
                .web(WebApplicationType.NONE)
                .bannerMode(org.springframework.boot.Banner.Mode.OFF)
                .initializers(Platform::holdRecordsToTheDocument)
                .properties(
                        "comfyapi.worker.name=" + name,
                        "comfyapi.worker.comfyui-url=" + comfyUi,
                        "comfyapi.worker.heartbeat=500ms",
                        "comfyapi.worker.poll=200ms",
                        "comfyapi.worker.grace=10s",
                        "comfyapi.worker.backoff=1s",
                        "comfyapi.worker.spool=" + spool(name),
                        "comfyapi.artifacts.folder=" + artifacts(),
                        "comfyapi.kafka.servers=" + kafka.address(),
                        "spring.datasource.url=" + postgres.jdbcUrl())
                .run(more);
    }

    Path artifacts() {
        return folder.resolve("artifacts");
    }

    Path spool(String worker) {
        return folder.resolve("spool").resolve(worker);
    }

    /// The stored files of a job, of all attempts.
    List<Path> files(Accepted job) {
        var root = artifacts().resolve(Integer.toString(TENANT)).resolve(job.id().toString());
        if (!Files.exists(root)) {
            return List.of();
        }
        try (var files = Files.walk(root)) {
            return files.filter(Files::isRegularFile).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Results that wait for Postgres.
    List<Path> spooled(String worker) {
        if (!Files.exists(spool(worker))) {
            return List.of();
        }
        try (var files = Files.list(spool(worker))) {
            return files.filter(file -> file.toString().endsWith(".json")).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        messaging.close();
        kafka.close();
        postgres.close();
    }
}
