package dev.comfyapi.api.asset;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

import java.time.Duration;
import java.util.List;

/// What files clients may bring.
///
/// @param largest size of a file that is taken; at most `spring.servlet.multipart.max-file-size`
/// @param mostPixels width times height of a picture
/// @param importTimeout longest time for fetching a file from an address, redirects included
/// @param importLifetime how long a file is kept that came with a job instead of being uploaded
/// @param allowedHosts host names, addresses and ranges (`10.1.0.0/16`) that files may be fetched
///   from although they are not public; on any port
/// @param concurrentImports most fetches at one time; more wait
/// @param housekeeping pause between two looks for files to delete
@ConfigurationProperties("comfyapi.assets")
record AssetProperties(
        @DefaultValue("100MB") DataSize largest,
        @DefaultValue("64000000") long mostPixels,
        @DefaultValue("30s") Duration importTimeout,
        @DefaultValue("24h") Duration importLifetime,
        @DefaultValue List<String> allowedHosts,
        @DefaultValue("16") int concurrentImports,
        @DefaultValue("1m") Duration housekeeping) {

    AssetProperties {
        allowedHosts = List.copyOf(allowedHosts);
        if (largest.toBytes() < 1 || mostPixels < 1 || concurrentImports < 1) {
            throw new IllegalArgumentException(
                    "comfyapi.assets.largest (%s), most-pixels (%d) and concurrent-imports (%d) must be more than nothing"
                            .formatted(largest, mostPixels, concurrentImports));
        }
        if (!importTimeout.isPositive()
                || !importLifetime.isPositive()
                || !housekeeping.isPositive()) {
            throw new IllegalArgumentException(
                    "comfyapi.assets.import-timeout (%s), import-lifetime (%s) and housekeeping (%s) must be more than nothing"
                            .formatted(importTimeout, importLifetime, housekeeping));
        }
    }
}
