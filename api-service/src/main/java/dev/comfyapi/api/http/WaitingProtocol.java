package dev.comfyapi.api.http;

import org.apache.coyote.http11.Http11NioProtocol;

/// HTTP for thousands of connections that wait: with Tomcat's own sizes each of them holds 90 KiB
/// of heap in buffers, with these about 40.
///
/// Public because Tomcat makes it by its class name.
public final class WaitingProtocol extends Http11NioProtocol {

    private static final int READ_BUFFER = 2 << 10;
    private static final int ANSWER_BUFFER = 1 << 10;

    public WaitingProtocol() {
        var sockets = getEndpoint().getSocketProperties();
        sockets.setAppReadBufSize(READ_BUFFER);
        sockets.setDirectBuffer(true);
        // Each connection has a buffer for the trailers of chunked bodies, which nobody reads.
        setMaxTrailerSize(ANSWER_BUFFER);
    }

    /// Of the buffer in front of the socket's own; large answers are written in such pieces.
    @Override
    public int getDesiredBufferSize() {
        return ANSWER_BUFFER;
    }
}
