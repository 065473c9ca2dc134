package dev.comfyapi.api.housekeeping;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

import java.time.Duration;

/// How the leader keeps house.
///
/// @param purge how often jobs are looked for whose time is over
/// @param sweep pause between two ways through all stored files
/// @param grace how long files that nobody knows stay: time for a person to notice that the
///   database is the wrong one
/// @param watch how often each invariant is looked at, at most; the dear ones less often
@ConfigurationProperties("comfyapi.housekeeping")
record HousekeepingProperties(
        @DefaultValue("30s") Duration purge,
        @DefaultValue("6h") Duration sweep,
        @DefaultValue("24h") Duration grace,
        @DefaultValue("1m") Duration watch) {

    HousekeepingProperties {
        if (!purge.isPositive() || !sweep.isPositive() || !watch.isPositive()) {
            throw new IllegalArgumentException(
                    "comfyapi.housekeeping.purge (%s), sweep (%s) and watch (%s) must be more than nothing"
                            .formatted(purge, sweep, watch));
        }
        if (grace.compareTo(Duration.ofHours(1)) < 0) {
            throw new IllegalArgumentException(
                    "comfyapi.housekeeping.grace (%s) must be at least an hour".formatted(grace));
        }
    }
}
