package dev.comfyapi.api.webhook;

import dev.comfyapi.db.webhook.ClaimedDelivery;
import dev.comfyapi.db.webhook.WebhookDeliveryStore;
import dev.comfyapi.model.message.JobEvent;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.event.EventListener;
import org.springframework.dao.DataAccessException;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionException;

import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/// Claims due messages and gives each a thread, in every instance.
///
/// A bell (a job has ended, somebody asked for a replay) makes it look at once; without bells it
/// looks every second. It never waits for an address: each lane has at most eight messages on their
/// way, so a slow one keeps the others from nothing.
@Component
final class WebhookSender implements SmartLifecycle {

    private static final Logger LOG = LoggerFactory.getLogger(WebhookSender.class);

    /// Between two looks, however often the bell rings.
    private static final Duration SPACING = Duration.ofMillis(20);

    private final WebhookDeliveryStore deliveries;
    private final Deliver deliver;
    private final WebhookProperties properties;
    private final Semaphore room;
    private final Semaphore bell = new Semaphore(0);
    private volatile @Nullable Thread thread;
    private boolean reachable = true;

    WebhookSender(WebhookDeliveryStore deliveries, Deliver deliver, WebhookProperties properties) {
        this.deliveries = deliveries;
        this.deliver = deliver;
        this.properties = properties;
        this.room = new Semaphore(properties.concurrency());
    }

    /// Says that something may be due.
    void ring() {
        // Many bells are one.
        if (bell.availablePermits() == 0) {
            bell.release();
        }
    }

    @EventListener
    void hear(JobEvent event) {
        switch (event) {
            case JobEvent.Finished _ -> ring();
            case JobEvent.Submitted _,
                    JobEvent.Started _,
                    JobEvent.Progress _,
                    JobEvent.Preview _,
                    JobEvent.Freed _,
                    JobEvent.Requeued _ -> {
                // Nobody is told of these, or not before the next heartbeat says so.
            }
        }
    }

    private void loop() {
        try {
            while (true) {
                look();
                TimeUnit.MILLISECONDS.sleep(SPACING.toMillis());
                boolean _ = bell.tryAcquire(properties.poll().toNanos(), TimeUnit.NANOSECONDS);
                bell.drainPermits();
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /// Sends what is due, as far as there is room.
    private void look() {
        try {
            int most = room.availablePermits();
            if (most > 0 && deliveries.hasDue()) {
                deliveries.claim(most).forEach(this::send);
            }
            if (!reachable) {
                reachable = true;
                LOG.info("The database answers again; messages are sent");
            }
        } catch (DataAccessException | TransactionException e) {
            if (reachable) {
                reachable = false;
                LOG.warn("No messages are sent, the database does not answer: {}", e.getMessage());
            }
        } catch (RuntimeException e) {
            LOG.error("Sending messages met an unexpected error and goes on", e);
        }
    }

    private void send(ClaimedDelivery delivery) {
        // Only this thread takes permits, and it took no more messages than there were.
        room.acquireUninterruptibly();
        Thread.ofVirtual().name("webhook-" + delivery.id()).start(() -> carry(delivery));
    }

    private void carry(ClaimedDelivery delivery) {
        try {
            deliver.run(delivery);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } catch (DataAccessException | TransactionException e) {
            LOG.warn(
                    "What came of message {} is not recorded, it is sent again: {}",
                    delivery.id(),
                    e.getMessage());
        } catch (RuntimeException e) {
            LOG.error("Message {} could not be sent and is tried again", delivery.id(), e);
        } finally {
            room.release();
            // Its lane may have more.
            ring();
        }
    }

    @Override
    public void start() {
        if (properties.enabled()) {
            thread = Thread.ofVirtual().name("webhook-sender").start(this::loop);
        }
    }

    /// What is on its way gets the time that a try may take; what is left is sent again by others.
    @Override
    public void stop() {
        var running = thread;
        if (running == null) {
            return;
        }
        thread = null;
        running.interrupt();
        try {
            running.join();
            boolean _ =
                    room.tryAcquire(
                            properties.concurrency(),
                            properties.timeout().toNanos(),
                            TimeUnit.NANOSECONDS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public boolean isRunning() {
        return thread != null;
    }
}
