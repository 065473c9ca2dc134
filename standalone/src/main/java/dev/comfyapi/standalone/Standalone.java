package dev.comfyapi.standalone;

import dev.comfyapi.api.ApiApplication;
import dev.comfyapi.embedded.FreePort;
import dev.comfyapi.embedded.KafkaServer;
import dev.comfyapi.embedded.PostgresServer;
import dev.comfyapi.simulator.ComfyUiSimulator;
import dev.comfyapi.worker.WorkerApplication;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/// Starts Postgres, Kafka, the simulators (or finds the real ComfyUIs), the API and the workers, in
/// one process; ends them in the opposite order, so that each still has what it needs to finish.
public final class Standalone implements AutoCloseable {

    private final Options options;
    private final Steps steps;

    /// What was started, the newest first.
    private final Deque<AutoCloseable> started = new ArrayDeque<>();

    private @Nullable PostgresServer postgres;
    private @Nullable KafkaServer kafka;

    private Standalone(Options options, Steps steps) {
        this.options = options;
        this.steps = steps;
    }

    /// Starts everything in silence, for programs that use the platform; the environment is as for
    /// `./start.sh`.
    public static Standalone start(Map<String, String> environment) throws Exception {
        return start(
                Options.of(environment),
                new Steps(new PrintStream(OutputStream.nullOutputStream())));
    }

    /// Starts everything; what was started before a failure is ended again.
    ///
    /// @throws UsageException when the person who starts it can mend what is wrong
    static Standalone start(Options options, Steps steps) throws Exception {
        var standalone = new Standalone(options, steps);
        try {
            standalone.start();
            return standalone;
        } catch (Exception e) {
            standalone.close();
            throw e;
        }
    }

