package dev.comfyapi.cli;

import org.jspecify.annotations.Nullable;

import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

/// The HTTP API as this program uses it. Thread-safe.
///
/// What the service is in no state to answer (503, 429, a broken connection) is asked again a few
/// times; a submit carries a key, so repeating it makes no second job.
final class Service implements AutoCloseable {

    static final JsonMapper JSON = JsonMapper.shared();

    private static final Duration ANSWER = Duration.ofSeconds(75);

    /// For tens of thousands of requests in one call.
    private static final Duration LONG_ANSWER = Duration.ofMinutes(10);

    private static final int TRIES = 4;
    private static final long LONGEST_PAUSE_S = 10;

    private final HttpClient http =
            HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .connectTimeout(Duration.ofSeconds(5))
                    .build();
    private final URI base;
    private final @Nullable String key;

    /// @param base where the API is
    /// @param key API key; null for a service that asks for none
    Service(URI base, @Nullable String key) {
        this.base = base;
        this.key = key;
    }

    JsonNode get(String path) throws ServiceException, InterruptedException {
        return json(ask(request(path).GET(), ANSWER));
    }

    /// A submit: the same call twice would be one job.
    JsonNode create(String path, JsonNode body) throws ServiceException, InterruptedException {
        return create(
                path,
                "application/json",
                BodyPublishers.ofByteArray(JSON.writeValueAsBytes(body)),
                ANSWER);
    }

    /// The same for a file with a request in each line.
    JsonNode createLines(String path, Path file) throws ServiceException, InterruptedException {
        try {
            return create(path, "application/jsonl", BodyPublishers.ofFile(file), LONG_ANSWER);
        } catch (FileNotFoundException _) {
            throw new ServiceException(ExitCode.REFUSED, "%s cannot be read".formatted(file));
        }
    }

    private JsonNode create(String path, String type, BodyPublisher body, Duration answer)
            throws ServiceException, InterruptedException {
        return json(
                ask(
                        request(path)
                                .header("Content-Type", type)
                                .header("Idempotency-Key", UUID.randomUUID().toString())
                                .POST(body),
                        answer));
    }

    /// The lines of an answer, each a JSON value.
    List<String> lines(String path) throws ServiceException, InterruptedException {
        var text = new String(ask(request(path).GET(), LONG_ANSWER).body(), StandardCharsets.UTF_8);
        return text.lines().toList();
    }

    /// Brings a file in; answers its reference.
    String upload(Path file) throws ServiceException, InterruptedException {
        var boundary = UUID.randomUUID().toString();
        var name = String.valueOf(file.getFileName()).replaceAll("[\\p{Cntrl}\"\\\\]", "_");
        var head =
                "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\"\r\n\r\n"
                        .formatted(boundary, name);
        var tail = "\r\n--%s--\r\n".formatted(boundary);
        try {
            var body =
                    BodyPublishers.concat(
                            BodyPublishers.ofString(head),
                            BodyPublishers.ofFile(file),
                            BodyPublishers.ofString(tail));
            var asset =
                    create(
                            "/api/v1/assets",
                            "multipart/form-data; boundary=" + boundary,
                            body,
                            ANSWER);
            return "asset://" + asset.path("asset_id").asString();
        } catch (IOException _) {
            throw new ServiceException(ExitCode.REFUSED, "%s cannot be read".formatted(file));
        }
    }

    /// A change that may be asked for twice.
    JsonNode post(String path) throws ServiceException, InterruptedException {
        return json(ask(request(path).POST(BodyPublishers.noBody()), ANSWER));
    }

    /// The lines of an event stream, as they come; empty when the stream has nothing more to say.
    ///
    /// @param after id of the newest event that was seen; null for none
    /// @throws IOException when the connection breaks: connect again
    @Nullable EventStream events(String path, @Nullable String after)
            throws IOException, ServiceException, InterruptedException {
        var request = request(path).header("Accept", "text/event-stream").GET();
        if (after != null) {
            request.header("Last-Event-ID", after);
        }
        var response = http.send(request.build(), BodyHandlers.ofInputStream());
        if (response.statusCode() == 204) {
            response.body().close();
            return null;
        }
        if (response.statusCode() != 200) {
            try (var body = response.body()) {
                throw problem(response.statusCode(), body.readAllBytes());
            }
        }
        return new EventStream(response.body());
    }

