package dev.comfyapi.api.outbound;

import org.apache.hc.client5.http.DnsResolver;
import org.apache.hc.client5.http.classic.methods.HttpUriRequestBase;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.util.Timeout;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/// Sends requests to URLs that clients name. Thread-safe.
///
/// A host name is looked up once for each connection, every address it has must be open, and the
/// connection goes to one of exactly those addresses: a name that changes its mind between check
/// and connection gains nothing. No proxy, no cookies, no credentials, no redirects, nothing
/// unpacked, and no connection is used twice: one that is kept would outlive the check of its
/// address.
public final class GuardedHttp implements AutoCloseable {

    private static final int LONGEST_URL = 2_048;

    /// How many addresses of a host are tried; each may take the whole time for connecting.
    private static final int ADDRESSES = 3;

    /// How names become addresses.
    public interface Lookup {
        InetAddress[] of(String host) throws UnknownHostException;
    }

    /// @param schemes of public hosts; hosts that the operator has opened may have both
    /// @param connect longest time for connecting to one address
    /// @param silence longest time between two pieces of the answer
    public record Rules(Set<String> schemes, int connections, Duration connect, Duration silence) {
        public Rules {
            schemes = Set.copyOf(schemes);
        }
    }

    private final AddressGuard guard;
    private final Lookup lookup;
    private final Rules rules;
    private final CloseableHttpClient http;

    public GuardedHttp(AddressGuard guard, Lookup lookup, Rules rules, String userAgent) {
        this.guard = guard;
        this.lookup = lookup;
        this.rules = rules;
        this.http =
                HttpClients.custom()
                        .setConnectionManager(
                                PoolingHttpClientConnectionManagerBuilder.create()
                                        .setDnsResolver(new CheckedAddresses())
                                        .setMaxConnTotal(rules.connections())
                                        .setMaxConnPerRoute(rules.connections())
                                        .setDefaultConnectionConfig(
                                                ConnectionConfig.custom()
                                                        .setConnectTimeout(
                                                                Timeout.of(rules.connect()))
                                                        .setSocketTimeout(
                                                                Timeout.of(rules.silence()))
                                                        .build())
                                        .build())
                        .setConnectionReuseStrategy((_, _, _) -> false)
                        .setDefaultRequestConfig(
                                RequestConfig.custom()
                                        .setResponseTimeout(Timeout.of(rules.silence()))
                                        .build())
                        .disableRedirectHandling()
                        .disableAutomaticRetries()
                        .disableContentCompression()
                        .disableCookieManagement()
                        .disableAuthCaching()
                        .setUserAgent(userAgent)
                        .build();
    }

    /// The last check, where the connection is made.
    private final class CheckedAddresses implements DnsResolver {

        @Override
        public List<InetSocketAddress> resolve(String host, int port) throws UnknownHostException {
            return Arrays.stream(lookedUp(host, port))
                    .map(address -> new InetSocketAddress(address, port))
                    .toList();
        }

        @Override
        public InetAddress[] resolve(String host) throws UnknownHostException {
            return lookedUp(host, 443);
        }

        private InetAddress[] lookedUp(String host, int port) throws UnknownHostException {
            var addresses = lookup.of(host);
            for (var address : addresses) {
                if (!guard.isNamed(host) && !guard.isOpen(address, port)) {
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

    /// What can be seen without connecting: a first look, for a better answer. What counts is the
    /// look at the connection.
    ///
    /// @return what to connect to: the URL without its fragment
    public URI check(String url) throws UrlRefusedException {
        URI uri;
        try {
            uri = new URI(url);
        } catch (URISyntaxException _) {
            throw new UrlRefusedException("is not a URL");
        }
        var scheme = uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
        var host = uri.getHost();
        if (url.length() > LONGEST_URL
                || host == null
                || host.isEmpty()
                || (!scheme.equals("https") && !scheme.equals("http"))) {
            throw new UrlRefusedException("is not an https or http URL");
        }
        if (uri.getRawUserInfo() != null) {
            throw new UrlRefusedException("must not have a user name or password");
        }
        int port = uri.getPort() >= 0 ? uri.getPort() : scheme.equals("https") ? 443 : 80;
        if (!guard.isNamed(host)) {
            checkAddresses(host, port, scheme);
        }
        return withoutFragment(uri);
    }

    private void checkAddresses(String host, int port, String scheme) throws UrlRefusedException {
        InetAddress[] addresses;
        try {
            addresses =
                    lookup.of(host.startsWith("[") ? host.substring(1, host.length() - 1) : host);
        } catch (UnknownHostException _) {
            throw new UrlRefusedException("names a host that is not allowed");
        }
        for (var address : addresses) {
            if (!guard.isOpened(address) && !rules.schemes().contains(scheme)) {
                throw new UrlRefusedException("must be an https URL");
            }
            if (!guard.isOpen(address, port)) {
                throw new UrlRefusedException("names a host that is not allowed");
            }
        }
    }

    private static URI withoutFragment(URI uri) throws UrlRefusedException {
        var text = uri.toString();
        int hash = text.indexOf('#');
        try {
            return hash < 0 ? uri : new URI(text.substring(0, hash));
        } catch (URISyntaxException _) {
            throw new UrlRefusedException("is not a URL");
        }
    }

    /// Sends a request to a URL that was checked.
    public Answer send(HttpUriRequestBase request) throws IOException {
        return new Answer(request, http.executeOpen(null, request, null));
    }

    /// What came back, as far as it was read.
    public static final class Answer implements AutoCloseable {

        private final HttpUriRequestBase request;
        private final ClassicHttpResponse response;

        private Answer(HttpUriRequestBase request, ClassicHttpResponse response) {
            this.request = request;
            this.response = response;
        }

        public int status() {
            return response.getCode();
        }

        public @Nullable String header(String name) {
            var header = response.getFirstHeader(name);
            return header == null ? null : header.getValue();
        }

        public @Nullable HttpEntity body() {
            return response.getEntity();
        }

        /// Ends the connection, whatever more the other side wants to send: closing alone would
        /// read all of it.
        @Override
        public void close() {
            request.abort();
            try {
                response.close();
            } catch (IOException _) {
                // The connection is gone already.
            }
        }
    }

    /// A limit on the time of a whole request, that reading the answer included.
    public interface Limit extends AutoCloseable {
        @Override
        void close();
    }

    /// Breaks the request off after this time unless the limit is closed before.
    public static Limit limit(HttpUriRequestBase request, Duration time) {
        var watch =
                Thread.ofVirtual()
                        .name("request-limit")
                        .start(() -> {
                            try {
                                TimeUnit.NANOSECONDS.sleep(time.toNanos());
                                request.abort();
                            } catch (InterruptedException _) {
                                Thread.currentThread().interrupt();
                            }
                        });
        return watch::interrupt;
    }

    @Override
    public void close() throws IOException {
        http.close();
    }
}
