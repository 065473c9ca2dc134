package dev.comfyapi.simulator;

import org.eclipse.jetty.websocket.api.Callback;
import org.eclipse.jetty.websocket.api.Session;
import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Predicate;
import java.util.function.Supplier;

/// The WebSockets of all clients, one per client id. Thread-safe; messages go out in the order they
/// are told.
final class Sockets {

    /// One connection. It stays open when a newer one takes its client id, but hears nothing more.
    static final class Client {
        private final String id;
        private final Session session;
        private boolean heardFrom;
        private boolean previewMetadata;
        private boolean waitsToRead;
        private final Deque<Runnable> withheld = new ArrayDeque<>();

        private Client(String id, Session session) {
            this.id = id;
            this.session = session;
        }
    }

    private static final int MOST_WITHHELD = 10_000;

    private final Map<String, Client> byId = new LinkedHashMap<>();
    private final List<Client> open = new ArrayList<>();
    private final Faults faults;
    private final Supplier<ObjectNode> features;

    Sockets(Faults faults, Supplier<ObjectNode> features) {
        this.faults = faults;
        this.features = features;
    }

    /// Registers a new connection, in place of an older one with the same id, and greets it.
    synchronized Client connected(
            @Nullable String askedId, Session session, int queueSize, @Nullable String node) {
        var id =
                askedId == null || askedId.isEmpty()
                        ? UUID.randomUUID().toString().replace("-", "")
                        : askedId;
        var client = new Client(id, session);
        byId.put(id, client);
        open.add(client);
        var status = Messages.status(queueSize);
        ((ObjectNode) status.path("data")).put("sid", id);
        send(client, status);
        if (node != null) {
            send(client, Messages.message("executing", Json.object().put("node", node)));
        }
        return client;
    }

    /// Only the very first text may be a feature handshake; everything else is ignored.
    synchronized void heard(Client client, String text) {
        if (client.heardFrom) {
            return;
        }
        client.heardFrom = true;
        JsonNode message;
        try {
            message = Json.parse(text);
        } catch (Json.MalformedJson _) {
            return;
        }
        if (message.path("type").asString("").equals("feature_flags")) {
            client.previewMetadata =
                    message.path("data").path("supports_preview_metadata").asBoolean(false);
            send(client, Messages.message("feature_flags", features.get()));
        }
    }

    synchronized void closed(Client client) {
        open.remove(client);
        var registered = byId.get(client.id);
        if (registered == client || faults.isOn(FaultKind.TWIN_SOCKETS)) {
            byId.remove(client.id);
        }
    }

    /// Sends to one client, or to all when no owner is named. An owner who is not connected misses
    /// it for good.
    synchronized void tell(@Nullable String owner, ObjectNode message) {
        audience(owner, _ -> true).forEach(client -> send(client, message));
    }

    synchronized void tellBytes(@Nullable String owner, byte[] frame) {
        audience(owner, _ -> true).forEach(client -> send(client, frame));
    }

    /// Sends a preview to those who know the newer frame.
    synchronized void tellPreviewWithMetadata(@Nullable String owner, Supplier<byte[]> frame) {
        tellSome(owner, client -> client.previewMetadata, frame);
    }

    /// Sends a preview to those who do not know the newer frame.
    synchronized void tellPlainPreview(@Nullable String owner, Supplier<byte[]> frame) {
        tellSome(owner, client -> !client.previewMetadata, frame);
    }

    private void tellSome(@Nullable String owner, Predicate<Client> who, Supplier<byte[]> frame) {
        var audience = audience(owner, who);
        if (!audience.isEmpty()) {
            var bytes = frame.get();
            audience.forEach(client -> send(client, bytes));
        }
    }

    /// Cuts all connections as a dying process would: without a close frame.
    synchronized void dropAll() {
        byId.clear();
        open.forEach(client -> client.session.disconnect());
        open.clear();
    }

    synchronized boolean isAnyoneConnected() {
        return !byId.isEmpty();
    }

    private List<Client> audience(@Nullable String owner, Predicate<Client> who) {
        if (owner == null) {
            return byId.values().stream().filter(who).toList();
        }
        var client = byId.get(owner);
        return client == null || !who.test(client) ? List.of() : List.of(client);
    }

    private void send(Client client, ObjectNode message) {
        var shown = faults.isOn(FaultKind.NAN_JSON) ? Json.withNaN(message) : message;
        var text = Json.write(shown);
        write(client, () -> client.session.sendText(text, Callback.NOOP));
    }

    private void send(Client client, byte[] frame) {
        write(client, () -> client.session.sendBinary(ByteBuffer.wrap(frame), Callback.NOOP));
    }

    private void write(Client client, Runnable message) {
        if (!faults.isOn(FaultKind.SILENT_SOCKETS)) {
            writeOrWithhold(client, message);
        }
    }

    private void writeOrWithhold(Client client, Runnable frame) {
        if (faults.isOn(FaultKind.STALLED_SOCKETS)) {
            if (client.withheld.size() < MOST_WITHHELD) {
                client.withheld.add(frame);
            }
            return;
        }
        catchUp(client);
        frame.run();
    }

    private static void catchUp(Client client) {
        for (var late = client.withheld.poll(); late != null; late = client.withheld.poll()) {
            late.run();
        }
    }

    synchronized void pinged(Client client, ByteBuffer payload) {
        var echo = ByteBuffer.allocate(payload.remaining()).put(payload).flip();
        writeOrWithhold(client, () -> client.session.sendPong(echo, Callback.NOOP));
    }

    /// Lets the next frame in, unless sockets are stalled: then later.
    synchronized void read(Client client) {
        if (faults.isOn(FaultKind.STALLED_SOCKETS)) {
            client.waitsToRead = true;
        } else {
            client.session.demand();
        }
    }

    /// Makes up for what a stall held back, if it is over.
    synchronized void resume() {
        if (faults.isOn(FaultKind.STALLED_SOCKETS)) {
            return;
        }
        for (var client : List.copyOf(open)) {
            catchUp(client);
            if (client.waitsToRead) {
                client.waitsToRead = false;
                client.session.demand();
            }
        }
    }

    /// `[event][n][n bytes of header][body]`, integers big-endian.
    static byte[] headedFrame(int event, String header, byte[] body) {
        var head = header.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(8 + head.length + body.length)
                .putInt(event)
                .putInt(head.length)
                .put(head)
                .put(body)
                .array();
    }
}
