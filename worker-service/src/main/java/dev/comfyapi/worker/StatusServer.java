package dev.comfyapi.worker;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import dev.comfyapi.worker.lane.Pulse;
import dev.comfyapi.worker.lane.WorkerLife;

import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;

/// Answers supervisors and Prometheus. A worker needs no web framework for that.
final class StatusServer implements SmartLifecycle {

    private static final Logger LOG = LoggerFactory.getLogger(StatusServer.class);

    private final StatusProperties properties;
    private final WorkerLife life;
    private final Pulse pulse;
    private final PrometheusMeterRegistry metrics;
    private volatile @Nullable HttpServer server;

    StatusServer(
            StatusProperties properties,
            WorkerLife life,
            Pulse pulse,
            PrometheusMeterRegistry metrics) {
        this.properties = properties;
        this.life = life;
        this.pulse = pulse;
        this.metrics = metrics;
    }

    /// Where it listens; 0 when it does not.
    int port() {
        var running = server;
        return running == null ? 0 : running.getAddress().getPort();
    }

    @Override
    public void start() {
        var port = properties.statusPort();
        if (port == null) {
            return;
        }
        try {
            var made = HttpServer.create(new InetSocketAddress(port), 16);
            made.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
            made.createContext("/health", exchange -> answer(exchange, life.isRunning(), "worker"));
            made.createContext("/ready", exchange -> answer(exchange, pulse.isOpen(), "lane"));
            made.createContext(
                    "/metrics", exchange -> answer(exchange, 200, "text/plain", metrics.scrape()));
            made.start();
            server = made;
            LOG.info("Status at port {}", made.getAddress().getPort());
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "comfyapi.worker.status-port (%d) cannot be listened on".formatted(port), e);
        }
    }

    private static void answer(HttpExchange exchange, boolean good, String what)
            throws IOException {
        answer(
                exchange,
                good ? 200 : 503,
                "application/json",
                "{\"%s\":\"%s\"}".formatted(what, good ? "up" : "down"));
    }

    private static void answer(HttpExchange exchange, int status, String type, String body)
            throws IOException {
        try (exchange) {
            var bytes = body.getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", type);
            exchange.sendResponseHeaders(status, bytes.length);
            exchange.getResponseBody().write(bytes);
        }
    }

    @Override
    public void stop() {
        var running = server;
        if (running != null) {
            running.stop(0);
            server = null;
        }
    }

    @Override
    public boolean isRunning() {
        return server != null;
    }

    /// Answers until the last attempt has ended.
    @Override
    public int getPhase() {
        return DEFAULT_PHASE - 100;
    }
}
