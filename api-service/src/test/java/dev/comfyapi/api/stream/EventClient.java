package dev.comfyapi.api.stream;

import dev.comfyapi.api.Api;
import dev.comfyapi.api.contract.Contract;
import dev.comfyapi.contract.Messages;

import org.awaitility.Awaitility;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/// Reads server-sent events, as a browser does.
public final class EventClient implements AutoCloseable {

    private static final JsonMapper JSON = JsonMapper.shared();
    private static final HttpClient HTTP =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private final HttpResponse<InputStream> response;
    private final String channel;
    private final List<Event> events = new CopyOnWriteArrayList<>();
    private final List<String> others = new CopyOnWriteArrayList<>();
    private volatile String lastId = "";
    private volatile boolean over;

    public record Event(String id, String type, JsonNode data) {

        public String at(String pointer) {
            return data.at(pointer).asString("");
        }
    }

    private EventClient(HttpResponse<InputStream> response) {
        this.response = response;
        this.channel =
                response.uri().getPath().startsWith("/api/v1/events")
                        ? "tenantEvents"
                        : "jobEvents";
    }

    /// @param headers names and values in turn
    public static EventClient of(Api api, String path, String... headers) {
        try {
            var request = api.request(path, headers).header("Accept", "text/event-stream").build();
            var response = HTTP.send(request, HttpResponse.BodyHandlers.ofInputStream());
            if (response.statusCode() == 200) {
                api.contract()
                        .check(
                                "GET",
                                path,
                                Contract.Answer.of(200, response.headers().map(), new byte[0]));
            }
            var client = new EventClient(response);
            Thread.startVirtualThread(client::read);
            return client;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private void read() {
        try (var lines =
                new BufferedReader(
                        new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
            var type = "";
            var data = "";
            for (var line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.isEmpty()) {
                    if (!data.isEmpty()) {
                        var message = JSON.readTree(data);
                        Messages.hear(channel, message);
                        events.add(new Event(lastId, type, message));
                    }
                    type = "";
                    data = "";
                } else if (line.startsWith("id: ")) {
                    lastId = line.substring(4);
                } else if (line.startsWith("event: ")) {
                    type = line.substring(7);
                } else if (line.startsWith("data: ")) {
                    data = line.substring(6);
                } else {
                    others.add(line);
                }
            }
        } catch (IOException _) {
            // Closed, by either side.
        }
        over = true;
    }

    HttpResponse<InputStream> response() {
        return response;
    }

    public List<Event> events() {
        return events;
    }

    List<String> types() {
        return events.stream().map(Event::type).toList();
    }

    /// Comments and retry lines.
    List<String> others() {
        return others;
    }

    String lastId() {
        return lastId;
    }

    public boolean isOver() {
        return over;
    }

    /// The first event of this type.
    public Event await(String type) {
        return await(type, Duration.ofSeconds(20));
    }

    Event await(String type, Duration most) {
        Awaitility.await()
                .atMost(most)
                .pollInterval(Duration.ofMillis(20))
                .until(() -> types().contains(type) || over);
        return events.stream()
                .filter(event -> event.type().equals(type))
                .findFirst()
                .orElseThrow(() ->
                        new AssertionError("no %s among %s %s".formatted(type, events, others)));
    }

    @Override
    public void close() {
        try {
            response.body().close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
