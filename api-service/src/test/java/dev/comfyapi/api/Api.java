package dev.comfyapi.api;

import dev.comfyapi.api.account.AdminKeyCommand;
import dev.comfyapi.api.contract.Contract;
import dev.comfyapi.api.job.QueueBell;
import dev.comfyapi.artifact.ArtifactKey;
import dev.comfyapi.artifact.ArtifactStore;
import dev.comfyapi.contract.RecordCheck;
import dev.comfyapi.db.invariant.InvariantStore;
import dev.comfyapi.db.lease.LeaseStore;
import dev.comfyapi.db.queue.Assigning;
import dev.comfyapi.db.queue.LeaderStore;
import dev.comfyapi.db.worker.Catalogue;
import dev.comfyapi.db.worker.WorkerStore;
import dev.comfyapi.embedded.KafkaServer;
import dev.comfyapi.embedded.PostgresServer;
import dev.comfyapi.messaging.MessageSender;
import dev.comfyapi.messaging.Topics;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.JobState;
import dev.comfyapi.model.job.LeaseKey;
import dev.comfyapi.model.message.JobEvent;

import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.PayloadApplicationEvent;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DriverManagerDataSource;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

import javax.net.ssl.SSLSession;

/// The running application on a database of its own, a client of it, and the part that workers and
/// the leader play.
public final class Api implements AutoCloseable {

    public static final String CHECKPOINT = "sd15.safetensors";
    public static final int TENANT = 1;

    /// What workers have that nobody has described.
    private static final Set<String> NODES =
            Set.of(
                    "CheckpointLoaderSimple",
                    "CLIPTextEncode",
                    "EmptyLatentImage",
                    "KSampler",
                    "LoraLoader",
                    "SaveImage",
                    "VAEDecode");

    /// Rules that say that the leader and the housekeeping are not late.
    private static final Set<String> LEADERS_DUTY =
            Set.of("lost_lease", "overrun_lease", "deadline", "promotion", "retention", "erasure");

    private static final JsonMapper JSON = JsonMapper.shared();
    private static @Nullable Servers servers;
    private static @Nullable Api shared;
    private static @Nullable Contract contract;

    private final AtomicInteger rings = new AtomicInteger();
    private final Queue<JobEvent> heard = new ConcurrentLinkedQueue<>();
    private final HttpClient client = HttpClient.newHttpClient();
    private final ConfigurableApplicationContext context;
    private final JdbcClient jdbc;
    private final int port;
    private final String url;

    /// What all tests of this JVM share.
    private record Servers(Path folder, PostgresServer postgres, KafkaServer kafka) {}

    private Api(String url, String kafka, Path folder, String... properties) {
        this.url = url;
        var all = new ArrayList<String>();
        all.addAll(List.of(properties));
        all.add("--server.port=0");
        all.add("--spring.datasource.url=" + url);
        if (List.of(properties).stream().noneMatch(p -> p.startsWith("--comfyapi.kafka"))) {
            all.add("--comfyapi.kafka.servers=" + kafka);
        }
        if (List.of(properties).stream().noneMatch(p -> p.startsWith("--comfyapi.auth.mode"))) {
            all.add("--comfyapi.auth.mode=open");
        }
        all.add("--comfyapi.artifacts.folder=" + folder.resolve("artifacts"));
        if (List.of(properties).stream()
                .noneMatch(p -> p.startsWith("--comfyapi.dispatch.enabled"))) {
            all.add("--comfyapi.dispatch.enabled=false");
        }
        if (List.of(properties).stream()
                .noneMatch(p -> p.startsWith("--comfyapi.catalogue.keep"))) {
            all.add("--comfyapi.catalogue.keep=1ms");
        }
        all.add("--comfyapi.drain=0s");
        all.add("--comfyapi.queue.keep=1ms");
        context =
                new SpringApplicationBuilder(ApiApplication.class)
                        .initializers(this::listen)
                        .web(WebApplicationType.SERVLET)
                        .run(all.toArray(String[]::new));
        port = context.getEnvironment().getRequiredProperty("local.server.port", Integer.class);
        jdbc = JdbcClient.create(new DriverManagerDataSource(url));
    }

