package dev.comfyapi.api.http;

import jakarta.servlet.http.HttpServletRequest;

import org.springframework.stereotype.Component;

import java.time.Duration;
import java.util.Collections;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/// Reads the `Prefer` header, and `?wait_s=` for clients that cannot set headers.
@Component
public final class Preferences {

    private static final Pattern SECONDS = Pattern.compile("[0-9]{1,9}");

    private final HttpProperties properties;

    Preferences(HttpProperties properties) {
        this.properties = properties;
    }

    /// Preferences that make no sense are ignored, as RFC 7240 wants it; a parameter is refused.
    public Preference of(HttpServletRequest request) {
        Optional<Duration> wait = Optional.empty();
        boolean async = false;
        for (var header : Collections.list(request.getHeaders("Prefer"))) {
            for (var preference : header.split(",", -1)) {
                var word = preference.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
                if (word.equals("respond-async")) {
                    async = true;
                } else if (word.startsWith("wait=") && wait.isEmpty()) {
                    wait = seconds(word.substring("wait=".length()).strip().replace("\"", ""));
                }
            }
        }
        var parameter = request.getParameter("wait_s");
        if (parameter != null) {
            wait = seconds(parameter);
            if (wait.isEmpty()) {
                throw ApiProblem.of(
                                ProblemCode.BAD_PARAMETER,
                                "The parameter wait_s must be a number of seconds.")
                        .with("parameter", "wait_s");
            }
        }
        return new Preference(wait.orElse(null), async);
    }

    private Optional<Duration> seconds(String text) {
        if (!SECONDS.matcher(text).matches()) {
            return Optional.empty();
        }
        var asked = Duration.ofSeconds(Long.parseLong(text));
        return Optional.of(
                asked.compareTo(properties.maxWait()) > 0 ? properties.maxWait() : asked);
    }
}
