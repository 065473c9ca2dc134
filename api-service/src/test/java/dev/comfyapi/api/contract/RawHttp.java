package dev.comfyapi.api.contract;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// A client that sends what it is told to, HTTP or not, over one connection that it makes anew when
/// it has to. For one thread.
final class RawHttp implements AutoCloseable {

    private static final int PATIENCE_MS = 20_000;

    private final int port;
    private Socket socket = new Socket();
    private InputStream in = InputStream.nullInputStream();
    private boolean open;

    RawHttp(int port) {
        this.port = port;
    }

    /// @param request all bytes of it
    /// @param method decides whether the answer has a body
    Contract.Answer send(byte[] request, String method) throws IOException {
        if (open) {
            try {
                return exchange(request, method);
            } catch (IOException _) {
                // The server had closed the connection after the answer before; nothing was read.
                close();
            }
        }
        connect();
        return exchange(request, method);
    }

    private void connect() throws IOException {
        socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(PATIENCE_MS);
        in = new BufferedInputStream(socket.getInputStream());
        open = true;
    }

    private Contract.Answer exchange(byte[] request, String method) throws IOException {
        socket.getOutputStream().write(request);
        socket.getOutputStream().flush();
        var status = line();
        int code = Integer.parseInt(status.split(" ", 3)[1]);
        var headers = new TreeMap<String, List<String>>(String.CASE_INSENSITIVE_ORDER);
        for (var line = line(); !line.isEmpty(); line = line()) {
            int colon = line.indexOf(':');
            headers.computeIfAbsent(line.substring(0, colon), _ -> new ArrayList<>())
                    .add(line.substring(colon + 1).strip());
        }
        var body = body(method, code, headers);
        if (!open || "close".equalsIgnoreCase(first(headers, "Connection"))) {
            close();
        }
        return Contract.Answer.of(code, headers, body);
    }

    private byte[] body(String method, int code, Map<String, List<String>> headers)
            throws IOException {
        if (first(headers, "Content-Type").startsWith("text/event-stream")) {
            // Of a stream of events, which need not end, only the head is taken.
            open = false;
            return new byte[0];
        }
        if (method.equals("HEAD") || code == 204 || code == 304 || code < 200) {
            return new byte[0];
        }
        if (first(headers, "Transfer-Encoding").equals("chunked")) {
            return chunks();
        }
        var length = first(headers, "Content-Length");
        if (length.isEmpty()) {
            open = false;
            return in.readAllBytes();
        }
        return in.readNBytes(Integer.parseInt(length));
    }

    private byte[] chunks() throws IOException {
        var body = new ByteArrayOutputStream();
        for (int size = size(line()); size > 0; size = size(line())) {
            body.write(in.readNBytes(size));
            line();
        }
        line();
        return body.toByteArray();
    }

    private static int size(String line) {
        return Integer.parseInt(line.split(";", 2)[0].strip(), 16);
    }

    private static String first(Map<String, List<String>> headers, String name) {
        var values = headers.get(name);
        return values == null ? "" : values.getFirst();
    }

    private String line() throws IOException {
        var line = new ByteArrayOutputStream();
        for (int c = in.read(); c != '\n'; c = in.read()) {
            if (c < 0) {
                throw new EOFException("The server closed the connection");
            }
            line.write(c);
        }
        return line.toString(StandardCharsets.ISO_8859_1).strip();
    }

    @Override
    public void close() throws IOException {
        open = false;
        socket.close();
    }
}
