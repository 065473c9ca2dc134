package dev.comfyapi.api.housekeeping;

import dev.comfyapi.db.job.RetentionStore;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

import java.time.Duration;

/// Drops the partitions of days whose jobs are all gone: that gives their space back.
@Component
final class DropDays implements Duty {

    private static final Logger LOG = LoggerFactory.getLogger(DropDays.class);

    private final RetentionStore retention;

    DropDays(HousekeepingDatabase database) {
        this.retention = new RetentionStore(database.jdbc());
    }

    @Override
    public String name() {
        return "drop_days";
    }

    @Override
    public Duration every() {
        return Duration.ofMinutes(10);
    }

    @Override
    public Done run() {
        var dropped = retention.dropEmptyDay();
        dropped.ifPresent(
                day -> LOG.info("Dropped the partition {}: all of its jobs are gone", day));
        return new Done(dropped.isPresent() ? 1 : 0, dropped.isEmpty());
    }
}
