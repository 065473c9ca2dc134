package dev.comfyapi.api.batch;

import dev.comfyapi.api.housekeeping.Duty;
import dev.comfyapi.db.job.BatchStore;

import org.springframework.stereotype.Component;

import java.time.Duration;

/// Forgets batches whose jobs are gone.
@Component
final class ForgetBatches implements Duty {

    private static final int MOST = 100;

    private final BatchStore store;

    ForgetBatches(BatchStore store) {
        this.store = store;
    }

    @Override
    public String name() {
        return "forget_batches";
    }

    @Override
    public Duration every() {
        return Duration.ofMinutes(1);
    }

    @Override
    public Done run() {
        int forgotten = store.forget(MOST);
        return new Done(forgotten, forgotten < MOST);
    }
}
