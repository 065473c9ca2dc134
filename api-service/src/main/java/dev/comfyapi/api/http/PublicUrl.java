package dev.comfyapi.api.http;

import jakarta.servlet.http.HttpServletRequest;

import org.springframework.stereotype.Component;
import org.springframework.web.servlet.support.ServletUriComponentsBuilder;

/// What absolute links start with.
@Component
public final class PublicUrl {

    private final HttpProperties properties;

    PublicUrl(HttpProperties properties) {
        this.properties = properties;
    }

    /// Scheme, host and port as this client should use them, without a slash at the end.
    public String of(HttpServletRequest request) {
        var url = properties.publicUrl();
        return url != null
                ? url.toString().replaceAll("/+$", "")
                : ServletUriComponentsBuilder.fromContextPath(request).build().toUriString();
    }
}
