package dev.comfyapi.api.stream;

import dev.comfyapi.api.stream.Courier.Ending;

import jakarta.websocket.CloseReason;
import jakarta.websocket.CloseReason.CloseCode;
import jakarta.websocket.CloseReason.CloseCodes;
import jakarta.websocket.Session;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.nio.ByteBuffer;

/// Text frames to one client.
final class SocketLine implements Courier.Line {

    /// No such job, or another tenant's.
    private static final CloseCode UNKNOWN = () -> 4404;

    /// The key has ended.
    private static final CloseCode REFUSED = () -> 4401;

    private final JsonMapper json;
    private final Session session;

    SocketLine(JsonMapper json, Session session) {
        this.json = json;
        this.session = session;
    }

    @Override
    public void write(Message message) throws IOException {
        session.getBasicRemote().sendText(json.writeValueAsString(message.data()));
    }

    @Override
    public void keepAlive(@Nullable String position) throws IOException {
        session.getBasicRemote().sendPing(ByteBuffer.allocate(0));
    }

    @Override
    public void hangUp(Ending ending) {
        try {
            session.close(
                    switch (ending) {
                        case DONE -> new CloseReason(CloseCodes.NORMAL_CLOSURE, "done");
                        case UNKNOWN -> new CloseReason(UNKNOWN, "no such job");
                        case STOPPING -> new CloseReason(CloseCodes.GOING_AWAY, "come again");
                        case TOO_SLOW -> new CloseReason(CloseCodes.TRY_AGAIN_LATER, "too slow");
                        case REFUSED -> new CloseReason(REFUSED, "the key has ended");
                        case LEFT -> new CloseReason(CloseCodes.CLOSED_ABNORMALLY, "");
                    });
        } catch (IOException | IllegalStateException _) {
            // It is closed already.
        }
    }

    /// The container says so itself.
    @Override
    public boolean isGone() {
        return false;
    }
}
