package dev.comfyapi.api.webhook;

import dev.comfyapi.db.webhook.WebhookDeliveryStore;
import dev.comfyapi.db.webhook.WebhookSecretStore;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;

/// Gives up messages that have waited too long, and forgets what ended long ago; in every instance:
/// two that meet do no harm.
@Component
final class WebhookHousekeeping implements SmartLifecycle {

    private static final Logger LOG = LoggerFactory.getLogger(WebhookHousekeeping.class);
    private static final int BATCH = 1_000;

    /// In one round, so that a round is never long.
    private static final int MOST_BATCHES = 20;

    private final WebhookDeliveryStore deliveries;
    private final WebhookSecretStore secrets;
    private final WebhookProperties properties;
    private volatile @Nullable Thread thread;

    WebhookHousekeeping(
            WebhookDeliveryStore deliveries,
            WebhookSecretStore secrets,
            WebhookProperties properties) {
        this.deliveries = deliveries;
        this.secrets = secrets;
        this.properties = properties;
    }

    private void loop() {
        try {
            while (true) {
                TimeUnit.NANOSECONDS.sleep(properties.housekeeping().toNanos());
                round();
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private void round() {
        try {
            int givenUp = batches(() -> deliveries.giveUpOld(BATCH));
            if (givenUp > 0) {
                LOG.warn("{} messages were given up: nobody took them for days", givenUp);
            }
            int forgotten = batches(() -> deliveries.forgetEnded(properties.retention(), BATCH));
            if (forgotten > 0) {
                LOG.info("{} messages are forgotten", forgotten);
            }
            deliveries.forgetLanes(properties.retention());
            secrets.forgetExpired();
        } catch (RuntimeException e) {
            LOG.warn("Webhooks could not be tidied now: {}", e.toString());
        }
    }

    private static int batches(IntSupplier batch) {
        int all = 0;
        for (int i = 0; i < MOST_BATCHES; i++) {
            int some = batch.getAsInt();
            all += some;
            if (some < BATCH) {
                break;
            }
        }
        return all;
    }

    @Override
    public void start() {
        thread = Thread.ofVirtual().name("webhook-housekeeping").start(this::loop);
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
}
