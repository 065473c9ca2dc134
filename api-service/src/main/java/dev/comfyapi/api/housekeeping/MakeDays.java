package dev.comfyapi.api.housekeeping;

import dev.comfyapi.db.job.RetentionStore;

import org.springframework.stereotype.Component;

import java.time.Duration;

/// Makes the partitions of the next days ahead. A day that is missing costs nothing but order: its
/// jobs go to the default partition.
@Component
final class MakeDays implements Duty {

    private static final int AHEAD = 3;

    private final RetentionStore retention;

    MakeDays(HousekeepingDatabase database) {
        this.retention = new RetentionStore(database.jdbc());
    }

    @Override
    public String name() {
        return "make_days";
    }

    @Override
    public Duration every() {
        return Duration.ofMinutes(10);
    }

    @Override
    public Done run() {
        return Done.all(retention.makeDays(AHEAD));
    }
}
