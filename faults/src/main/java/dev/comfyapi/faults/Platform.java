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
import java.util.stream.Stream;

/// The platform as an operator runs it: the API and each worker a process of its own that can be
/// killed, stopped and started; Postgres too; Kafka and the simulators in this one.
final class Platform implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private final Path folder;
    private final Path programs;
    private final int apiPort = FreePort.find();
    private final Map<String, Process> running = new ConcurrentHashMap<>();
    private final List<ComfyUiSimulator> comfyUis;
    private final List<String> workerArguments;
    private final List<String> apiArguments;
    private final String databaseUrl;
    private final int databasePort;
    private volatile PostgresServer postgres;
    private volatile KafkaServer kafka;

    /// Starts everything, one worker for each ComfyUI; returns when all workers are idle.
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
            throws IOException {
        this.folder = folder;
        this.programs = programs;
        this.comfyUis = List.copyOf(comfyUis);
        this.apiArguments = List.copyOf(apiArguments);
        this.workerArguments = List.copyOf(workerArguments);
        postgres = PostgresServer.start(folder.resolve("postgres"), programs);
        databaseUrl = postgres.jdbcUrl();
        databasePort = postgres.port();
        kafka = KafkaServer.start(folder.resolve("kafka"));
        startApi();
        awaitApi();
        for (int i = 0; i < comfyUis.size(); i++) {
            startWorker(i);
        }
        awaitIdle();
    }

    Client client() {
        return new Client(URI.create("http://127.0.0.1:" + apiPort));
    }

    List<ComfyUiSimulator> comfyUis() {
        return comfyUis;
    }

    static String worker(int number) {
        return "worker-" + number;
    }

    void startApi() {
        var arguments = new ArrayList<>(List.of("--server.port=" + apiPort));
        arguments.addAll(apiArguments);
        start("api", "dev.comfyapi.api.ApiApplication", arguments);
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
                                "--comfyapi.worker.comfyui-url=" + comfyUis.get(number).uri()));
        arguments.addAll(workerArguments);
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
                                "--spring.datasource.url=" + databaseUrl,
                                "--comfyapi.kafka.servers=" + kafka.address(),
                                "--comfyapi.artifacts.folder=" + folder.resolve("artifacts")));
        command.addAll(arguments);
        try {
            running.put(
                    name,
                    new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(
                                    ProcessBuilder.Redirect.appendTo(
                                            folder.resolve(name + ".out").toFile()))
                            .start());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Waits until the API takes requests.
    void awaitApi() {
        try (var client = client()) {
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
        kafka.close();
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
        kafka = KafkaServer.start(folder.resolve("kafka"), kafka.port());
    }

    /// SIGKILL of the database server.
    void killPostgres() {
        postgres.kill();
    }

    /// Returns when it accepts connections.
    void startPostgres() {
        postgres = PostgresServer.start(folder.resolve("postgres"), programs, databasePort);
    }

    JdbcClient database() {
        return JdbcClient.create(new DriverManagerDataSource(databaseUrl));
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
        kafka.close();
        postgres.close();
        comfyUis.forEach(ComfyUiSimulator::close);
    }
}
