package dev.comfyapi.simulator;

import org.eclipse.jetty.websocket.api.Callback;
import org.eclipse.jetty.websocket.api.Session;
import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.util.function.Supplier;

/// One WebSocket connection as Jetty sees it.
///
/// Public because Jetty looks its methods up by reflection; not meant for use.
public final class SocketEndpoint extends Session.Listener.Abstract {

    private final @Nullable String clientId;
    private final Supplier<ServerProcess> process;
    private @Nullable ServerProcess connectedTo;
    private Sockets.@Nullable Client client;

    SocketEndpoint(@Nullable String clientId, Supplier<ServerProcess> process) {
        this.clientId = clientId;
        this.process = process;
    }

    @Override
    public void onWebSocketOpen(Session session) {
        super.onWebSocketOpen(session);
        connectedTo = process.get();
        client = connectedTo.connected(clientId, session);
        readOn();
    }

    /// Asks for the next frame; nothing comes without asking.
    private void readOn() {
        if (connectedTo != null && client != null) {
            connectedTo.sockets().read(client);
        }
    }

    @Override
    public void onWebSocketText(String message) {
        if (connectedTo != null && client != null) {
            connectedTo.sockets().heard(client, message);
        }
        readOn();
    }

    @Override
    public void onWebSocketBinary(ByteBuffer payload, Callback callback) {
        callback.succeed();
        readOn();
    }

    @Override
    public void onWebSocketPing(ByteBuffer payload) {
        if (connectedTo != null && client != null) {
            connectedTo.sockets().pinged(client, payload);
        }
        readOn();
    }

    @Override
    public void onWebSocketPong(ByteBuffer payload) {
        readOn();
    }

    @Override
    public void onWebSocketClose(int statusCode, String reason, Callback callback) {
        if (connectedTo != null && client != null) {
            connectedTo.sockets().closed(client);
        }
        callback.succeed();
    }
}