    /// Adds a bell and a listener where the dispatcher would have its own.
    private void listen(ConfigurableApplicationContext context) {
        context.getBeanFactory()
                .registerSingleton("bellOfTheTest", (QueueBell) rings::incrementAndGet);
        context.getBeanFactory().addBeanPostProcessor(new RecordCheck());
        context.addApplicationListener(event -> {
            if (event instanceof PayloadApplicationEvent<?> payload
                    && payload.getPayload() instanceof JobEvent job) {
                heard.add(job);
            }
        });
    }

    /// How often the dispatcher was told to look.
    public int rings() {
        return rings.get();
    }

    /// What the application's listeners heard.
    public Queue<JobEvent> heard() {
        return heard;
    }

    /// One application for all tests that leave it as they found it.
    public static synchronized Api shared() {
        if (shared == null) {
            var servers = servers();
            shared =
                    new Api(
                            servers.postgres.newDatabase(),
                            servers.kafka.address(),
                            servers.folder);
            shared.awaitHearing();
            Runtime.getRuntime().addShutdownHook(new Thread(shared::close));
        }
        return shared;
    }

    /// A reader of new topics hears nothing until it knows where their ends are.
    private void awaitHearing() {
        var probes = new HashSet<JobEvent>();
        while (probes.size() < 100) {
            probes.add(new JobEvent.Requeued(new JobId(UUID.randomUUID())));
        }
        Awaitility.await()
                .atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(200))
                .until(() -> {
                    probes.removeAll(heard);
                    probes.forEach(this::publish);
                    return probes.isEmpty();
                });
    }

    /// One of its own, on a database of its own.
    public static Api fresh(String... properties) {
        var servers = servers();
        return new Api(
                servers.postgres.newDatabase(),
                servers.kafka.address(),
                servers.folder,
                properties);
    }

    /// Another instance on the same database and files.
    public Api another(String... properties) {
        var environment = context.getEnvironment();
        return new Api(
                environment.getRequiredProperty("spring.datasource.url"),
                environment.getRequiredProperty("comfyapi.kafka.servers"),
                Objects.requireNonNull(
                        Path.of(environment.getRequiredProperty("comfyapi.artifacts.folder"))
                                .getParent()),
                properties);
    }

    /// One on servers that may come and go.
    public static Api on(String url, String kafka, Path folder, String... properties) {
        return new Api(url, kafka, folder, properties);
    }

    private static synchronized Servers servers() {
        if (servers == null) {
            try {
                var folder = Files.createTempDirectory("comfyapi-api-test");
                var postgres =
                        PostgresServer.start(
                                folder.resolve("postgres"), Path.of("target", "postgres"));
                var kafka = KafkaServer.start(folder.resolve("kafka"));
                Runtime.getRuntime().addShutdownHook(new Thread(postgres::close));
                servers = new Servers(folder, postgres, kafka);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return servers;
    }

    /// What the bootstrap command prints: a key that may do everything.
    public String adminKey() {
        return AdminKeyCommand.make("--spring.datasource.url=" + url);
    }

    public static String kafkaAddress() {
        return servers().kafka.address();
    }

    @Override
    public void close() {
        context.close();
    }

    public <T> T bean(Class<T> type) {
        return context.getBean(type);
    }

    public <T> T bean(String name, Class<T> type) {
        return context.getBean(name, type);
    }

    public JdbcClient jdbc() {
        return jdbc;
    }

    public int port() {
        return port;
    }

    // The client.

    /// An answer, its body read as JSON when it is some.
    public record Answer(HttpResponse<byte[]> response) {

        public int status() {
            return response.statusCode();
        }

        public String text() {
            return new String(response.body(), java.nio.charset.StandardCharsets.UTF_8);
        }

        public JsonNode json() {
            return JSON.readTree(response.body());
        }

        public @Nullable String header(String name) {
            return response.headers().firstValue(name).orElse(null);
        }

        /// The value of a member, as text.
        public String at(String pointer) {
            return json().at(pointer).asString("");
        }

        public JobId job() {
            return JobId.parse(at("/job_id")).orElseThrow();
        }

        /// Code and pointer of each invalid member: `out_of_range #/width`.
        public List<String> errors() {
            var errors = new ArrayList<String>();
            for (var error : json().path("errors")) {
                errors.add(
                        error.path("code").stringValue()
                                + " "
                                + error.path("pointer").stringValue());
            }
            return errors;
        }
    }

    /// @param headers names and values in turn
    public Answer get(String path, String... headers) {
        return send(request(path, headers).GET());
    }

    public Answer put(String path, String body) {
        return send(
                request(path)
                        .setHeader("Content-Type", "application/json")
                        .PUT(BodyPublishers.ofString(body)));
    }

    public Answer post(String path, String body, String... headers) {
        return send(
                request(path, headers)
                        .setHeader("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString(body)));
    }

    public Answer patch(String path, String body, String... headers) {
        return send(
                request(path, headers)
                        .setHeader("Content-Type", "application/json")
                        .method("PATCH", BodyPublishers.ofString(body)));
    }

    public Answer delete(String path, String... headers) {
        return send(request(path, headers).DELETE());
    }

    public HttpRequest.Builder request(String path, String... headers) {
        var builder = HttpRequest.newBuilder(uri(path)).timeout(Duration.ofSeconds(30));
        for (int i = 0; i < headers.length; i += 2) {
            builder.header(headers[i], headers[i + 1]);
        }
        return builder;
    }

    /// Of a stream of events, which need not end, only the head is taken.
    ///
    /// Whatever comes back is held against the OpenAPI document.
    public Answer send(HttpRequest.Builder request) {
        try {
            var sent = request.build();
            var answer = read(client.send(sent, BodyHandlers.ofInputStream()));
            if (sent.uri().getPort() == port) {
                contract()
                        .check(
                                sent.method(),
                                target(sent.uri()),
                                Contract.Answer.of(
                                        answer.statusCode(),
                                        answer.headers().map(),
                                        answer.body()));
            }
            return new Answer(answer);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static String target(URI uri) {
        return uri.getRawPath() + (uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery());
    }

    /// The document is the same for all instances: it is read once, from the first one that is
    /// asked anything.
    public Contract contract() throws IOException, InterruptedException {
        synchronized (Api.class) {
            if (contract == null) {
                contract =
                        new Contract(
                                client.send(
                                                request("/openapi.json").GET().build(),
                                                BodyHandlers.ofByteArray())
                                        .body());
            }
            return contract;
        }
    }

    private static HttpResponse<byte[]> read(HttpResponse<InputStream> answer) throws IOException {
        try (var body = answer.body()) {
            boolean endless =
                    answer.headers()
                            .firstValue("Content-Type")
                            .orElse("")
                            .startsWith("text/event-stream");
            return new Read(answer, endless ? new byte[0] : body.readAllBytes());
        }
    }

    /// The same answer, with what was read of its body.
    private static final class Read implements HttpResponse<byte[]> {

        private final HttpResponse<InputStream> answer;
        private final byte[] body;

        Read(HttpResponse<InputStream> answer, byte[] body) {
            this.answer = answer;
            this.body = body;
        }

        @Override
        public byte[] body() {
            return body;
        }

        @Override
        public int statusCode() {
            return answer.statusCode();
        }

        @Override
        public HttpRequest request() {
            return answer.request();
        }

        @Override
        public Optional<HttpResponse<byte[]>> previousResponse() {
            return Optional.empty();
        }

        @Override
        public HttpHeaders headers() {
            return answer.headers();
        }

        @Override
        public Optional<SSLSession> sslSession() {
            return answer.sslSession();
        }

        @Override
        public URI uri() {
            return answer.uri();
        }

        @Override
        public HttpClient.Version version() {
            return answer.version();
        }
    }

    public URI uri(String path) {
        return URI.create(
                path.startsWith("http") ? path : "http://127.0.0.1:%d%s".formatted(port, path));
    }

    /// A prompt request as a client would write it.
    public static String aPrompt() {
        return "{\"prompt\": \"a red fox\", \"model\": \"%s\"}".formatted(CHECKPOINT);
    }

    /// The same with more members.
    public static String aPrompt(String members) {
        return "{\"prompt\": \"a red fox\", \"model\": \"%s\", %s}".formatted(CHECKPOINT, members);
    }

    public JobId submitted() {
        return post("/api/v1/jobs", aPrompt()).job();
    }

    // The fleet.

    public WorkerStore.Registered aWorker(String name, String... models) {
        return aWorker(name, aCatalogue(models));
    }

    public static Catalogue aCatalogue(String... models) {
        return new Catalogue(
                new TreeSet<>(Set.of(models)),
                new TreeSet<>(NODES),
                new TreeSet<>(Set.of("euler", "fleet_sampler")),
                new TreeSet<>(Set.of("normal", "fleet_scheduler")),
                "{}");
    }

    /// A picture that the tenant has uploaded, `asset://0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f`, as
    /// far as Postgres knows.
    public void anAsset() {
        int _ =
                jdbc.sql(
                                """
                                INSERT INTO asset (id, tenant_id, state, purpose, content_type, key, size_bytes,
                                                   sha256, source_sha256, width, height)
                                VALUES ('0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f', :tenant, 1, 'input', 'image/png',
                                        '1/0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f/0/0.png', 1, repeat('0', 64),
                                        repeat('0', 64), 64, 64)
                                ON CONFLICT DO NOTHING
                                """)
                        .param("tenant", TENANT)
                        .update();
    }

    public WorkerStore.Registered aWorker(String name, Catalogue catalogue) {
        return aWorkerOf("default", name, catalogue);
    }

    public WorkerStore.Registered aWorkerOf(String pool, String name, Catalogue catalogue) {
        return aWorker(
                new WorkerStore.Registration(
                        name, pool, Topics.LANE_COUNT, null, "0.33.0", catalogue));
    }

    public WorkerStore.Registered aWorker(WorkerStore.Registration registration) {
        return new WorkerStore(jdbc).register(registration);
    }

    public void leave(WorkerStore.Registered worker) {
        new WorkerStore(jdbc).leave(worker.id());
    }

    /// Gives a waiting job to a worker, as the leader does.
    public LeaseKey assign(JobId job, WorkerStore.Registered worker) {
        var leader = new LeaderStore(jdbc);
        var wish =
                leader.heads(leader.groups(), 1_000).stream()
                        .filter(head -> head.job().equals(job))
                        .map(head -> new Assigning(head.group(), job, worker.id()))
                        .toList();
        return leader.assign(wish).getFirst().lease();
    }

    /// Stores a picture and records it, as a worker does.
    public void succeed(LeaseKey lease, byte[] picture) {
        var key = ArtifactKey.of(TENANT, lease, 0, "png");
        try {
            var stored = bean(ArtifactStore.class).put(key, new ByteArrayInputStream(picture));
            var result =
                    """
                    {"artifacts": [{"index": 0, "kind": "image", "key": "%s", "contentType": "image/png",
                      "sizeBytes": %d, "width": 512, "height": 512, "sha256": "%s", "nodeId": "save",
                      "filename": "picture_00001_.png"}]}
                    """
                            .formatted(key, stored.sizeBytes(), stored.sha256());
            new LeaseStore(jdbc, Duration.ofSeconds(1))
                    .complete(lease, new LeaseStore.Result(1_500, 1_234, 56, result));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        publish(new JobEvent.Finished(lease.job(), JobState.SUCCEEDED));
    }

    public void publish(JobEvent event) {
        bean(MessageSender.class).publish(event);
    }

    public long storedJobs() {
        return jdbc.sql("SELECT count(*) FROM job").query(Long.class).single();
    }

    /// What is wrong with the queue. No leader runs beside most tests: what only it would do in
    /// time is left out.
    public List<String> brokenInvariants() {
        return new InvariantStore(jdbc)
                .broken().stream()
                        .filter(found -> !LEADERS_DUTY.contains(found.replaceFirst(":.*", "")))
                        .toList();
    }
}
