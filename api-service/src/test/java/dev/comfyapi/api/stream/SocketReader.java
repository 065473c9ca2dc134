package dev.comfyapi.api.stream;

import dev.comfyapi.contract.Messages;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.net.http.WebSocket;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;

/// What is heard over a WebSocket, each frame held against the document of messages.
public final class SocketReader implements WebSocket.Listener {

    private static final JsonMapper JSON = JsonMapper.shared();

    private final List<JsonNode> messages = new CopyOnWriteArrayList<>();
    private final CompletableFuture<Integer> closed = new CompletableFuture<>();
    private final StringBuilder text = new StringBuilder();

    @Override
    public @Nullable CompletionStage<?> onText(WebSocket socket, CharSequence part, boolean last) {
        text.append(part);
        if (last) {
            var message = JSON.readTree(text.toString());
            Messages.hear("jobSocket", message);
            messages.add(message);
            text.setLength(0);
        }
        socket.request(1);
        return null;
    }

    @Override
    public @Nullable CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
        closed.complete(code);
        return null;
    }

    @Override
    public void onError(WebSocket socket, Throwable failure) {
        closed.completeExceptionally(failure);
    }

    List<JsonNode> messages() {
        return messages;
    }

    List<String> types() {
        return messages.stream().map(m -> m.path("type").stringValue()).toList();
    }

    /// What the connection was closed with, once it is.
    public int code() {
        return closed.orTimeout(20, TimeUnit.SECONDS).join();
    }
}
