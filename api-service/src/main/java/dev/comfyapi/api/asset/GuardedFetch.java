package dev.comfyapi.api.asset;

import dev.comfyapi.api.asset.ImportRefusedException.Reason;

import org.apache.hc.client5.http.DnsResolver;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/// Fetches files from addresses that clients name, without lending them our place in the network.
/// Thread-safe.
///
/// A host name is looked up once for each connection, every address it has must be open, and the
/// connection goes to one of exactly those addresses: a name that changes its mind between check
/// and connection gains nothing. Redirects are followed by the same rules. No proxy, no cookies, no
/// credentials, nothing unpacked.
final class GuardedFetch implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(GuardedFetch.class);
    private static final int REDIRECTS = 3;
    private static final int LONGEST_URL = 2_048;

    /// How many addresses of a host are tried; each may take the whole time for connecting.
    private static final int ADDRESSES = 3;

    private static final Timeout CONNECT = Timeout.ofSeconds(5);
    private static final Timeout SILENCE = Timeout.ofSeconds(10);

    /// How names become addresses.
    interface Lookup {
        InetAddress[] of(String host) throws UnknownHostException;
    }

    private final AddressGuard guard;
    private final Lookup lookup;
    private final long largest;
    private final Duration timeout;
    private final Semaphore fetches;
    private final CloseableHttpClient http;

    GuardedFetch(AddressGuard guard, Lookup lookup, AssetProperties properties) {
        this.guard = guard;
        this.lookup = lookup;
        this.largest = properties.largest().toBytes();
        this.timeout = properties.importTimeout();
        this.fetches = new Semaphore(properties.concurrentImports());
        this.http =
                HttpClients.custom()
                        .setConnectionManager(
                                PoolingHttpClientConnectionManagerBuilder.create()
                                        .setDnsResolver(new CheckedAddresses())
                                        .setMaxConnTotal(properties.concurrentImports())
                                        .setMaxConnPerRoute(properties.concurrentImports())
                                        .setDefaultConnectionConfig(
                                                ConnectionConfig.custom()
                                                        .setConnectTimeout(CONNECT)
                                                        .setSocketTimeout(SILENCE)
                                                        .build())
                                        .build())
                        // A connection that is kept would outlive the check of its address.
                        .setConnectionReuseStrategy((_, _, _) -> false)
                        .setDefaultRequestConfig(
                                RequestConfig.custom().setResponseTimeout(SILENCE).build())
                        .disableRedirectHandling()
                        .disableAutomaticRetries()
                        .disableContentCompression()
                        .disableCookieManagement()
                        .disableAuthCaching()
                        .setUserAgent("comfyui-api-service")
                        .build();
    }

    /// The last check, where the connection is made.
    private final class CheckedAddresses implements DnsResolver {

        @Override
        public InetAddress[] resolve(String host) throws UnknownHostException {
            var addresses = lookup.of(host);
            for (var address : addresses) {
                if (!guard.isNamed(host) && !guard.isOpen(address)) {
                    throw new UnknownHostException("an address of the host is closed");
                }
            }
            return Arrays.copyOf(addresses, Math.min(addresses.length, ADDRESSES));
        }

        @Override
        public String resolveCanonicalHostname(String host) {
            return host;
        }
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
        var watch =
                Thread.ofVirtual()
                        .name("import-limit")
                        .start(() -> {
                            try {
                                TimeUnit.NANOSECONDS.sleep(deadline - System.nanoTime());
                                request.abort();
                            } catch (InterruptedException _) {
                                Thread.currentThread().interrupt();
                            }
                        });
        try {
            var to = http.execute(request, answer -> take(at, answer, into));
            return to == null ? null : checked(to.toString());
        } catch (Refused e) {
            throw e.why;
        } catch (WriteFailed e) {
            throw e.why;
        } catch (IOException e) {
            // Names and addresses only: a path may hold a secret.
            LOG.info("An import from {} failed: {}", at.getHost(), e.toString());
            throw new ImportRefusedException(Reason.ANSWER, "could not be fetched");
        } finally {
            watch.interrupt();
        }
    }

    private @Nullable URI take(URI at, ClassicHttpResponse answer, OutputStream into)
            throws IOException {
        int status = answer.getCode();
        if (status >= 300 && status < 400 && answer.getFirstHeader("Location") != null) {
            try {
                return at.resolve(new URI(answer.getFirstHeader("Location").getValue()));
            } catch (URISyntaxException | IllegalArgumentException _) {
                throw new Refused(Reason.ANSWER, "is redirected to no address");
            }
        }
        HttpEntity entity = answer.getEntity();
        if (status != 200 || entity == null) {
            throw new Refused(
                    Reason.ANSWER, "was answered with status %d instead of 200".formatted(status));
        }
        if (entity.getContentLength() > largest) {
            throw tooLarge();
        }
        try (var body = entity.getContent()) {
            copy(body, into);
        }
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

    /// What can be seen without asking anybody.
    private URI checked(String url) throws ImportRefusedException {
        URI uri;
        try {
            uri = new URI(url);
        } catch (URISyntaxException _) {
            throw refused("is not a URL");
        }
        var scheme = uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
        var host = uri.getHost();
        if (url.length() > LONGEST_URL
                || host == null
                || host.isEmpty()
                || (!scheme.equals("https") && !scheme.equals("http"))) {
            throw refused("is not an https or http URL");
        }
        if (uri.getRawUserInfo() != null) {
            throw refused("must not have a user name or password");
        }
        int port = uri.getPort() >= 0 ? uri.getPort() : scheme.equals("https") ? 443 : 80;
        if (!guard.isNamed(host)) {
            checkAddresses(host, port);
        }
        return withoutFragment(uri);
    }

    /// A first look, for a better answer; what counts is the look at the connection.
    private void checkAddresses(String host, int port) throws ImportRefusedException {
        InetAddress[] addresses;
        try {
            addresses =
                    lookup.of(host.startsWith("[") ? host.substring(1, host.length() - 1) : host);
        } catch (UnknownHostException _) {
            throw refused("names a host that files are not fetched from");
        }
        for (var address : addresses) {
            if (!guard.isOpen(address, port)) {
                throw refused("names a host that files are not fetched from");
            }
        }
    }

    private static URI withoutFragment(URI uri) throws ImportRefusedException {
        var text = uri.toString();
        int hash = text.indexOf('#');
        try {
            return hash < 0 ? uri : new URI(text.substring(0, hash));
        } catch (URISyntaxException _) {
            throw refused("is not a URL");
        }
    }

    private static ImportRefusedException refused(String message) {
        return new ImportRefusedException(Reason.ADDRESS, message);
    }

    @Override
    public void close() throws IOException {
        http.close();
    }

    // The client lets only IOExceptions out.

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
