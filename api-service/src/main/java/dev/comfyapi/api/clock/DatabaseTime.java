package dev.comfyapi.api.clock;

import org.jspecify.annotations.Nullable;

import java.time.Clock;
import java.time.Instant;
import java.time.InstantSource;
import java.util.function.Supplier;

/// The time by Postgres' clock, by which leases and schedules are judged. A machine whose own clock
/// is wrong, or jumps, sets no deadline too early for it.
///
/// Between two readings time goes on by the monotonic clock, which does not jump. Before the first
/// reading it is this machine's own. Thread-safe.
final class DatabaseTime implements InstantSource {

    private static final InstantSource OWN = Clock.systemUTC();

    private final Supplier<Instant> database;
    private volatile @Nullable Reading reading;

    /// @param at what the database said
    /// @param nanos when, by `System.nanoTime()`
    private record Reading(Instant at, long nanos) {}

    /// @param database asks the database what time it is
    DatabaseTime(Supplier<Instant> database) {
        this.database = database;
    }

    /// Asks the database; as exact as half of the time that this takes. If it does not answer, the
    /// reading before stays good.
    void read() {
        long asked = System.nanoTime();
        var at = database.get();
        reading = new Reading(at, asked + (System.nanoTime() - asked) / 2);
    }

    @Override
    public Instant instant() {
        @Nullable Reading last = reading;
        return last == null ? OWN.instant() : last.at.plusNanos(System.nanoTime() - last.nanos);
    }
}
