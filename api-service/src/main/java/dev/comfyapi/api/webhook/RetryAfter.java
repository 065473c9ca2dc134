package dev.comfyapi.api.webhook;

import org.jspecify.annotations.Nullable;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Set;
import java.util.regex.Pattern;

/// What an address that cannot take a message now says of later. Pure.
final class RetryAfter {

    private static final Duration LONGEST = Duration.ofHours(24);
    private static final Set<Integer> STATUSES = Set.of(429, 502, 503, 504);
    private static final Pattern SECONDS = Pattern.compile("[0-9]{1,9}");

    private RetryAfter() {}

    /// How long to wait at least; nothing when the status says nothing of later, or nobody can read
    /// what it says.
    ///
    /// @param header seconds, or a time as HTTP writes it
    static Duration of(@Nullable Integer status, @Nullable String header, Instant now) {
        if (status == null || header == null || !STATUSES.contains(status)) {
            return Duration.ZERO;
        }
        var text = header.strip();
        var wait =
                SECONDS.matcher(text).matches()
                        ? Duration.ofSeconds(Integer.parseInt(text))
                        : untilTime(text, now);
        return wait.isNegative() ? Duration.ZERO : wait.compareTo(LONGEST) > 0 ? LONGEST : wait;
    }

    private static Duration untilTime(String text, Instant now) {
        try {
            var time = ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME);
            return Duration.between(now, time.toInstant());
        } catch (DateTimeException _) {
            return Duration.ZERO;
        }
    }
}
