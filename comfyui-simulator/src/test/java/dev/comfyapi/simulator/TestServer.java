package dev.comfyapi.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import org.jspecify.annotations.Nullable;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/// What the contract is checked against: always a simulator, and also the server that `COMFYUI_URL`
/// names, if it names one.
///
/// Such a server must be idle and in nobody's use. The checks leave nothing but files below
/// `contract/` in its output and input folders, and entries in its history.
final class TestServer implements AutoCloseable {

    private static final String SIMULATOR = "simulator";

    private final @Nullable ComfyUiSimulator simulator;
    private final URI uri;

    private TestServer(@Nullable ComfyUiSimulator simulator, URI uri) {
        this.simulator = simulator;
        this.uri = uri;
    }

    /// The names of the servers to check, for tests that run once on each.
    static List<String> all() {
        return Optional.ofNullable(System.getenv("COMFYUI_URL"))
                .filter(url -> !url.isBlank())
                .map(url -> List.of(SIMULATOR, url))
                .orElse(List.of(SIMULATOR));
    }

    static TestServer start(String name) {
        if (name.equals(SIMULATOR)) {
            var simulator = ComfyUiSimulator.builder().stepDelay(Duration.ZERO).start();
            return new TestServer(simulator, simulator.uri());
        }
        var real = new TestServer(null, URI.create(name));
        try (var comfy = new Comfy(real.uri)) {
            assertThat(comfy.getJson("/prompt").path("exec_info").path("queue_remaining").asInt())
                    .as("%s must be idle", name)
                    .isZero();
        }
        return real;
    }

    URI uri() {
        return uri;
    }

    /// Whether it may be restarted, or robbed of its models.
    boolean isOurs() {
        return simulator != null;
    }

    boolean isOnThisMachine() {
        return List.of("127.0.0.1", "localhost").contains(uri.getHost());
    }

    void restart() {
        if (simulator != null) {
            simulator.restart();
        }
    }

    @Override
    public void close() {
        if (simulator != null) {
            simulator.close();
        }
    }
}
