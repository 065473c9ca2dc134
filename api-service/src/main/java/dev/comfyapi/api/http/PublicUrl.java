package dev.comfyapi.api.http;

import jakarta.servlet.http.HttpServletRequest;

import org.springframework.boot.web.server.context.WebServerInitializedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;
import org.springframework.web.servlet.support.ServletUriComponentsBuilder;

import java.net.URI;
import java.util.Optional;

/// What absolute links start with.
@Component
public final class PublicUrl {

    private final HttpProperties properties;
    private volatile String here = "http://127.0.0.1";

    PublicUrl(HttpProperties properties) {
        this.properties = properties;
    }

    /// Learns where this instance listens.
    @EventListener
    void started(WebServerInitializedEvent started) {
        var address =
                started.getApplicationContext()
                        .getEnvironment()
                        .getProperty("server.address", "127.0.0.1");
        var host = address.contains(":") ? "[" + address + "]" : address;
        here = "http://%s:%d".formatted(host, started.getWebServer().getPort());
    }

    /// The same for what is sent without having been asked for: without `comfyapi.public-url` it is
    /// the address on which this instance listens, which is good on this machine only.
    public String ofService() {
        var url = properties.publicUrl();
        return url != null ? trimmed(url) : here;
    }

    /// The host that the operator gave to this service; empty when none was given.
    public Optional<String> host() {
        return Optional.ofNullable(properties.publicUrl()).map(URI::getHost);
    }

    private static String trimmed(URI url) {
        return url.toString().replaceAll("/+$", "");
    }

    /// Scheme, host and port as this client should use them, without a slash at the end.
    public String of(HttpServletRequest request) {
        var url = properties.publicUrl();
        return url != null
                ? trimmed(url)
                : ServletUriComponentsBuilder.fromContextPath(request).build().toUriString();
    }
}
