package dev.comfyapi.simulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/// A plain client for tests; knows nothing of the simulator but its address.
final class Comfy implements AutoCloseable {

    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final URI base;

    Comfy(URI base) {
        this.base = base;
    }

    static JsonNode json(String text) {
        try {
            return Json.parse(text);
        } catch (Json.MalformedJson e) {
            throw new IllegalArgumentException(text, e);
        }
    }

    static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    HttpResponse<byte[]> send(String method, String path, byte[] body, String... headers) {
        try {
            var request =
                    HttpRequest.newBuilder(base.resolve(path)).timeout(Duration.ofSeconds(30));
            if (headers.length > 0) {
                request.headers(headers);
            }
            return http.send(
                    request.method(method, BodyPublishers.ofByteArray(body)).build(),
                    BodyHandlers.ofByteArray());
        } catch (IOException e) {
            throw new IllegalStateException(method + " " + path, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    HttpResponse<byte[]> get(String path, String... headers) {
        return send("GET", path, new byte[0], headers);
    }

    JsonNode getJson(String path) {
        var response = get(path);
        assertThat(response.statusCode()).as(path).isEqualTo(200);
        return body(response);
    }

    HttpResponse<byte[]> post(String path, String body) {
        return send(
                "POST",
                path,
                body.getBytes(StandardCharsets.UTF_8),
                "Content-Type",
                "application/json");
    }

    static JsonNode body(HttpResponse<byte[]> response) {
        return json(text(response));
    }

    static String text(HttpResponse<byte[]> response) {
        return new String(response.body(), StandardCharsets.UTF_8);
    }

    static String newId() {
        return UUID.randomUUID().toString();
    }

    /// A request for a graph, to be completed by the test.
    static ObjectNode request(String id, String graph) {
        var request = Json.object().put("prompt_id", id);
        request.set("prompt", json(graph));
        return request;
    }

    HttpResponse<byte[]> post(ObjectNode request) {
        return post("/prompt", Json.write(request));
    }

    /// Submits a graph that must be accepted, and answers its id.
    String submit(String graph) {
        return submit(request(newId(), graph));
    }

    String submit(ObjectNode request) {
        var response = post(request);
        assertThat(response.statusCode()).as(text(response)).isEqualTo(200);
        return body(response).path("prompt_id").asString();
    }

    JsonNode job(String id) {
        return getJson("/api/jobs/" + id);
    }

    String status(String id) {
        var response = get("/api/jobs/" + id);
        return response.statusCode() == 404 ? "unknown" : body(response).path("status").asString();
    }

    JsonNode awaitEnd(String id) {
        await().atMost(Duration.ofSeconds(20))
                .pollInterval(Duration.ofMillis(3))
                .until(() -> !Set.of("pending", "in_progress", "unknown").contains(status(id)));
        return job(id);
    }

    void awaitStatus(String id, String status) {
        await().atMost(Duration.ofSeconds(20))
                .pollInterval(Duration.ofMillis(3))
                .until(() -> status(id).equals(status));
    }

    JsonNode history(String id) {
        return getJson("/history/" + id).path(id);
    }

    /// The only picture a finished prompt reported.
    byte[] onlyPicture(JsonNode job) {
        var item = job.path("preview_output");
        assertThat(job.path("outputs_count").asInt()).isEqualTo(1);
        return picture(item);
    }

    byte[] picture(JsonNode item) {
        return get(viewPath(item)).body();
    }

    static String viewPath(JsonNode item) {
        return "/view?filename=%s&subfolder=%s&type=%s"
                .formatted(
                        encoded(item.path("filename").asString()),
                        encoded(item.path("subfolder").asString()),
                        item.path("type").asString());
    }

    HttpResponse<byte[]> upload(
            String path, String fileName, byte[] content, Map<String, String> fields) {
        var body = new ByteArrayOutputStream();
        fields.forEach((name, value) ->
                body.writeBytes(
                        "--cut\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n"
                                .formatted(name, value)
                                .getBytes(StandardCharsets.UTF_8)));
        body.writeBytes(
                "--cut\r\nContent-Disposition: form-data; name=\"image\"; filename=\"%s\"\r\n\r\n"
                        .formatted(fileName)
                        .getBytes(StandardCharsets.UTF_8));
        body.writeBytes(content);
        body.writeBytes("\r\n--cut--\r\n".getBytes(StandardCharsets.UTF_8));
        return send(
                "POST",
                path,
                body.toByteArray(),
                "Content-Type",
                "multipart/form-data; boundary=cut");
    }

    ComfySocket socket(String clientId) {
        return ComfySocket.open(http, base, clientId);
    }

    @Override
    public void close() {
        http.shutdownNow();
    }
}
