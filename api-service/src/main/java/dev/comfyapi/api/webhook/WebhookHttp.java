package dev.comfyapi.api.webhook;

import dev.comfyapi.api.outbound.GuardedHttp;
import dev.comfyapi.api.outbound.UrlRefusedException;

import org.apache.hc.client5.http.ConnectTimeoutException;
import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.http.io.entity.StringEntity;
import org.jspecify.annotations.Nullable;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;

import javax.net.ssl.SSLException;

/// One try to hand a message over. Thread-safe.
///
/// The status decides. Of the answer's body at most 64 KiB are read, and not for long: what a slow
/// or endless one would say is not worth the wait.
final class WebhookHttp implements AutoCloseable {

    private static final int MOST_READ = 64 << 10;
    private static final int MOST_KEPT = 2 << 10;
    private static final Duration READING = Duration.ofSeconds(2);
    private static final ContentType JSON = ContentType.create("application/json");

    private final GuardedHttp http;
    private final Duration timeout;

    /// @param http closed with this
    WebhookHttp(GuardedHttp http, Duration timeout) {
        this.http = http;
        this.timeout = timeout;
    }

    /// What a try came to.
    ///
    /// @param status null when there was no answer
    /// @param error a machine word; null for 2xx
    /// @param retryAfter the header, as it came
    /// @param answer the beginning of the body
    record Reply(
            @Nullable Integer status,
            @Nullable String error,
            @Nullable String retryAfter,
            @Nullable String answer) {

        static Reply none(String error) {
            return new Reply(null, error, null, null);
        }
    }

    /// Whether messages may be sent there.
    void check(String url) throws UrlRefusedException {
        http.check(url);
    }

    Reply post(String url, Map<String, String> headers, String body) {
        HttpPost request;
        try {
            request = new HttpPost(http.check(url));
        } catch (UrlRefusedException _) {
            return Reply.none("url_not_allowed");
        }
        headers.forEach(request::setHeader);
        // The type is set with the headers above; here it only says how the text becomes bytes.
        request.setEntity(new StringEntity(body, JSON.withCharset(StandardCharsets.UTF_8)));
        request.setHeader("Content-Type", "application/json");
        long began = System.nanoTime();
        try (var _ = GuardedHttp.limit(request, timeout);
                var answer = http.send(request)) {
            int status = answer.status();
            var text = beginning(request, answer.body());
            return new Reply(status, error(status), answer.header("Retry-After"), text);
        } catch (IOException e) {
            return Reply.none(error(e, System.nanoTime() - began >= timeout.toNanos()));
        }
    }

    private static @Nullable String error(int status) {
        if (status >= 200 && status < 300) {
            return null;
        }
        return status >= 300 && status < 400 ? "redirect_not_followed" : "status_" + status;
    }

    private static String error(IOException e, boolean timeIsUp) {
        return switch (e) {
            case ConnectTimeoutException _ -> "connect_timeout";
            case IOException _ when timeIsUp -> "timeout";
            case SocketTimeoutException _ -> "timeout";
            // Also a closed address: nobody learns what is in our network.
            case UnknownHostException _ -> "host_not_found";
            case SSLException _ -> "tls_failed";
            default -> "connection_failed";
        };
    }

    private static @Nullable String beginning(HttpPost request, @Nullable HttpEntity body) {
        if (body == null) {
            return null;
        }
        var kept = new ByteArrayOutputStream();
        try (var _ = GuardedHttp.limit(request, READING)) {
            read(body.getContent(), kept);
        } catch (IOException _) {
            // It said its status; the rest is for people to look at.
        }
        return printable(kept.toString(StandardCharsets.UTF_8));
    }

    private static void read(InputStream in, ByteArrayOutputStream kept) throws IOException {
        var buffer = new byte[8 << 10];
        int read;
        for (int total = 0; total < MOST_READ; total += read) {
            read = in.read(buffer, 0, Math.min(buffer.length, MOST_READ - total));
            if (read < 0) {
                return;
            }
            kept.write(buffer, 0, Math.min(read, MOST_KEPT - kept.size()));
        }
    }

    /// Postgres keeps no NUL in a text.
    private static String printable(String text) {
        return text.replace('\0', '\uFFFD');
    }

    @Override
    public void close() throws IOException {
        http.close();
    }
}
