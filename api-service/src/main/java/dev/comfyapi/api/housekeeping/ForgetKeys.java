package dev.comfyapi.api.housekeeping;

import dev.comfyapi.db.job.IdempotencyStore;

import org.springframework.stereotype.Component;

import java.time.Duration;

/// Forgets idempotency keys that are older than a day.
@Component
final class ForgetKeys implements Duty {

    private static final int MOST = 1_000;

    private final IdempotencyStore keys;

    ForgetKeys(HousekeepingDatabase database) {
        this.keys = new IdempotencyStore(database.jdbc());
    }

    @Override
    public String name() {
        return "forget_keys";
    }

    @Override
    public Duration every() {
        return Duration.ofMinutes(1);
    }

    @Override
    public Done run() {
        int forgotten = keys.forgetOld(MOST);
        return new Done(forgotten, forgotten < MOST);
    }
}