    private void start() throws Exception {
        if (!FreePort.isFree(options.port())) {
            throw new UsageException(
                    "Port %d is in use; choose another one: PORT=%d ./start.sh"
                            .formatted(options.port(), options.port() == 8080 ? 8081 : 8080));
        }
        lockDataDir();
        var comfyUis = options.comfyUis();
        comfyUis.forEach(Standalone::requireComfyUi);

        var data = options.dataDir();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var postgresReady =
                    threads.submit(() ->
                            steps.run(
                                    "Postgres",
                                    () ->
                                            keep(
                                                    PostgresServer.start(
                                                            data.resolve("postgres"),
                                                            data.resolve("programs")))));
            var kafkaReady =
                    threads.submit(() ->
                            steps.run(
                                    "Kafka", () -> keep(KafkaServer.start(data.resolve("kafka")))));
            var simulators = new ArrayList<Future<ComfyUiSimulator>>();
            for (int i = 1; comfyUis.isEmpty() && i <= options.workers(); i++) {
                int number = i;
                simulators.add(threads.submit(() -> simulator(number)));
            }
            postgres = await(postgresReady);
            kafka = await(kafkaReady);
            var painters = new ArrayList<URI>(comfyUis);
            for (var simulator : simulators) {
                painters.add(await(simulator).uri());
            }
            // The API migrates the database, so the workers come after it.
            steps.run("API", () -> keep(api()));
            for (int i = 0; i < painters.size(); i++) {
                var name = "worker-" + (i + 1);
                var comfyUi = painters.get(i);
                steps.run(name + " on " + comfyUi, () -> keep(worker(name, comfyUi)));
            }
            // A request that names no model needs to know what the workers have.
            steps.run("Models known", () -> awaitModels());
        }
    }

    private static <T> T await(Future<T> future) throws Exception {
        try {
            return future.get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        }
    }

    private synchronized <T extends AutoCloseable> T keep(T part) {
        started.push(part);
        return part;
    }

    /// Two processes on one folder would damage it.
    private void lockDataDir() throws IOException {
        Files.createDirectories(options.dataDir());
        var channel =
                keep(
                        FileChannel.open(
                                options.dataDir().resolve("lock"),
                                StandardOpenOption.CREATE,
                                StandardOpenOption.WRITE));
        @Nullable FileLock lock;
        try {
            lock = channel.tryLock();
        } catch (OverlappingFileLockException _) {
            lock = null;
        }
        if (lock == null) {
            throw new UsageException(
                    "Another instance runs on %s; end it, or choose another folder: DATA_DIR=.data2 ./start.sh"
                            .formatted(options.dataDir()));
        }
    }

    private static void requireComfyUi(URI uri) {
        var request =
                HttpRequest.newBuilder(uri.resolve(uri.getPath() + "/system_stats"))
                        .timeout(Duration.ofSeconds(5))
                        .build();
        try (var client =
                HttpClient.newBuilder()
                        .version(HttpClient.Version.HTTP_1_1)
                        .connectTimeout(Duration.ofSeconds(5))
                        .build()) {
            int status = client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
            if (status != 200) {
                throw new UsageException(
                        "%s answers %d to /system_stats; is that a ComfyUI?"
                                .formatted(uri, status));
            }
        } catch (IOException e) {
            throw new UsageException(
                    "No ComfyUI answers at %s (%s); start it first, or leave COMFYUI_URLS out to use the simulator"
                            .formatted(
                                    uri,
                                    e.getMessage() == null ? "no connection" : e.getMessage()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UsageException("Interrupted while asking " + uri);
        }
    }

    private ComfyUiSimulator simulator(int number) throws Exception {
        return steps.run(
                "ComfyUI simulator " + number,
                () ->
                        keep(
                                ComfyUiSimulator.builder()
                                        .folder(options.dataDir().resolve("comfyui-" + number))
                                        .stepDelay(Duration.ofMillis(options.stepDelayMs()))
                                        .start()));
    }

    private ConfigurableApplicationContext api() {
        var properties = common();
        properties.put("server.port", options.port());
        properties.put("server.address", options.host());
        // There is one caller on this machine, and nobody to protect from it.
        properties.put("comfyapi.max-streams", 10_000);
        // Whoever can reach this mode is on this machine; so are the receivers they try it with.
        properties.put("comfyapi.webhooks.allowed-hosts", "127.0.0.0/8,::1");
        // Options makes sure that it is a loopback address.
        properties.put("comfyapi.auth.mode", "open");
        return new SpringApplicationBuilder(ApiApplication.class)
                .web(WebApplicationType.SERVLET)
                .registerShutdownHook(false)
                .run(arguments(properties));
    }

    private ConfigurableApplicationContext worker(String name, URI comfyUi) {
        var properties = common();
        properties.put("comfyapi.worker.name", name);
        properties.put("comfyapi.worker.comfyui-url", comfyUi);
        properties.put("comfyapi.worker.spool", options.dataDir().resolve("spool").resolve(name));
        return new SpringApplicationBuilder(WorkerApplication.class)
                .web(WebApplicationType.NONE)
                .registerShutdownHook(false)
                .run(arguments(properties));
    }

    /// Waits until the API knows what the workers have; a ComfyUI without any model is given up on
    /// after a minute.
    private boolean awaitModels() throws IOException, InterruptedException {
        var request =
                HttpRequest.newBuilder(
                                URI.create(
                                        "http://%s:%d/models"
                                                .formatted(options.host(), options.port())))
                        .build();
        long until = System.nanoTime() + Duration.ofMinutes(1).toNanos();
        try (var client = HttpClient.newHttpClient()) {
            while (System.nanoTime() < until) {
                var body = client.send(request, HttpResponse.BodyHandlers.ofString()).body();
                if (body.contains("\"checkpoint\"") && body.contains("\"stale\":false")) {
                    return true;
                }
                Thread.sleep(100);
            }
        }
        return false;
    }

    private Map<String, Object> common() {
        if (postgres == null || kafka == null) {
            throw new IllegalStateException(
                    "the API and the workers come after Postgres and Kafka");
        }
        var properties = new HashMap<String, Object>();
        properties.put("spring.datasource.url", postgres.jdbcUrl());
        properties.put("comfyapi.kafka.servers", kafka.address());
        properties.put("comfyapi.artifacts.folder", options.dataDir().resolve("artifacts"));
        properties.put("spring.main.banner-mode", "off");
        properties.put("spring.jmx.enabled", "false");
        return properties;
    }

    /// As command line arguments, which win over what the environment says.
    private static String[] arguments(Map<String, Object> properties) {
        return properties.entrySet().stream()
                .map(property -> "--%s=%s".formatted(property.getKey(), property.getValue()))
                .toArray(String[]::new);
    }

    /// Where the database is, while it runs.
    String databaseUrl() {
        if (postgres == null) {
            throw new IllegalStateException("Postgres was not started");
        }
        return postgres.jdbcUrl();
    }

    private static Path logFile(Options options) {
        return options.dataDir().resolve("standalone.log");
    }

    /// Ends everything, the newest first: workers finish what they run, Postgres goes last.
    @Override
    public synchronized void close() {
        while (!started.isEmpty()) {
            var part = started.pop();
            try {
                part.close();
            } catch (Exception e) {
                System.err.println("Not ended cleanly: " + part + ": " + e);
            }
        }
    }

    /// How `./start.sh` ends up here.
    public static void main(String[] args) {
        long began = System.nanoTime();
        var out = System.out;
        try {
            var options = Options.of(System.getenv());
            // Read by logback.xml when the first line is logged.
            System.setProperty("LOG_FILE", logFile(options).toString());
            out.println("Starting the ComfyUI API Service");
            var standalone = start(options, new Steps(out));
            Runtime.getRuntime()
                    .addShutdownHook(
                            new Thread(
                                    () -> {
                                        out.println("\nStopping: running jobs are finished first");
                                        standalone.close();
                                        out.println("Stopped");
                                    },
                                    "stop"));
            out.print(standalone.banner((System.nanoTime() - began) / 1e9));
            out.flush();
        } catch (UsageException e) {
            System.err.println(e.getMessage());
            System.exit(2);
        } catch (Exception e) {
            System.err.println("It does not start: " + rootOf(e));
            e.printStackTrace();
            System.exit(1);
        }
    }

    private static Throwable rootOf(Throwable e) {
        return e.getCause() == null ? e : rootOf(e.getCause());
    }

    private String banner(double seconds) {
        var url = "http://%s:%d".formatted(options.host(), options.port());
        var painters =
                options.comfyUis().isEmpty()
                        ? "%d simulators paint; name real ones with COMFYUI_URLS=http://host:8188"
                                .formatted(options.workers())
                        : String.join(
                                ", ", options.comfyUis().stream().map(URI::toString).toList());
        return """

        Ready in %.1f s. Ask for a picture:

          curl -s %s/api/v1/generate -H 'Content-Type: application/json' -d '{"prompt": "a red fox in the snow"}'

        and open the image_url of the answer in a browser.

          API       %s  (documentation: %s/docs)
          ComfyUI   %s
          Data      %s
          Log       %s

        No keys are needed: this mode is for this machine only. Webhooks may go to loopback
        addresses. Ctrl-C stops everything.
        """
                .formatted(seconds, url, url, url, painters, options.dataDir(), logFile(options));
    }
}
