package dev.comfyapi.api.housekeeping;

import dev.comfyapi.db.worker.WorkerStore;

import org.springframework.stereotype.Component;

import java.time.Duration;

/// Forgets worker processes that ended a week ago, and what nobody has had since.
@Component
final class ForgetWorkers implements Duty {

    private static final int MOST = 1_000;

    private final WorkerStore workers;

    ForgetWorkers(HousekeepingDatabase database) {
        this.workers = new WorkerStore(database.jdbc());
    }

    @Override
    public String name() {
        return "forget_workers";
    }

    @Override
    public Duration every() {
        return Duration.ofHours(1);
    }

    @Override
    public Done run() {
        int forgotten = workers.forgetGone(MOST);
        return new Done(forgotten + workers.forgetCatalogues(), forgotten < MOST);
    }
}
