package dev.comfyapi.simulator;

import static org.awaitility.Awaitility.await;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;

import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;

/// Listens on one WebSocket and writes down what it hears, a short line a message.
final class ComfySocket implements WebSocket.Listener, AutoCloseable {

    private final List<String> lines = new ArrayList<>();
    private final List<JsonNode> messages = new ArrayList<>();
    private final StringBuilder text = new StringBuilder();
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private boolean closed;
    private @Nullable WebSocket socket;

    static ComfySocket open(HttpClient http, URI base, String clientId) {
        var listener = new ComfySocket();
        var uri = URI.create("ws://%s/ws?clientId=%s".formatted(base.getAuthority(), clientId));
        listener.socket = http.newWebSocketBuilder().buildAsync(uri, listener).join();
        listener.awaitLines(1);
        return listener;
    }

    void say(String message) {
        if (socket != null) {
            socket.sendText(message, true).join();
        }
    }

    @Override
    public @Nullable CompletionStage<?> onText(
            WebSocket webSocket, CharSequence data, boolean last) {
        text.append(data);
        if (last) {
            var message = Comfy.json(text.toString());
            text.setLength(0);
            add(shortened(message), message);
        }
        webSocket.request(1);
        return null;
    }

    @Override
    public @Nullable CompletionStage<?> onBinary(
            WebSocket webSocket, ByteBuffer data, boolean last) {
        var part = new byte[data.remaining()];
        data.get(part);
        bytes.writeBytes(part);
        if (last) {
            add(shortened(ByteBuffer.wrap(bytes.toByteArray())), Json.object());
            bytes.reset();
        }
        webSocket.request(1);
        return null;
    }

    @Override
    public @Nullable CompletionStage<?> onClose(
            WebSocket webSocket, int statusCode, String reason) {
        markClosed();
        return null;
    }

    @Override
    public void onError(WebSocket webSocket, Throwable error) {
        markClosed();
    }

    private synchronized void markClosed() {
        closed = true;
    }

    synchronized boolean isClosed() {
        return closed;
    }

    private synchronized void add(String line, JsonNode message) {
        lines.add(line);
        messages.add(message);
    }

    synchronized List<String> lines() {
        return List.copyOf(lines);
    }

    synchronized JsonNode message(String type) {
        return messages.stream()
                .filter(message -> message.path("type").asString("").equals(type))
                .findFirst()
                .orElseThrow();
    }

    /// Everything since the last call; the connection begins with a clean sheet.
    synchronized void forget() {
        lines.clear();
        messages.clear();
    }

    void awaitLines(int count) {
        await().atMost(Duration.ofSeconds(10))
                .pollInterval(Duration.ofMillis(2))
                .until(() -> lines().size() >= count);
    }

    void awaitLine(String line) {
        await().atMost(Duration.ofSeconds(20))
                .pollInterval(Duration.ofMillis(2))
                .until(() -> lines().contains(line));
    }

    private static String shortened(JsonNode message) {
        var data = message.path("data");
        var type = message.path("type").asString();
        return switch (type) {
            case "status" ->
                    "status %d"
                                    .formatted(
                                            data.path("status")
                                                    .path("exec_info")
                                                    .path("queue_remaining")
                                                    .asInt())
                            + (data.has("sid") ? " to " + data.path("sid").asString() : "");
            case "execution_cached" -> ("cached " + ids(data.path("nodes"))).strip();
            case "execution_start" -> "start";
            case "execution_success" -> "success";
            case "executing" -> "executing " + data.path("node").asString("null");
            case "executed" ->
                    "executed " + data.path("node").asString() + " " + outputs(data.path("output"));
            case "progress" ->
                    "progress %s %d/%d"
                            .formatted(
                                    data.path("node").asString(),
                                    data.path("value").asInt(),
                                    data.path("max").asInt());
            case "progress_state" -> "nodes " + states(data.path("nodes"));
            case "execution_error" ->
                    "error %s %s after %s"
                            .formatted(
                                    data.path("node_id").asString(),
                                    data.path("exception_type").asString(),
                                    ids(data.path("executed")));
            case "execution_interrupted" ->
                    "interrupted %s after %s"
                            .formatted(data.path("node_id").asString(), ids(data.path("executed")));
            default -> type;
        };
    }

    private static String ids(JsonNode ids) {
        return String.join(",", ids.values().stream().map(JsonNode::asString).toList());
    }

    private static String outputs(JsonNode output) {
        var names = new ArrayList<String>();
        output.properties()
                .forEach(entry ->
                        entry.getValue()
                                .forEach(item ->
                                        names.add(
                                                item.path("filename")
                                                        .asString(item.asString("")))));
        return String.join(",", names);
    }

    private static String states(JsonNode nodes) {
        var states = new ArrayList<String>();
        nodes.properties()
                .forEach(entry -> {
                    var node = entry.getValue();
                    var state = node.path("state").asString().substring(0, 1);
                    states.add(
                            "%s%s%d/%d"
                                    .formatted(
                                            entry.getKey(),
                                            state,
                                            node.path("value").asInt(),
                                            node.path("max").asInt()));
                });
        return String.join(" ", states);
    }

    private static String shortened(ByteBuffer frame) {
        var event = frame.getInt();
        var second = frame.getInt();
        if (event == 1) {
            return "preview kind %d %s".formatted(second, jpeg(frame));
        }
        var head = new byte[second];
        frame.get(head);
        var header = new String(head, StandardCharsets.UTF_8);
        if (event == 4) {
            return "preview of %s %s"
                    .formatted(Comfy.json(header).path("node_id").asString(), jpeg(frame));
        }
        var rest = new byte[frame.remaining()];
        frame.get(rest);
        return "text %s '%s'"
                .formatted(header, new String(rest, StandardCharsets.UTF_8).replace("\n", "|"));
    }

    private static String jpeg(ByteBuffer frame) {
        return frame.getShort() == (short) 0xFFD8 ? "jpeg" : "no jpeg";
    }

    @Override
    public void close() {
        if (socket != null) {
            socket.abort();
        }
    }
}
