package dev.comfyapi.db.webhook;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;

/// A message and how far it is.
///
/// @param endpoint null when the address came with the job
/// @param url where it goes; null when the endpoint is gone
/// @param subject the job, or the endpoint that it is about
/// @param nextAt when it is tried next; null when it has ended
/// @param attempts tries so far, of all rounds
/// @param failure why it failed in the end
/// @param body whose UTF-8 bytes are sent; null before the first try, and in lists
public record DeliveryRow(
        UUID id,
        @Nullable UUID endpoint,
        @Nullable String url,
        WebhookEvent event,
        UUID subject,
        Instant happenedAt,
        State state,
        @Nullable Instant nextAt,
        int attempts,
        @Nullable String failure,
        @Nullable Instant endedAt,
        @Nullable String body) {

    /// Where a message is.
    public enum State {
        /// Waits for a sender, or has one.
        PENDING(0),
        /// Answered with 2xx.
        DELIVERED(1),
        /// Given up: every try of the schedule failed, or there was nobody to send it to. Replay
        /// it.
        FAILED(2);

        private final int code;

        State(int code) {
            this.code = code;
        }

        /// The number in the database.
        int code() {
            return code;
        }

        static State ofCode(int code) {
            return Arrays.stream(values())
                    .filter(state -> state.code == code)
                    .findFirst()
                    .orElseThrow(() ->
                            new IllegalArgumentException(
                                    "no state of a delivery has the code " + code));
        }

        /// The word in the API.
        public String wire() {
            return name().toLowerCase(Locale.ROOT);
        }

        public static Optional<State> ofWire(String word) {
            return Arrays.stream(values()).filter(state -> state.wire().equals(word)).findFirst();
        }
    }
}
