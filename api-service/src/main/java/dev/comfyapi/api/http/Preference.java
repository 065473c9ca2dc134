package dev.comfyapi.api.http;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Optional;

/// How long a client is willing to wait, after RFC 7240.
///
/// @param waitFor as asked for, already limited; null when nothing was said
/// @param respondAsync whether an answer before the end is wanted
public record Preference(@Nullable Duration waitFor, boolean respondAsync) {

    /// What the response says was done; empty when nothing was asked for.
    public Optional<String> applied() {
        var words = new ArrayList<String>();
        if (respondAsync) {
            words.add("respond-async");
        }
        if (waitFor != null) {
            words.add("wait=" + waitFor.toSeconds());
        }
        return words.isEmpty() ? Optional.empty() : Optional.of(String.join(", ", words));
    }

    /// How long to wait where nobody waits unless asked to.
    public Duration waitOrNone() {
        return waitFor == null ? Duration.ZERO : waitFor;
    }

    /// How long to wait where waiting is usual.
    public Duration waitOr(Duration usual) {
        if (waitFor != null) {
            return waitFor;
        }
        return respondAsync ? Duration.ZERO : usual;
    }
}
