package dev.comfyapi.worker.comfyui;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;

import tools.jackson.core.JacksonException;

import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/// Listens to ComfyUI's WebSocket for progress, for ever: a broken connection is made again.
///
/// Each connection has a client id of its own: ComfyUI forgets a newer socket when an older one of
/// the same id closes late (Comfy-Org/ComfyUI #16010). A prompt submitted under an earlier id is
/// not heard of any more and is followed by polling alone.
public final class ComfyUiSocket implements SmartLifecycle {

    private static final Logger LOG = LoggerFactory.getLogger(ComfyUiSocket.class);
    private static final int WAITING_EVENTS = 1_000;
    private static final int LONGEST_MESSAGE = 16 << 20;

    /// What is longer is cut, and the rest is no picture.
    private static final int LONGEST_PREVIEW = 1 << 20;

    private static final Duration PING = Duration.ofSeconds(20);
    private static final Duration CONNECT = Duration.ofSeconds(5);
    private static final long FIRST_PAUSE_MS = 200;
    private static final long LONGEST_PAUSE_MS = 5_000;
    private static final String HELLO =
            """
            {"type": "feature_flags", "data": {"supports_preview_metadata": true}}
            """;

    private final URI comfyUi;
    private final HttpClient http;
    private final Consumer<ComfyUiEvent> listener;
    private final BlockingQueue<ComfyUiEvent> heard = new ArrayBlockingQueue<>(WAITING_EVENTS);
    private final PromptOwner owner;
    private volatile Connection current;
    private volatile @Nullable Thread connecting;
    private volatile @Nullable Thread delivering;

    /// @param listener called on one thread of the socket's own
    public ComfyUiSocket(
            URI comfyUi, HttpClient http, PromptOwner owner, Consumer<ComfyUiEvent> listener) {
        this.comfyUi = comfyUi;
        this.owner = owner;
        this.current = unconnected();
        this.http = http;
        this.listener = listener;
    }

    /// One connection, or the time without one.
    ///
    /// @param clientId never used by another connection
    private record Connection(String clientId, boolean open) {}

    private Connection unconnected() {
        return new Connection(owner.newClientId(), false);
    }

    /// Whom ComfyUI tells about a prompt that is submitted now. Never empty: without one, results
    /// that come from its cache are missing in some versions.
    public String clientId() {
        return current.clientId();
    }

    /// Whether what happens to prompts of this client id can be heard.
    public boolean hears(String clientId) {
        var now = current;
        return now.open() && now.clientId().equals(clientId);
    }

    private void connect() {
        long pause = FIRST_PAUSE_MS;
        boolean said = false;
        while (!Thread.currentThread().isInterrupted()) {
            var clientId = owner.newClientId();
            var ears = new Ears();
            try {
                var socket =
                        http.newWebSocketBuilder()
                                .connectTimeout(CONNECT)
                                .buildAsync(address(clientId), ears)
                                .get(CONNECT.toMillis() * 2, TimeUnit.MILLISECONDS);
                try {
                    socket.sendText(HELLO, true).get(CONNECT.toMillis(), TimeUnit.MILLISECONDS);
                    current = new Connection(clientId, true);
                    LOG.info("Listening to ComfyUI's progress");
                    said = false;
                    pause = FIRST_PAUSE_MS;
                    keepAlive(socket, ears);
                } finally {
                    current = unconnected();
                    socket.sendClose(WebSocket.NORMAL_CLOSURE, "")
                            .whenComplete((_, _) -> socket.abort());
                }
            } catch (ExecutionException | TimeoutException e) {
                if (!said) {
                    LOG.info(
                            "ComfyUI's progress cannot be heard ({}); polling instead",
                            e.toString());
                    said = true;
                }
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
                return;
            }
            try {
                TimeUnit.MILLISECONDS.sleep(pause);
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
            pause = Math.min(LONGEST_PAUSE_MS, pause * 2);
        }
    }

    /// Returns when the connection is over. A ping that has no pong at the time of the next is its
    /// end: nothing else tells of a peer that vanished.
    private static void keepAlive(WebSocket socket, Ears ears)
            throws InterruptedException, ExecutionException, TimeoutException {
        while (!ears.closed.await(PING.toMillis(), TimeUnit.MILLISECONDS)) {
            if (!ears.ponged) {
                return;
            }
            ears.ponged = false;
            socket.sendPing(ByteBuffer.allocate(0)).get(CONNECT.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    private URI address(String clientId) {
        var http = comfyUi.toString().replaceFirst("^http", "ws");
        return URI.create((http.endsWith("/") ? http : http + "/") + "ws?clientId=" + clientId);
    }

    private void deliver() {
        try {
            while (true) {
                var event = heard.take();
                try {
                    listener.accept(event);
                } catch (RuntimeException e) {
                    LOG.error("An event of ComfyUI was not understood; the next one follows", e);
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /// Assembles parts of messages.
    private final class Ears implements WebSocket.Listener {

        final CountDownLatch closed = new CountDownLatch(1);
        volatile boolean ponged = true;
        private final StringBuilder parts = new StringBuilder();
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        @Override
        public @Nullable CompletionStage<?> onText(
                WebSocket socket, CharSequence part, boolean last) {
            if (parts.length() + part.length() <= LONGEST_MESSAGE) {
                parts.append(part);
            }
            if (last) {
                hear(parts.toString());
                parts.setLength(0);
            }
            socket.request(1);
            return null;
        }

        private void see(ByteBuffer message) {
            try {
                EventReading.ofBinary(message).ifPresent(heard::offer);
            } catch (JacksonException e) {
                LOG.debug("Skipped a preview of ComfyUI: {}", e.getOriginalMessage());
            }
        }

        private void hear(String message) {
            try {
                // When nobody takes events fast enough the newest are lost: polling finds out.
                EventReading.of(ComfyUi.JSON.readTree(message)).ifPresent(heard::offer);
            } catch (JacksonException e) {
                LOG.debug("Skipped a message of ComfyUI: {}", e.getOriginalMessage());
            }
        }

        @Override
        public @Nullable CompletionStage<?> onBinary(
                WebSocket socket, ByteBuffer part, boolean last) {
            if (bytes.size() + part.remaining() <= LONGEST_PREVIEW) {
                var copy = new byte[part.remaining()];
                part.get(copy);
                bytes.writeBytes(copy);
            }
            if (last) {
                see(ByteBuffer.wrap(bytes.toByteArray()));
                bytes.reset();
            }
            socket.request(1);
            return null;
        }

        @Override
        public @Nullable CompletionStage<?> onPong(WebSocket socket, ByteBuffer message) {
            ponged = true;
            socket.request(1);
            return null;
        }

        @Override
        public @Nullable CompletionStage<?> onClose(WebSocket socket, int status, String reason) {
            closed.countDown();
            return null;
        }

        @Override
        public void onError(WebSocket socket, Throwable error) {
            closed.countDown();
        }
    }

    @Override
    public void start() {
        delivering = Thread.ofVirtual().name("comfyui-events").start(this::deliver);
        connecting = Thread.ofVirtual().name("comfyui-socket").start(this::connect);
    }

    @Override
    public void stop() {
        interrupt(connecting);
        interrupt(delivering);
        connecting = null;
        delivering = null;
    }

    private static void interrupt(@Nullable Thread running) {
        if (running != null) {
            running.interrupt();
        }
    }

    @Override
    public boolean isRunning() {
        return connecting != null;
    }

    /// Runs as long as there are attempts.
    @Override
    public int getPhase() {
        return DEFAULT_PHASE - 200;
    }
}
