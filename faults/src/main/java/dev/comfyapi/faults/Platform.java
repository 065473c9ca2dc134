package dev.comfyapi.faults;

import dev.comfyapi.db.invariant.InvariantStore;
import dev.comfyapi.embedded.FreePort;
import dev.comfyapi.embedded.KafkaServer;
import dev.comfyapi.embedded.PostgresServer;
import dev.comfyapi.simulator.ComfyUiSimulator;

import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DriverManagerDataSource;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// The platform as an operator runs it: each API and each worker a process of its own that can be
/// killed, stopped and started; Postgres too; Kafka and the simulators in this one. The ways from
/// the processes to what they need can be cut.
final class Platform implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofMinutes(5);

    /// What is started, one after the other.
    enum Part {
        POSTGRES,
        KAFKA,
        API,
        WORKERS
    }

    /// How it is set up.
    ///
    /// @param apis instances of the API
    /// @param apiArguments settings of each API, as `--name=value`
    /// @param workerArguments settings of each worker, as `--name=value`
    /// @param order in which its parts are started
    /// @param pause between the starts of two parts
    /// @param clocks whose clock the APIs and workers have; null for this machine's
    record Setting(
            int apis,
            List<String> apiArguments,
            List<String> workerArguments,
            List<Part> order,
            Duration pause,
            @Nullable FalseClocks clocks) {

        static final List<Part> USUAL = List.of(Part.POSTGRES, Part.KAFKA, Part.API, Part.WORKERS);

        Setting(int apis, List<String> apiArguments, List<String> workerArguments) {
            this(apis, apiArguments, workerArguments, USUAL, Duration.ZERO, null);
        }
    }

    private final Path folder;
    private final Path programs;
    private final List<Integer> apiPorts;
    private final Map<String, Process> running = new ConcurrentHashMap<>();
    private final List<ComfyUiSimulator> comfyUis;
    private final Setting setting;
    private final int databasePort = FreePort.find();
    private final int kafkaPort = FreePort.find();
    private final int kafkaDetour = FreePort.find();
    private final TcpProxy apiToDatabase = new TcpProxy(databasePort);
    private final TcpProxy workersToDatabase = new TcpProxy(databasePort);
    private final TcpProxy workersToKafka = new TcpProxy(kafkaDetour);
    private final List<TcpProxy> workerToComfyUi;
    private long startedNanos;
    private volatile @Nullable PostgresServer postgres;
    private volatile @Nullable KafkaServer kafka;

    /// Starts everything with one API, one worker for each ComfyUI; returns when all workers are
    /// idle.
    ///
    /// @param folder for data and logs
    /// @param programs where Postgres is unpacked
    /// @param comfyUis closed with the platform
    /// @param apiArguments settings of the API, as `--name=value`
    /// @param workerArguments settings of every worker, as `--name=value`
    Platform(
            Path folder,
            Path programs,
            List<ComfyUiSimulator> comfyUis,
            List<String> apiArguments,
            List<String> workerArguments)
            throws InterruptedException {
        this(folder, programs, comfyUis, new Setting(1, apiArguments, workerArguments));
    }

    Platform(Path folder, Path programs, List<ComfyUiSimulator> comfyUis, Setting setting)
            throws InterruptedException {
        this.folder = folder;
        this.programs = programs;
        this.comfyUis = List.copyOf(comfyUis);
        this.setting = setting;
        apiPorts = IntStream.range(0, setting.apis()).mapToObj(_ -> FreePort.find()).toList();
        workerToComfyUi =
                comfyUis.stream().map(comfyUi -> new TcpProxy(comfyUi.uri().getPort())).toList();
        try {
            // An empty folder is filled first: that is no part of any start.
            PostgresServer.start(folder.resolve("postgres"), programs, databasePort).close();
            for (var part : setting.order()) {
                TimeUnit.MILLISECONDS.sleep(setting.pause().toMillis());
                startedNanos = System.nanoTime();
                start(part);
            }
            awaitApi();
            awaitIdle();
        } catch (InterruptedException | RuntimeException e) {
            close();
            throw e;
        }
    }

    private void start(Part part) {
        switch (part) {
            case POSTGRES -> startPostgres();
            case KAFKA -> kafka = newKafka();
            case API -> IntStream.range(0, setting.apis()).forEach(this::startApi);
            case WORKERS -> IntStream.range(0, comfyUis.size()).forEach(this::startWorker);
        }
    }

    /// Since its last part was started, by `System.nanoTime()`.
    long startedNanos() {
        return startedNanos;
    }

    /// Uses all instances of the API in turn.
    Client client() {
        return new Client(apiPorts.stream().map(Platform::uri).toList());
    }

    /// Uses this instance only.
    Client client(int api) {
        return new Client(List.of(uri(apiPorts.get(api))));
    }

    private static URI uri(int port) {
        return URI.create("http://127.0.0.1:" + port);
    }

    int apis() {
        return setting.apis();
    }

    TcpProxy apiToDatabase() {
        return apiToDatabase;
    }

    TcpProxy workersToDatabase() {
        return workersToDatabase;
    }

    TcpProxy workersToKafka() {
        return workersToKafka;
    }

    TcpProxy workerToComfyUi(int number) {
        return workerToComfyUi.get(number);
    }

    List<ComfyUiSimulator> comfyUis() {
        return comfyUis;
    }

    static String worker(int number) {
        return "worker-" + number;
    }

    static String api(int number) {
        return "api-" + number;
    }

    void startApi(int number) {
        var arguments = new ArrayList<>(List.of("--server.port=" + apiPorts.get(number)));
        arguments.addAll(setting.apiArguments());
        startApi(api(number), arguments);
    }

    /// Another process of the API, on the same database and brokers.
    void startApi(String name, List<String> arguments) {
        var all =
                new ArrayList<>(
                        List.of(
                                "--comfyapi.auth.mode=open",
                                "--spring.datasource.url=" + url(apiToDatabase.port()),
                                "--comfyapi.kafka.servers=127.0.0.1:" + kafkaPort));
        all.addAll(arguments);
        start(name, "dev.comfyapi.api.ApiApplication", all);
    }

    void startWorker(int number) {
        startWorker(number, worker(number));
    }

    /// @param number of the ComfyUI it drives
    void startWorker(int number, String name) {
        var arguments =
                new ArrayList<>(
                        List.of(
                                "--spring.main.web-application-type=none",
                                "--comfyapi.worker.name=" + name,
                                "--comfyapi.worker.spool=" + folder.resolve("spool").resolve(name),
                                "--comfyapi.worker.comfyui-url="
                                        + uri(workerToComfyUi.get(number).port()),
                                "--spring.datasource.url=" + url(workersToDatabase.port()),
                                "--comfyapi.kafka.servers=127.0.0.1:" + workersToKafka.port()));
        arguments.addAll(setting.workerArguments());
        start(name, "dev.comfyapi.worker.WorkerApplication", arguments);
    }

    private void start(String name, String main, List<String> arguments) {
        var command =
                new ArrayList<>(
                        List.of(
                                ProcessHandle.current().info().command().orElseThrow(),
                                "-Xmx384m",
                                "-XX:+UseSerialGC",
                                "-XX:TieredStopAtLevel=1",
                                "-DLOG_FILE=" + folder.resolve(name + ".log"),
                                "-cp",
                                System.getProperty("java.class.path"),
                                main,
                                "--comfyapi.artifacts.folder=" + folder.resolve("artifacts")));
        command.addAll(arguments);
        try {
            var process =
                    new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(
                                    ProcessBuilder.Redirect.appendTo(
                                            folder.resolve(name + ".out").toFile()));
            @Nullable FalseClocks clocks = setting.clocks();
            if (clocks != null) {
                clocks.give(name, process.environment());
            }
            running.put(name, process.start());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Waits until every API takes requests.
    void awaitApi() {
        IntStream.range(0, setting.apis()).forEach(this::awaitApi);
    }

    /// Waits until this API takes requests.
    void awaitApi(int number) {
        try (var client = client(number)) {
            Awaitility.await("the API to be ready")
                    .atMost(PATIENCE)
                    .ignoreExceptions()
                    .until(() -> client.get("/readyz").status() == 200);
        }
    }

    /// Waits until every worker is idle.
    void awaitIdle() {
        try (var client = client()) {
            Awaitility.await("the workers to be idle")
                    .atMost(PATIENCE)
                    .ignoreExceptions()
                    .until(() ->
                            client.get("/health").json().at("/components/workers/idle").intValue()
                                    == comfyUis.size());
        }
    }

    /// SIGKILL; returns when the process is gone.
    void kill(String name) throws InterruptedException {
        process(name).destroyForcibly().waitFor();
    }

    /// SIGTERM; returns when the process is gone.
    ///
    /// @return the exit code
    int terminate(String name) throws InterruptedException {
        var process = process(name);
        process.destroy();
        return process.waitFor();
    }

    /// Sends a signal by name, such as `STOP`.
    void signal(String name, String signal) throws IOException, InterruptedException {
        var status =
                new ProcessBuilder("kill", "-" + signal, Long.toString(process(name).pid()))
                        .inheritIO()
                        .start()
                        .waitFor();
        if (status != 0) {
            throw new IOException("kill -%s answered %d".formatted(signal, status));
        }
    }

    private Process process(String name) {
        @Nullable Process process = running.get(name);
        if (process == null) {
            throw new IllegalStateException(name + " was not started");
        }
        return process;
    }

    void stopKafka() {
        @Nullable KafkaServer server = kafka;
        kafka = null;
        if (server != null) {
            server.close();
        }
    }

    private KafkaServer newKafka() {
        return KafkaServer.start(
                folder.resolve("kafka"),
                kafkaPort,
                new KafkaServer.Detour(kafkaDetour, workersToKafka.port()));
    }

    /// @param wiped whether it has lost everything it knew
    void startKafka(boolean wiped) throws IOException {
        if (wiped) {
            try (var files = Files.walk(folder.resolve("kafka"))) {
                for (var file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
        kafka = newKafka();
    }

    /// SIGKILL of the database server.
    void killPostgres() {
        @Nullable PostgresServer server = postgres;
        if (server != null) {
            server.kill();
        }
    }

    /// Returns when it accepts connections.
    void startPostgres() {
        postgres = PostgresServer.start(folder.resolve("postgres"), programs, databasePort);
    }

    private static String url(int port) {
        return "jdbc:postgresql://127.0.0.1:%d/postgres?user=postgres".formatted(port);
    }

    /// Straight to Postgres.
    JdbcClient database() {
        return JdbcClient.create(new DriverManagerDataSource(url(databasePort)));
    }

    /// How many jobs there are.
    int storedJobs() {
        return database().sql("SELECT count(*) FROM job").query(Integer.class).single();
    }

    List<String> brokenInvariants() {
        return new InvariantStore(database()).broken();
    }

    /// The files that the artifact store keeps for jobs.
    List<Path> storedFiles() {
        var artifacts = folder.resolve("artifacts");
        if (!Files.exists(artifacts)) {
            return List.of();
        }
        try (Stream<Path> files = Files.walk(artifacts)) {
            return files.filter(file -> file.toString().endsWith(".png")).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        running.values().forEach(Process::destroy);
        for (var process : running.values()) {
            try {
                if (!process.waitFor(Duration.ofSeconds(20))) {
                    process.destroyForcibly();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                process.destroyForcibly();
            }
        }
        apiToDatabase.close();
        workersToDatabase.close();
        workersToKafka.close();
        workerToComfyUi.forEach(TcpProxy::close);
        stopKafka();
        @Nullable PostgresServer server = postgres;
        if (server != null) {
            server.close();
        }
        comfyUis.forEach(ComfyUiSimulator::close);
    }
}
