package dev.comfyapi.worker;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/// Stands between a worker and its ComfyUI, notes requests and loses replies. Lets no WebSocket
/// through.
final class Wiretap implements AutoCloseable {

    private final URI comfyUi;
    private final HttpServer server;
    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final List<String> requests = new CopyOnWriteArrayList<>();
    private volatile boolean jobsApi = true;
    private final AtomicInteger repliesToLose = new AtomicInteger();

    Wiretap(URI comfyUi) {
        this(comfyUi, 0);
    }

    Wiretap(URI comfyUi, int port) {
        this.comfyUi = comfyUi;
        try {
            server =
                    HttpServer.create(
                            new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 16);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/", this::forward);
        server.start();
    }

    URI uri() {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    }

    /// Each as method and path.
    List<String> requests() {
        return List.copyOf(requests);
    }

    /// ComfyUI will do what the next prompts say, and its answers will not arrive.
    void loseReplyToPrompts(int count) {
        repliesToLose.set(count);
    }

    /// From now on ComfyUI seems to be older than its jobs API.
    void hideJobsApi() {
        jobsApi = false;
    }

    private void forward(HttpExchange exchange) throws IOException {
        try (exchange) {
            var path = exchange.getRequestURI();
            var request = exchange.getRequestMethod() + " " + path.getPath();
            requests.add(request);
            if (path.getPath().equals("/ws")
                    || (!jobsApi && path.getPath().startsWith("/api/jobs"))) {
                exchange.sendResponseHeaders(404, -1);
                return;
            }
            var body = exchange.getRequestBody().readAllBytes();
            var reply =
                    http.send(
                            HttpRequest.newBuilder(URI.create(comfyUi + path.toString()))
                                    .method(
                                            exchange.getRequestMethod(),
                                            BodyPublishers.ofByteArray(body))
                                    .build(),
                            BodyHandlers.ofByteArray());
            if (request.equals("POST /prompt")
                    && repliesToLose.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
                return;
            }
            exchange.sendResponseHeaders(
                    reply.statusCode(), reply.body().length == 0 ? -1 : reply.body().length);
            exchange.getResponseBody().write(reply.body());
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        server.stop(0);
        http.close();
    }
}
