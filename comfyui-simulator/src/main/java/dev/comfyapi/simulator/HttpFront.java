package dev.comfyapi.simulator;

import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.io.EofException;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/// Turns Jetty's requests into calls, and replies back; holds the rules that apply to every route.
final class HttpFront extends Handler.Abstract {

    private final Routes routes;
    private final Faults faults;

    HttpFront(Routes routes, Faults faults) {
        this.routes = routes;
        this.faults = faults;
    }

    @Override
    public boolean handle(Request request, Response response, Callback callback) throws Exception {
        var arrived = System.nanoTime();
        var path = Request.getPathInContext(request);
        var mischief = new Mischief(faults, request.getMethod(), path);
        if (mischief.cutsBefore()) {
            cut(request, callback);
            return true;
        }
        var reply = mischief.spoil(answer(request, arrived, mischief));
        if (mischief.cutsAfter(reply)) {
            cut(request, callback);
            return true;
        }
        response.setStatus(reply.status());
        reply.headers().forEach(response.getHeaders()::put);
        if (request.getMethod().equals("HEAD")) {
            response.getHeaders().put("Content-Length", Long.toString(reply.length()));
            callback.succeeded();
        } else if (reply.file() != null) {
            response.getHeaders().put("Content-Length", Long.toString(reply.length()));
            stream(reply.file(), mischief, request, response, callback);
        } else {
            response.write(true, ByteBuffer.wrap(reply.body()), callback);
        }
        return true;
    }

    /// Hangs up without a word.
    private static void cut(Request request, Callback callback) {
        request.getConnectionMetaData().getConnection().getEndPoint().close();
        callback.failed(new EofException("cut on purpose"));
    }

    /// A piece at a time, as fast as the other side and the faults let it: nothing is held.
    private static void stream(
            FilePart part, Mischief mischief, Request request, Response response, Callback callback)
            throws IOException {
        var end = mischief.downloads(part.length());
        var pace = mischief.pace();
        var piece = ByteBuffer.allocate(Math.clamp(pace.bytesPerSecond() / 10, 1, 65_536));
        var sent = 0L;
        try (var file = part.open()) {
            while (sent < end) {
                piece.clear().limit((int) Math.min(piece.capacity(), end - sent));
                if (file.read(piece) < 0) {
                    break;
                }
                piece.flip();
                pace.waitFor(piece.remaining());
                sent += piece.remaining();
                Content.Sink.write(response, false, piece);
            }
        }
        if (sent < part.length()) {
            cut(request, callback);
        } else {
            response.write(true, null, callback);
        }
    }

    private HttpReply answer(Request request, long arrived, Mischief mischief) throws IOException {
        var body = read(Content.Source.asInputStream(request));
        if (body == null) {
            return HttpReply.text(
                    413,
                    "Maximum request body size %d exceeded, actual body size %d"
                            .formatted(
                                    Settings.MAX_UPLOAD,
                                    Math.max(request.getLength(), Settings.MAX_UPLOAD + 1)));
        }
        if (mischief.fails()) {
            return HttpReply.stumbled();
        }
        var headers = headers(request.getHeaders());
        if (isCrossSite(headers)) {
            return HttpReply.empty(403);
        }
        try {
            return routes.answer(
                    new HttpCall(
                            request.getMethod(),
                            Request.getPathInContext(request),
                            query(request),
                            headers,
                            body,
                            Map.of(),
                            arrived));
        } catch (Json.MalformedJson | Python.PythonException | IOException _) {
            return HttpReply.stumbled();
        }
    }

    /// Null if there is more than the server takes.
    private static byte @Nullable [] read(InputStream stream) throws IOException {
        var body = stream.readNBytes((int) Settings.MAX_UPLOAD);
        if (stream.read() < 0) {
            return body;
        }
        stream.skipNBytes(0);
        stream.transferTo(OutputStream.nullOutputStream());
        return null;
    }

    private static Map<String, String> headers(HttpFields fields) {
        var headers = new HashMap<String, String>();
        fields.forEach(field ->
                headers.put(
                        field.getName().toLowerCase(Locale.ROOT),
                        String.valueOf(field.getValue())));
        return headers;
    }

    private static Map<String, String> query(Request request) {
        var query = new LinkedHashMap<String, String>();
        Request.extractQueryParameters(request)
                .forEach(field -> query.put(field.getName(), String.valueOf(field.getValue())));
        return query;
    }

    /// Browsers on other sites must not reach a server on this machine.
    private static boolean isCrossSite(Map<String, String> headers) {
        if (headers.getOrDefault("sec-fetch-site", "").equals("cross-site")) {
            return true;
        }
        var host = headers.get("host");
        var origin = headers.get("origin");
        if (host == null || origin == null) {
            return false;
        }
        var name = host.replaceFirst(":\\d+$", "");
        var loopback = name.equals("localhost") || name.startsWith("127.") || name.equals("[::1]");
        try {
            var authority = URI.create(origin).getAuthority();
            return loopback && !host.equalsIgnoreCase(authority);
        } catch (IllegalArgumentException _) {
            return loopback;
        }
    }
}
