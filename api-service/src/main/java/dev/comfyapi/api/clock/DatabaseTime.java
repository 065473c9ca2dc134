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

    /// Asks the database. What it answers is taken for the time at which the answer came: so this
    /// clock is never ahead of it, and behind by no more than asking took. If it does not answer,
    /// the reading before stays good.
    void read() {
        var at = database.get();
        reading = new Reading(at, System.nanoTime());
    }

    @Override
    public Instant instant() {
        @Nullable Reading last = reading;
        return last == null ? OWN.instant() : last.at.plusNanos(System.nanoTime() - last.nanos);
    }
}
