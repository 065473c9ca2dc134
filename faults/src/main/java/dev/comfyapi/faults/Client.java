package dev.comfyapi.faults;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/// An application developer with an HTTP client, behind a balancer: requests go to the instances of
/// the API in turn, and to the next one if the connection was refused, and for no other reason.
/// Thread-safe.
final class Client implements AutoCloseable {

    private static final JsonMapper JSON = JsonMapper.shared();

    private final HttpClient http =
            HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .connectTimeout(Duration.ofSeconds(5))
                    .build();
    private final List<URI> bases;
    private final AtomicInteger turn = new AtomicInteger();

    Client(List<URI> bases) {
        this.bases = List.copyOf(bases);
    }

    record Answer(HttpResponse<byte[]> response) {

        int status() {
            return response.statusCode();
        }

        String header(String name) {
            return response.headers().firstValue(name).orElse("");
        }

        byte[] body() {
            return response.body();
        }

        JsonNode json() {
            return JSON.readTree(response.body());
        }

        @Override
        public String toString() {
            return status() + " " + new String(response.body(), StandardCharsets.UTF_8);
        }
    }

    /// @param headers names and values in turn
    Answer post(String path, String body, String... headers)
            throws IOException, InterruptedException {
        return send(
                path,
                request(headers)
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString(body)));
    }

    Answer get(String path) throws IOException, InterruptedException {
        return send(path, request().GET());
    }

    Answer delete(String path) throws IOException, InterruptedException {
        return send(path, request().DELETE());
    }

    private static HttpRequest.Builder request(String... headers) {
        var request = HttpRequest.newBuilder().timeout(Duration.ofSeconds(30));
        return headers.length == 0 ? request : request.headers(headers);
    }

    private Answer send(String path, HttpRequest.Builder request)
            throws IOException, InterruptedException {
        int first = turn.getAndIncrement();
        for (int i = 0; ; i++) {
            var base = bases.get(Math.floorMod(first + i, bases.size()));
            try {
                return new Answer(
                        http.send(
                                request.uri(base.resolve(path)).build(),
                                BodyHandlers.ofByteArray()));
            } catch (ConnectException refused) {
                if (i + 1 == bases.size()) {
                    throw refused;
                }
            }
        }
    }

    @Override
    public void close() {
        http.close();
    }
}
