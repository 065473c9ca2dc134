package dev.comfyapi.standalone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.db.invariant.InvariantStore;
import dev.comfyapi.embedded.FreePort;
import dev.comfyapi.embedded.KafkaServer;
import dev.comfyapi.embedded.PostgresServer;
import dev.comfyapi.simulator.ComfyUiSimulator;

import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DriverManagerDataSource;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// The platform as an operator runs it: API and workers each a process of their own, which can be
/// killed one by one.
final class Processes implements AutoCloseable {

    private final Path folder;
    private final String mode;
    private final int apiPort = FreePort.find();
    private final Map<String, Process> running = new HashMap<>();
    private final List<ComfyUiSimulator> comfyUis = new ArrayList<>();
    private final PostgresServer postgres;
    private PostgresServer current;
    private KafkaServer kafka;

    Processes(Path folder, int workers, Duration stepDelay) throws IOException {
        this(folder, workers, stepDelay, "open");
    }

    /// @param mode `comfyapi.auth.mode`
    Processes(Path folder, int workers, Duration stepDelay, String mode) throws IOException {
        this.folder = folder;
        this.mode = mode;
        postgres = PostgresServer.start(folder.resolve("postgres"), Path.of("target", "postgres"));
        current = postgres;
        kafka = KafkaServer.start(folder.resolve("kafka"));
        startApi();
        for (int i = 0; i < workers; i++) {
            comfyUis.add(ComfyUiSimulator.builder().stepDelay(stepDelay).start());
        }
        awaitReady();
        for (int i = 0; i < workers; i++) {
            startWorker(i);
        }
        var client = new Client(api());
        await().atMost(Duration.ofSeconds(90))
                .untilAsserted(() ->
                        assertThat(
                                        client.get("/health")
                                                .json()
                                                .at("/components/workers/idle")
                                                .intValue())
                                .isEqualTo(workers));
    }

    URI api() {
        return URI.create("http://127.0.0.1:" + apiPort);
    }

    ComfyUiSimulator comfyUi(int worker) {
        return comfyUis.get(worker);
    }

    void startApi() throws IOException {
        start(
                "api",
                "dev.comfyapi.api.ApiApplication",
                "--server.port=" + apiPort,
                "--comfyapi.auth.mode=" + mode);
    }

    void startWorker(int number) throws IOException {
        var name = "worker-" + number;
        start(
                name,
                "dev.comfyapi.worker.WorkerApplication",
                "--spring.main.web-application-type=none",
                "--comfyapi.worker.name=" + name,
                "--comfyapi.worker.spool=" + folder.resolve("spool").resolve(name),
                "--comfyapi.worker.backoff=1s",
                "--comfyapi.worker.comfyui-url=" + comfyUis.get(number).uri());
    }

    private void start(String name, String main, String... arguments) throws IOException {
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
                                "--spring.datasource.url=" + postgres.jdbcUrl(),
                                "--comfyapi.kafka.servers=" + kafka.address(),
                                "--comfyapi.artifacts.folder=" + folder.resolve("artifacts")));
        command.addAll(List.of(arguments));
        var log = folder.resolve(name + ".out");
        running.put(
                name,
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                        .start());
    }

    /// Waits until the API is ready for requests.
    void awaitReady() {
        var client = new Client(api());
        await().atMost(Duration.ofSeconds(90))
                .ignoreExceptions()
                .until(() -> client.get("/readyz").status() == 200);
    }

    /// SIGKILL.
    void kill(String name) throws InterruptedException {
        var process = running.get(name);
        if (process != null) {
            process.destroyForcibly().waitFor();
        }
    }

    /// SIGTERM; waits for the end.
    ///
    /// @return the exit code
    int terminate(String name) throws InterruptedException {
        var process = running.get(name);
        if (process == null) {
            throw new IllegalStateException(name + " does not run");
        }
        process.destroy();
        return process.waitFor();
    }

    void stopKafka() {
        kafka.close();
    }

    void startKafka() {
        kafka = KafkaServer.start(folder.resolve("kafka"), kafka.port());
    }

    void killPostgres() {
        current.kill();
    }

    void startPostgres() {
        current =
                PostgresServer.start(
                        folder.resolve("postgres"), Path.of("target", "postgres"), postgres.port());
    }

    String databaseUrl() {
        return postgres.jdbcUrl();
    }

    JdbcClient database() {
        return JdbcClient.create(new DriverManagerDataSource(databaseUrl()));
    }

    List<String> brokenInvariants() {
        return new InvariantStore(database()).broken();
    }

    /// How many files the artifact store keeps for jobs.
    long storedFiles() throws IOException {
        try (var files = Files.walk(folder.resolve("artifacts"))) {
            return files.filter(file -> file.toString().endsWith(".png")).count();
        }
    }

    @Override
    public void close() {
        running.values().forEach(Process::destroy);
        for (var process : running.values()) {
            try {
                if (!process.waitFor(Duration.ofSeconds(30))) {
                    process.destroyForcibly();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                process.destroyForcibly();
            }
        }
        kafka.close();
        current.close();
        comfyUis.forEach(ComfyUiSimulator::close);
    }
}
