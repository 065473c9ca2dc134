package dev.comfyapi.simulator;

import org.jspecify.annotations.Nullable;

import java.net.URI;
import java.time.Duration;
import java.util.Map;

/// What the contract is checked against: a simulator, or the server that `COMFYUI_URL` names.
///
/// Such a server must be idle and in nobody's use; its queue, history and output folder are written
/// to.
final class TestServer implements AutoCloseable {

    private final @Nullable ComfyUiSimulator simulator;
    private final URI uri;

    private TestServer(@Nullable ComfyUiSimulator simulator, URI uri) {
        this.simulator = simulator;
        this.uri = uri;
    }

    static TestServer start() {
        return start(System.getenv());
    }

    private static TestServer start(Map<String, String> environment) {
        var real = environment.get("COMFYUI_URL");
        if (real != null) {
            return new TestServer(null, URI.create(real));
        }
        var simulator = ComfyUiSimulator.builder().stepDelay(Duration.ZERO).start();
        return new TestServer(simulator, simulator.uri());
    }

    URI uri() {
        return uri;
    }

    @Override
    public void close() {
        if (simulator != null) {
            simulator.close();
        }
    }
}
