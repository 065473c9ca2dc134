package dev.comfyapi.simulator;

import org.eclipse.jetty.websocket.api.Callback;
import org.eclipse.jetty.websocket.api.Session;
import org.jspecify.annotations.Nullable;

import java.util.function.Supplier;

/// One WebSocket connection as Jetty sees it.
///
/// Public because Jetty looks its methods up by reflection; not meant for use.
public final class SocketEndpoint extends Session.Listener.AbstractAutoDemanding {

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
    }

    @Override
    public void onWebSocketText(String message) {
        if (connectedTo != null && client != null) {
            connectedTo.sockets().heard(client, message);
        }
    }

    @Override
    public void onWebSocketClose(int statusCode, String reason, Callback callback) {
        if (connectedTo != null && client != null) {
            connectedTo.sockets().closed(client);
        }
        callback.succeed();
    }
}
