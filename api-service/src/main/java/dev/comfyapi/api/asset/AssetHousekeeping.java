package dev.comfyapi.api.asset;

import dev.comfyapi.api.housekeeping.Duty;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

import java.time.Duration;

/// Deletes assets that have expired.
@Component
final class AssetHousekeeping implements Duty {

    private static final Logger LOG = LoggerFactory.getLogger(AssetHousekeeping.class);

    private final Assets assets;
    private final AssetProperties properties;

    AssetHousekeeping(Assets assets, AssetProperties properties) {
        this.assets = assets;
        this.properties = properties;
    }

    @Override
    public String name() {
        return "purge_assets";
    }

    @Override
    public Duration every() {
        return properties.housekeeping();
    }

    @Override
    public Done run() {
        int removed = assets.purge();
        if (removed > 0) {
            LOG.info("Deleted the files of {} assets", removed);
        }
        return new Done(removed, removed < Assets.BATCH);
    }
}