    /// Saves what a link leads to; a file is there whole or not at all.
    void download(String url, Path file) throws ServiceException, InterruptedException {
        try {
            var folder = file.toAbsolutePath().getParent();
            if (folder != null) {
                Files.createDirectories(folder);
            }
            var part = file.resolveSibling(file.getFileName() + ".part");
            // The link carries its own permission: the key stays here.
            var response =
                    http.send(
                            HttpRequest.newBuilder(base.resolve(url)).GET().build(),
                            BodyHandlers.ofInputStream());
            try (InputStream body = response.body()) {
                if (response.statusCode() != 200) {
                    throw problem(response.statusCode(), body.readAllBytes());
                }
                Files.copy(body, part, StandardCopyOption.REPLACE_EXISTING);
            }
            Files.move(part, file, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new ServiceException(
                    ExitCode.UNAVAILABLE, "%s could not be saved: %s".formatted(file, e));
        }
    }

    private HttpRequest.Builder request(String path) {
        var request =
                HttpRequest.newBuilder(URI.create(withoutSlash(base.toString()) + path))
                        .header("User-Agent", "comfyapi-cli");
        if (key != null) {
            request.header("Authorization", "Bearer " + key);
        }
        return request;
    }

    private static String withoutSlash(String url) {
        return url.endsWith("/") ? url.substring(0, url.length() - 1) : url;
    }

    private HttpResponse<byte[]> ask(HttpRequest.Builder builder, Duration answer)
            throws ServiceException, InterruptedException {
        var request = builder.timeout(answer).build();
        for (int attempt = 1; ; attempt++) {
            try {
                var response = http.send(request, BodyHandlers.ofByteArray());
                int status = response.statusCode();
                if (status < 300) {
                    return response;
                }
                if ((status != 429 && status != 503) || attempt == TRIES) {
                    throw problem(status, response.body());
                }
                TimeUnit.SECONDS.sleep(pause(response, attempt));
            } catch (IOException e) {
                if (attempt == TRIES) {
                    throw new ServiceException(
                            ExitCode.UNAVAILABLE,
                            "Nothing answers at %s (%s). Is the service running? Name another with --url or COMFYAPI_URL."
                                    .formatted(base, e.getClass().getSimpleName()));
                }
                TimeUnit.MILLISECONDS.sleep(200L * attempt);
            }
        }
    }

    private static long pause(HttpResponse<?> response, int attempt) {
        var wish = response.headers().firstValue("Retry-After").orElse("");
        return wish.matches("\\d{1,6}") ? Math.min(LONGEST_PAUSE_S, Long.parseLong(wish)) : attempt;
    }

    private static JsonNode json(HttpResponse<byte[]> response) throws ServiceException {
        try {
            return response.body().length == 0
                    ? JSON.createObjectNode()
                    : JSON.readTree(response.body());
        } catch (JacksonException _) {
            throw new ServiceException(
                    ExitCode.UNAVAILABLE,
                    "The answer is no JSON: does --url name a ComfyUI API Service?");
        }
    }

    /// What the problem document says, one line for each member that is wrong.
    private static ServiceException problem(int status, byte[] body) {
        var lines = new ArrayList<String>();
        try {
            var problem = JSON.readTree(body);
            lines.add(
                    problem.path("detail")
                            .asString(problem.path("title").asString("HTTP " + status)));
            for (var error : problem.path("errors")) {
                lines.add(
                        "  %s %s"
                                .formatted(
                                        error.path("pointer").asString(""),
                                        error.path("detail").asString("")));
                addSimilar(lines, error.path("params").path("similar"));
            }
        } catch (JacksonException _) {
            lines.add(
                    "HTTP %d: %s"
                            .formatted(
                                    status,
                                    new String(
                                            body,
                                            0,
                                            Math.min(200, body.length),
                                            StandardCharsets.UTF_8)));
        }
        if (status == 401) {
            lines.add("  Set COMFYAPI_KEY, or use --key.");
        }
        return new ServiceException(
                status >= 500 || status == 429 ? ExitCode.UNAVAILABLE : ExitCode.REFUSED,
                String.join(System.lineSeparator(), lines));
    }

    private static void addSimilar(List<String> lines, JsonNode similar) {
        if (similar.isArray() && !similar.isEmpty()) {
            var names = new ArrayList<String>();
            similar.forEach(name -> names.add(name.asString("")));
            lines.add("    there is: " + String.join(", ", names));
        }
    }

    @Override
    public void close() {
        http.shutdownNow();
    }
}
