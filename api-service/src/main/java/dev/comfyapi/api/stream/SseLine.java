package dev.comfyapi.api.stream;

import dev.comfyapi.api.http.Presence;
import dev.comfyapi.api.stream.Courier.Ending;

import jakarta.servlet.AsyncContext;
import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.json.JsonMapper;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/// Server-sent events to one client, on a request without a thread.
final class SseLine implements Courier.Line {

    private final JsonMapper json;
    private final Presence presence;
    private final AsyncContext request;
    private final OutputStream out;

    private SseLine(JsonMapper json, Presence presence, AsyncContext request, OutputStream out) {
        this.json = json;
        this.presence = presence;
        this.request = request;
        this.out = out;
    }

    /// Answers 200; from here on the request ends by [#hangUp].
    static SseLine open(JsonMapper json, HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        response.setStatus(HttpServletResponse.SC_OK);
        response.setContentType("text/event-stream");
        response.setCharacterEncoding(StandardCharsets.UTF_8);
        // Proxies that gather bytes before they send them would hold back every event.
        response.setHeader("X-Accel-Buffering", "no");
        var presence = Presence.of(request);
        var async = request.startAsync(request, response);
        async.setTimeout(0);
        try {
            var line = new SseLine(json, presence, async, response.getOutputStream());
            line.send("retry: 2000\n\n");
            return line;
        } catch (IOException e) {
            async.complete();
            throw e;
        }
    }

    /// Does this when the container finds that the request is over.
    void onEnd(Runnable action) {
        request.addListener(
                new AsyncListener() {
                    @Override
                    public void onComplete(AsyncEvent event) {
                        action.run();
                    }

                    @Override
                    public void onError(AsyncEvent event) {
                        action.run();
                    }

                    @Override
                    public void onTimeout(AsyncEvent event) {
                        action.run();
                    }

                    @Override
                    public void onStartAsync(AsyncEvent event) {
                        // Happened before.
                    }
                });
    }

    @Override
    public void write(Message message) throws IOException {
        var bytes = new ByteArrayOutputStream(512);
        if (message.id() != null) {
            bytes.writeBytes(ascii("id: " + message.id() + "\n"));
        }
        bytes.writeBytes(ascii("event: " + message.type() + "\ndata: "));
        // JSON has no line breaks outside of what is escaped.
        bytes.writeBytes(json.writeValueAsBytes(message.data()));
        bytes.writeBytes(ascii("\n\n"));
        send(bytes.toByteArray());
    }

    @Override
    public void keepAlive(@Nullable String position) throws IOException {
        // An id without data is taken note of by clients, and is no event.
        send(": keep-alive\n" + (position == null ? "\n" : "id: " + position + "\n\n"));
    }

    private void send(String text) throws IOException {
        send(ascii(text));
    }

    private void send(byte[] bytes) throws IOException {
        out.write(bytes);
        out.flush();
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    @Override
    public void hangUp(Ending ending) {
        try {
            switch (ending) {
                case STOPPING, TOO_SLOW -> send("retry: 500\n\n");
                case DONE, UNKNOWN, REFUSED, LEFT -> {
                    // Nothing more to say.
                }
            }
        } catch (IOException _) {
            // It has gone anyway.
        } finally {
            try {
                request.complete();
            } catch (IllegalStateException _) {
                // The container was faster.
            }
        }
    }

    @Override
    public boolean isGone() {
        return presence.isGone();
    }
}
