package dev.comfyapi.api.queue;

import org.jspecify.annotations.Nullable;

import java.time.Instant;

/// Why a job waits, and how long it is expected to.
///
/// @param position among the tenant's own waiting jobs of the same class and band, from 1, or
///   `1000+`; null when it does not wait in line, or was not asked for
/// @param startAt null when nobody can tell
/// @param startP90At in nine cases of ten it has started by then
/// @param capableWorkers live workers that can run it
/// @param detail the reason as a sentence
public record Advice(
        @Nullable Object position,
        @Nullable Instant startAt,
        @Nullable Instant startP90At,
        int capableWorkers,
        String reason,
        String detail) {

    static final String NO_WORKER = "waiting_capable_worker";
    static final String PAUSED = "queue_paused";

    static Advice of(int capableWorkers, String reason, String detail) {
        return new Advice(null, null, null, capableWorkers, reason, detail);
    }

    Advice starting(@Nullable Object place, @Nullable Instant likely, @Nullable Instant late) {
        return new Advice(place, likely, late, capableWorkers, reason, detail);
    }

    /// Whether any live worker can run it.
    public boolean feasible() {
        return !reason.equals(NO_WORKER);
    }

    /// Whether it may start at all as things are.
    boolean mayStart() {
        return feasible() && !reason.equals(PAUSED);
    }
}
