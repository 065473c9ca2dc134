package dev.comfyapi.worker.lane;

import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/// Ends the pause between two heartbeats. Thread-safe.
final class Nudge {

    private final Semaphore given = new Semaphore(0);

    void now() {
        given.release();
    }

    void await(Duration longest) throws InterruptedException {
        boolean _ = given.tryAcquire(longest.toMillis(), TimeUnit.MILLISECONDS);
        given.drainPermits();
    }
}
