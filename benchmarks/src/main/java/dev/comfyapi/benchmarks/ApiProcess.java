package dev.comfyapi.benchmarks;

import dev.comfyapi.api.ApiApplication;
import dev.comfyapi.embedded.FreePort;
import dev.comfyapi.embedded.KafkaServer;
import dev.comfyapi.embedded.PostgresServer;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/// An API in a process of its own, with a heap of its own, that gives no jobs to workers.
record ApiProcess(Process process, int port) {

    /// @param heap such as `512m`
    /// @param properties `--name=value`
    static ApiProcess start(
            Path folder,
            PostgresServer postgres,
            KafkaServer kafka,
            String heap,
            String... properties)
            throws IOException, InterruptedException {
        int port = FreePort.find();
        var command =
                new ArrayList<>(
                        List.of(
                                ProcessHandle.current().info().command().orElseThrow(),
                                "-Xmx" + heap,
                                "-XX:+UseCompactObjectHeaders",
                                "-XX:MaxGCPauseMillis=25",
                                "-XX:+ExitOnOutOfMemoryError",
                                "-cp",
                                System.getProperty("java.class.path"),
                                ApiApplication.class.getName(),
                                "--server.port=" + port,
                                "--spring.datasource.url=" + postgres.jdbcUrl(),
                                "--comfyapi.kafka.servers=" + kafka.address(),
                                "--comfyapi.artifacts.folder=" + folder.resolve("artifacts"),
                                "--comfyapi.dispatch.enabled=false"));
        command.addAll(List.of(properties));
        var log = folder.resolve("api.out");
        var process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        System.out.println("The API writes to " + log);
        var started = new ApiProcess(process, port);
        started.awaitReady(log);
        return started;
    }

    private void awaitReady(Path log) throws InterruptedException {
        long until = System.nanoTime() + Duration.ofMinutes(3).toNanos();
        try (var http = HttpClient.newHttpClient()) {
            while (System.nanoTime() < until && process.isAlive()) {
                try {
                    var answer =
                            http.send(
                                    HttpRequest.newBuilder(uri("/readyz")).build(),
                                    HttpResponse.BodyHandlers.discarding());
                    if (answer.statusCode() == 200) {
                        return;
                    }
                } catch (IOException _) {
                    // Not yet.
                }
                Thread.sleep(200);
            }
        }
        throw new IllegalStateException("the API does not start: " + log);
    }

    URI uri(String path) {
        return URI.create("http://127.0.0.1:%d%s".formatted(port, path));
    }

    /// The most memory it ever had, in MiB; Linux only.
    long peakMib() throws IOException {
        var status = Files.readString(Path.of("/proc", Long.toString(process.pid()), "status"));
        return status.lines()
                .filter(line -> line.startsWith("VmHWM:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024)
                .findFirst()
                .orElse(0);
    }
}
