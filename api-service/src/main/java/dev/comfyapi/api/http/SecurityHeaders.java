package dev.comfyapi.api.http;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

import java.util.List;

/// What every answer tells the browser not to do, whoever writes the answer.
final class SecurityHeaders {

    /// An answer of the API is no page: nothing in it is run, loaded or framed.
    private static final String NO_PAGE =
            "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

    /// The pages for reading bring what they need along.
    private static final String PAGE =
            "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self'"
                    + " data:; worker-src blob:; object-src 'none'; base-uri 'none'; form-action"
                    + " 'none'; frame-ancestors 'none'";

    private static final List<String> PAGES =
            List.of("/docs", "/swagger-ui", "/redoc", "/usage", "/webjars");

    private SecurityHeaders() {}

    static void set(HttpServletRequest request, HttpServletResponse response) {
        var path = String.valueOf(request.getRequestURI());
        response.setHeader("X-Content-Type-Options", "nosniff");
        response.setHeader("X-Frame-Options", "DENY");
        response.setHeader("Referrer-Policy", "no-referrer");
        response.setHeader("Permissions-Policy", "camera=(), geolocation=(), microphone=()");
        response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
        // Whoever has a signed link may show the picture on a page of their own.
        response.setHeader(
                "Cross-Origin-Resource-Policy",
                path.startsWith("/files/") ? "cross-origin" : "same-origin");
        response.setHeader(
                "Content-Security-Policy",
                PAGES.stream().anyMatch(path::startsWith) ? PAGE : NO_PAGE);
        response.setHeader("Cache-Control", "no-store");
        if (request.isSecure()) {
            response.setHeader("Strict-Transport-Security", "max-age=31536000");
        }
    }
}
