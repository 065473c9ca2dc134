package dev.comfyapi.benchmarks;

import dev.comfyapi.embedded.FreePort;
import dev.comfyapi.simulator.ComfyUiSimulator;
import dev.comfyapi.standalone.Standalone;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// The whole platform, each worker on a simulator of its own whose clock can be read.
final class Platform implements AutoCloseable {

    private static final JsonMapper JSON = JsonMapper.shared();

    private final int port = FreePort.find();
    private final HttpClient http = HttpClient.newHttpClient();
    private final List<ComfyUiSimulator> comfyUis;
    private final Standalone standalone;

    /// With one worker.
    Platform(Duration stepDelay) throws Exception {
        this(stepDelay, 1);
    }

    Platform(Duration stepDelay, int workers) throws Exception {
        var folder = Files.createTempDirectory("benchmark");
        // Unpacked once for all runs.
        Files.createSymbolicLink(
                folder.resolve("programs"),
                Files.createDirectories(Path.of(".data", "programs")).toAbsolutePath());
        comfyUis =
                IntStream.range(0, workers)
                        .mapToObj(_ -> ComfyUiSimulator.builder().stepDelay(stepDelay).start())
                        .toList();
        standalone =
                Standalone.start(
                        Map.of(
                                "PORT", Integer.toString(port),
                                "DATA_DIR", folder.toString(),
                                "COMFYUI_URLS",
                                        comfyUis.stream()
                                                .map(comfyUi -> comfyUi.uri().toString())
                                                .collect(Collectors.joining(","))));
    }

    int port() {
        return port;
    }

    /// The first one.
    ComfyUiSimulator comfyUi() {
        return comfyUis.getFirst();
    }

    List<ComfyUiSimulator> comfyUis() {
        return comfyUis;
    }

    JsonNode post(String path, String body) throws IOException, InterruptedException {
        var request =
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:%d%s".formatted(port, path)))
                        .header("Content-Type", "application/json")
                        .timeout(Duration.ofSeconds(90))
                        .POST(HttpRequest.BodyPublishers.ofString(body))
                        .build();
        var response = http.send(request, HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() / 100 != 2) {
            throw new IOException(response.statusCode() + " " + response.body());
        }
        return JSON.readTree(response.body());
    }

    @Override
    public void close() {
        standalone.close();
        comfyUis.forEach(ComfyUiSimulator::close);
        http.close();
    }
}
