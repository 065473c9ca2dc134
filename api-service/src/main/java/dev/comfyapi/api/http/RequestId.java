package dev.comfyapi.api.http;

import jakarta.servlet.FilterChain;
import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

import org.slf4j.MDC;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

import java.io.IOException;
import java.util.UUID;
import java.util.regex.Pattern;

/// Gives every request its id, every log line of it the id, and every response the headers that all
/// have.
@Component
@Order(Ordered.HIGHEST_PRECEDENCE)
public final class RequestId extends OncePerRequestFilter {

    static final String HEADER = "X-Request-Id";

    /// The path that the client asked for, before anything forwarded it.
    static final String PATH = RequestId.class.getName() + ".path";

    private static final String ATTRIBUTE = RequestId.class.getName();
    private static final Pattern ACCEPTED = Pattern.compile("[\\x21-\\x7E]{1,128}");

    /// The id of this request; makes one when it did not come through the filter.
    public static String of(HttpServletRequest request) {
        if (request.getAttribute(ATTRIBUTE) instanceof String known) {
            return known;
        }
        var sent = request.getHeader(HEADER);
        var id =
                sent != null && ACCEPTED.matcher(sent).matches()
                        ? sent
                        : UUID.randomUUID().toString();
        request.setAttribute(ATTRIBUTE, id);
        // What the container refused before the filter is dispatched to the error page.
        var refused = request.getAttribute(RequestDispatcher.ERROR_REQUEST_URI);
        request.setAttribute(
                PATH, String.valueOf(refused == null ? request.getRequestURI() : refused));
        return id;
    }

    static void headers(
            HttpServletRequest request, HttpServletResponse response, String requestId) {
        response.setHeader(HEADER, requestId);
        SecurityHeaders.set(request, response);
    }

    @Override
    protected void doFilterInternal(
            HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws ServletException, IOException {
        var id = of(request);
        headers(request, response, id);
        try (var _ = MDC.putCloseable("request_id", id)) {
            chain.doFilter(request, response);
        } finally {
            BodyRoom.leave(request);
        }
    }
}
