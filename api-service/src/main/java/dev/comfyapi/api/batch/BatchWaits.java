package dev.comfyapi.api.batch;

import dev.comfyapi.db.job.BatchStore;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.dao.DataAccessException;
import org.springframework.stereotype.Component;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/// Clients that wait for the end of a batch: each costs its connection and an object, all together
/// one small statement four times a second. Thread-safe.
@Component
final class BatchWaits implements SmartLifecycle {

    private static final Logger LOG = LoggerFactory.getLogger(BatchWaits.class);
    private static final Duration TICK = Duration.ofMillis(250);

    private final BatchStore store;
    private final Set<Wait> waits = ConcurrentHashMap.newKeySet();
    private volatile boolean ending;
    private volatile @Nullable Thread thread;

    BatchWaits(BatchStore store) {
        this.store = store;
    }

    /// Compared by identity: two clients may wait for the same.
    private static final class Wait {
        private final UUID batch;
        private final long until;
        private final CompletableFuture<Void> over = new CompletableFuture<>();

        Wait(UUID batch, long until) {
            this.batch = batch;
            this.until = until;
        }
    }

    /// Done when the batch has ended or is gone, when the time is over, or when this instance
    /// stops.
    CompletableFuture<Void> ended(UUID batch, Duration most) {
        var wait = new Wait(batch, System.nanoTime() + most.toNanos());
        waits.add(wait);
        if (ending) {
            release(_ -> true);
        }
        return wait.over;
    }

    private void look() {
        var over = store.over(waits.stream().map(wait -> wait.batch).collect(Collectors.toSet()));
        release(wait -> over.contains(wait.batch));
    }

    /// On threads of their own: making the answer takes time.
    private void release(Predicate<Wait> which) {
        for (var wait : List.copyOf(waits)) {
            if (which.test(wait) && waits.remove(wait)) {
                Thread.startVirtualThread(() -> wait.over.complete(null));
            }
        }
    }

    private void loop() {
        try {
            while (true) {
                TimeUnit.NANOSECONDS.sleep(TICK.toNanos());
                if (!waits.isEmpty()) {
                    tick();
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private void tick() {
        try {
            look();
        } catch (DataAccessException e) {
            LOG.debug("Whether batches have ended could not be read, again soon: {}", e.toString());
        }
        long now = System.nanoTime();
        release(wait -> now - wait.until >= 0);
    }

    /// Requests that wait would otherwise hold up the end of the process for a minute.
    @EventListener
    void end(ContextClosedEvent end) {
        LOG.debug("{} who wait for batches are answered: {}", waits.size(), end);
        ending = true;
        release(_ -> true);
    }

    @Override
    public void start() {
        thread = Thread.ofVirtual().name("batch-waits").start(this::loop);
    }

    @Override
    public void stop() {
        var running = thread;
        thread = null;
        if (running != null) {
            running.interrupt();
        }
    }

    @Override
    public boolean isRunning() {
        return thread != null;
    }

    /// Started before, and stopped after, the requests that wait.
    @Override
    public int getPhase() {
        return 0;
    }
}
