package dev.comfyapi.api.asset;

import dev.comfyapi.api.asset.ImportRefusedException.Reason;
import dev.comfyapi.api.outbound.AddressGuard;
import dev.comfyapi.api.outbound.GuardedHttp;
import dev.comfyapi.api.outbound.UrlRefusedException;

import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/// Fetches files from addresses that clients name, without lending them our place in the network.
/// Thread-safe.
///
/// Redirects are followed by the rules of [GuardedHttp], as if each were the first address.
final class GuardedFetch implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(GuardedFetch.class);
    private static final int REDIRECTS = 3;
    private static final Duration CONNECT = Duration.ofSeconds(5);
    private static final Duration SILENCE = Duration.ofSeconds(10);
    private static final Set<String> SCHEMES = Set.of("https", "http");
    private static final Set<Integer> PORTS = Set.of(80, 443, 8080, 8443);

    private final GuardedHttp http;
    private final long largest;
    private final Duration timeout;
    private final Semaphore fetches;

    GuardedFetch(GuardedHttp.Lookup lookup, AssetProperties properties) {
        this.http =
                new GuardedHttp(
                        new AddressGuard(
                                "comfyapi.assets.allowed-hosts", properties.allowedHosts(), PORTS),
                        lookup,
                        new GuardedHttp.Rules(
                                SCHEMES, properties.concurrentImports(), CONNECT, SILENCE),
                        "comfyui-api-service");
        this.largest = properties.largest().toBytes();
        this.timeout = properties.importTimeout();
        this.fetches = new Semaphore(properties.concurrentImports());
    }

    /// Writes what is at the address; what was written before an exception is worthless.
    ///
    /// @throws IOException when `into` fails
    void fetch(String url, OutputStream into)
            throws ImportRefusedException, IOException, InterruptedException {
        if (!fetches.tryAcquire(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
            throw new ImportRefusedException(
                    Reason.ANSWER, "could not be fetched now; too many others are");
        }
        try {
            var next = checked(url);
            long deadline = System.nanoTime() + timeout.toNanos();
            for (int hop = 0; hop <= REDIRECTS; hop++) {
                var step = step(next, into, deadline);
                if (step == null) {
                    return;
                }
                next = step;
            }
            throw new ImportRefusedException(Reason.ANSWER, "is redirected too often");
        } finally {
            fetches.release();
        }
    }

    /// One request.
    ///
    /// @return where it was redirected to; null when it is done
    private @Nullable URI step(URI at, OutputStream into, long deadline)
            throws ImportRefusedException, IOException {
        var request = new HttpGet(at);
        request.setHeader("Accept", "image/png, image/jpeg, image/webp;q=0.9, */*;q=0.1");
        try (var _ = GuardedHttp.limit(request, Duration.ofNanos(deadline - System.nanoTime()));
                var answer = http.send(request)) {
            var to = take(at, answer, into);
            return to == null ? null : checked(to.toString());
        } catch (Refused e) {
            throw e.why;
        } catch (WriteFailed e) {
            throw e.why;
        } catch (IOException e) {
            // Names and addresses only: a path may hold a secret.
            LOG.info("An import from {} failed: {}", at.getHost(), e.toString());
            throw new ImportRefusedException(Reason.ANSWER, "could not be fetched");
        }
    }

    private @Nullable URI take(URI at, GuardedHttp.Answer answer, OutputStream into)
            throws IOException {
        int status = answer.status();
        var location = answer.header("Location");
        if (status >= 300 && status < 400 && location != null) {
            try {
                return at.resolve(new URI(location));
            } catch (URISyntaxException | IllegalArgumentException _) {
                throw new Refused(Reason.ANSWER, "is redirected to no address");
            }
        }
        var entity = answer.body();
        if (status != 200 || entity == null) {
            throw new Refused(
                    Reason.ANSWER, "was answered with status %d instead of 200".formatted(status));
        }
        if (entity.getContentLength() > largest) {
            throw tooLarge();
        }
        copy(entity.getContent(), into);
        return null;
    }

    private void copy(InputStream body, OutputStream into) throws IOException {
        var buffer = new byte[32 << 10];
        long count = 0;
        int read;
        while ((read = body.read(buffer)) >= 0) {
            count += read;
            if (count > largest) {
                throw tooLarge();
            }
            try {
                into.write(buffer, 0, read);
            } catch (IOException e) {
                throw new WriteFailed(e);
            }
        }
    }

    private Refused tooLarge() {
        return new Refused(
                Reason.SIZE, "is larger than the %d bytes that are taken".formatted(largest));
    }

    private URI checked(String url) throws ImportRefusedException {
        try {
            return http.check(url);
        } catch (UrlRefusedException e) {
            throw new ImportRefusedException(Reason.ADDRESS, String.valueOf(e.getMessage()));
        }
    }

    @Override
    public void close() throws IOException {
        http.close();
    }

    // What reading an answer comes to, beside what the connection does.

    private static final class Refused extends IOException {
        private final transient ImportRefusedException why;

        Refused(Reason reason, String message) {
            this.why = new ImportRefusedException(reason, message);
        }
    }

    private static final class WriteFailed extends IOException {
        private final IOException why;

        WriteFailed(IOException why) {
            this.why = why;
        }
    }
}
