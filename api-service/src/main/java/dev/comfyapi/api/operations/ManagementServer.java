package dev.comfyapi.api.operations;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import dev.comfyapi.api.http.Version;
import dev.comfyapi.api.operator.FleetMetrics;

import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;

/// Metrics, health and the version on a port of their own, for supervisors that have no key. It
/// reads and does nothing.
@Component
final class ManagementServer implements SmartLifecycle {

    private static final Logger LOG = LoggerFactory.getLogger(ManagementServer.class);

    private final ManagementProperties properties;
    private final PrometheusMeterRegistry metrics;
    private final FleetMetrics fleet;
    private final Migrations migrations;
    private volatile @Nullable HttpServer server;

    ManagementServer(
            ManagementProperties properties,
            PrometheusMeterRegistry metrics,
            FleetMetrics fleet,
            Migrations migrations) {
        this.properties = properties;
        this.metrics = metrics;
        this.fleet = fleet;
        this.migrations = migrations;
    }

    /// Where it listens; 0 when it does not.
    int port() {
        var running = server;
        return running == null ? 0 : running.getAddress().getPort();
    }

    @Override
    public void start() {
        var port = properties.managementPort();
        if (port == null) {
            return;
        }
        try {
            var made =
                    HttpServer.create(
                            new InetSocketAddress(properties.managementAddress(), port), 16);
            made.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
            made.createContext(
                    "/metrics",
                    exchange ->
                            answer(
                                    exchange,
                                    200,
                                    HomeController.METRICS_TYPE,
                                    fleet.during(metrics::scrape)));
            made.createContext(
                    "/info",
                    exchange ->
                            answer(
                                    exchange,
                                    200,
                                    "application/json",
                                    "{\"version\": \"%s\"}".formatted(Version.NAME)));
            made.createContext(
                    "/health",
                    exchange ->
                            answer(
                                    exchange,
                                    migrations.isDone() ? 200 : 503,
                                    "application/json",
                                    "{\"ready\": %s}".formatted(migrations.isDone())));
            made.start();
            server = made;
            LOG.info("Metrics are on port {}", port());
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "comfyapi.management-port (%d) cannot be listened on".formatted(port), e);
        }
    }

    private static void answer(HttpExchange exchange, int status, String type, String text)
            throws IOException {
        try (exchange) {
            var body = text.getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", type);
            exchange.getResponseHeaders().set("X-Content-Type-Options", "nosniff");
            if (exchange.getRequestMethod().equals("HEAD")) {
                exchange.sendResponseHeaders(status, -1);
            } else {
                exchange.sendResponseHeaders(status, body.length);
                exchange.getResponseBody().write(body);
            }
        }
    }

    @Override
    public void stop() {
        var running = server;
        server = null;
        if (running != null) {
            running.stop(0);
        }
    }

    @Override
    public boolean isRunning() {
        return server != null;
    }
}
