package dev.comfyapi.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Set;

import javax.imageio.ImageIO;

/// An application developer with an HTTP client.
final class Client {

    static final Set<String> FINAL = Set.of("succeeded", "failed", "canceled", "expired");

    private static final JsonMapper JSON = JsonMapper.shared();

    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
    private final URI base;

    Client(URI base) {
        this.base = base;
    }

    record Answer(HttpResponse<byte[]> response) {

        int status() {
            return response.statusCode();
        }

        String header(String name) {
            return response.headers().firstValue(name).orElse("");
        }

        JsonNode json() {
            return JSON.readTree(response.body());
        }

        BufferedImage image() throws IOException {
            var image = ImageIO.read(new ByteArrayInputStream(response.body()));
            assertThat(image).as("a picture").isNotNull();
            return image;
        }

        @Override
        public String toString() {
            return status() + " " + new String(response.body(), StandardCharsets.UTF_8);
        }
    }

    Answer post(String path, String body, String... headers)
            throws IOException, InterruptedException {
        return send(
                request(path, headers)
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString(body)));
    }

    Answer get(String path, String... headers) throws IOException, InterruptedException {
        return send(request(path, headers).GET());
    }

    Answer delete(String path) throws IOException, InterruptedException {
        return send(request(path).DELETE());
    }

    private HttpRequest.Builder request(String path, String... headers) {
        var request = HttpRequest.newBuilder(base.resolve(path)).timeout(Duration.ofSeconds(90));
        return headers.length == 0 ? request : request.headers(headers);
    }

    private Answer send(HttpRequest.Builder request) throws IOException, InterruptedException {
        return new Answer(http.send(request.build(), BodyHandlers.ofByteArray()));
    }

    /// Accepts a small picture; answers the job's id.
    String submit(String prompt) throws IOException, InterruptedException {
        var answer = post("/api/v1/jobs", small(prompt));
        assertThat(answer.status()).as(answer.toString()).isEqualTo(202);
        return answer.json().path("job_id").stringValue();
    }

    static String small(String prompt) {
        return """
        {"prompt": "%s", "width": 64, "height": 64, "steps": 4}
        """
                .formatted(prompt);
    }

    JsonNode job(String id) throws IOException, InterruptedException {
        var answer = get("/api/v1/jobs/" + id);
        assertThat(answer.status()).as(answer.toString()).isEqualTo(200);
        return answer.json();
    }

    String statusOf(String id) throws IOException, InterruptedException {
        return job(id).path("status").stringValue();
    }
}
