package dev.comfyapi.api.asset;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

import java.util.concurrent.TimeUnit;

/// Deletes assets that have expired, in every instance: two that meet at one asset do no harm.
@Component
final class AssetHousekeeping implements SmartLifecycle {

    private static final Logger LOG = LoggerFactory.getLogger(AssetHousekeeping.class);

    private final Assets assets;
    private final AssetProperties properties;
    private volatile @Nullable Thread thread;

    AssetHousekeeping(Assets assets, AssetProperties properties) {
        this.assets = assets;
        this.properties = properties;
    }

    @Override
    public void start() {
        thread = Thread.ofVirtual().name("asset-housekeeping").start(this::loop);
    }

    private void loop() {
        try {
            while (true) {
                TimeUnit.NANOSECONDS.sleep(properties.housekeeping().toNanos());
                purge();
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private void purge() {
        try {
            int removed = assets.purge();
            if (removed > 0) {
                LOG.info("Deleted the files of {} assets", removed);
            }
        } catch (RuntimeException e) {
            LOG.warn("Assets could not be purged now: {}", e.toString());
        }
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
