package dev.comfyapi.api.batch;

import dev.comfyapi.api.dispatch.Leading;
import dev.comfyapi.api.job.BulkCancel;
import dev.comfyapi.api.job.QueueBell;
import dev.comfyapi.db.job.BatchStore;
import dev.comfyapi.messaging.MessageSender;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.message.JobEvent;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.event.EventListener;
import org.springframework.stereotype.Component;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/// What the leader does for batches: it lets held jobs into the queue as others of their batch end,
/// cancels what a failure or its client has doomed, and ends batches whose last job has ended.
///
/// Looks once a second, and sooner when a job was heard to end. Each step is one guarded statement:
/// two instances that both take themselves for the leader do nothing twice and exceed no limit, and
/// what a dead one has left the next one goes on with. It has a thread of its own, so that counting
/// a large batch keeps no job from being dispatched.
@Component
final class BatchKeeper implements SmartLifecycle {

    private static final Logger LOG = LoggerFactory.getLogger(BatchKeeper.class);
    private static final Duration PACE = Duration.ofSeconds(1);

    /// Between two looks, however many jobs end.
    private static final Duration SPACING = Duration.ofMillis(100);

    private static final int PAGE = 1_000;

    private final BatchStore store;
    private final BulkCancel bulk;
    private final Leading leading;
    private final MessageSender sender;
    private final ObjectProvider<QueueBell> dispatcher;
    private final Semaphore bell = new Semaphore(0);

    /// Where the last look found the first job that lives, by batch.
    private Map<UUID, JobId> firstLive = Map.of();

    private volatile @Nullable Thread thread;

    BatchKeeper(
            BatchStore store,
            BulkCancel bulk,
            Leading leading,
            MessageSender sender,
            ObjectProvider<QueueBell> dispatcher) {
        this.store = store;
        this.bulk = bulk;
        this.leading = leading;
        this.sender = sender;
        this.dispatcher = dispatcher;
    }

    /// A job that was submitted may be held, and one that has ended may be the last, or make room.
    @EventListener
    void hear(JobEvent event) {
        switch (event) {
            case JobEvent.Submitted _, JobEvent.Finished _ -> {
                if (leading.isLeading() && bell.availablePermits() == 0) {
                    bell.release();
                }
            }
            case JobEvent.Started _,
                    JobEvent.Progress _,
                    JobEvent.Preview _,
                    JobEvent.Freed _,
                    JobEvent.Requeued _ -> {
                // No job more and no job less.
            }
        }
    }

    /// Does what there is to do for all batches that have not ended.
    void look() {
        var seen = new HashMap<UUID, JobId>();
        @Nullable UUID last = null;
        int found;
        do {
            var page = store.open(firstLive, last, PAGE);
            found = page.size();
            for (var batch : page) {
                last = batch.id();
                if (batch.firstLive() != null) {
                    seen.put(batch.id(), batch.firstLive());
                }
                keep(batch);
            }
        } while (found == PAGE);
        firstLive = seen;
    }

    private void keep(BatchStore.Open batch) {
        if (batch.firstLive() == null) {
            if (store.finish(batch.id())) {
                LOG.info("Batch {} has ended", batch.id());
            }
        } else if (batch.isEnding()) {
            long canceled = bulk.ofBatch(batch.tenant(), batch.id());
            LOG.info("Canceled {} jobs of batch {}, which is not to go on", canceled, batch.id());
        } else if (batch.isLimited()) {
            var released = store.release(batch.id());
            released.forEach(job -> sender.publish(new JobEvent.Requeued(job)));
            if (!released.isEmpty()) {
                dispatcher.forEach(QueueBell::ring);
            }
        }
    }

    private void loop() {
        try {
            while (true) {
                boolean _ = bell.tryAcquire(PACE.toNanos(), TimeUnit.NANOSECONDS);
                bell.drainPermits();
                if (leading.isLeading()) {
                    lookOrTryAgain();
                    TimeUnit.NANOSECONDS.sleep(SPACING.toNanos());
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private void lookOrTryAgain() {
        try {
            look();
        } catch (RuntimeException e) {
            LOG.warn("Batches could not be looked after now, again in a second: {}", e.toString());
        }
    }

    @Override
    public void start() {
        thread = Thread.ofPlatform().name("batches").start(this::loop);
    }

    @Override
    public void stop() {
        var running = thread;
        thread = null;
        if (running != null) {
            running.interrupt();
            try {
                running.join(Duration.ofSeconds(6));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public boolean isRunning() {
        return thread != null;
    }
}
