package dev.comfyapi.api.submit;

import jakarta.servlet.http.HttpServletRequest;

import org.jspecify.annotations.Nullable;

import java.util.regex.Pattern;

/// The W3C trace context of a submit, which travels with the job.
final class TraceParent {

    private static final Pattern SHAPE =
            Pattern.compile("[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}");

    private TraceParent() {}

    /// Null when there is none or it is not valid, as the standard wants it.
    static @Nullable String of(HttpServletRequest request) {
        var header = request.getHeader("traceparent");
        return header != null && SHAPE.matcher(header).matches() ? header : null;
    }
}
