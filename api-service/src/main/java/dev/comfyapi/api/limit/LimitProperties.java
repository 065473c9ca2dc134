package dev.comfyapi.api.limit;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

import java.time.Duration;

/// What the service lets itself be asked for. Limits of tenants are those of their tiers.
///
/// @param perAddress requests a minute from one address that show no good key; 0 for no limit
/// @param inFlight requests that one instance works on at one time; those that only wait for a job
///   are counted as streams
/// @param atWork requests that are worked on at one time: about as many as the database has
///   connections; more wait for their turn
/// @param patience how long a request of a burst may wait for its turn; under lasting overload it
///   waits a tenth of that at most
/// @param quotaAge how old the figures may be by which budgets are judged
@ConfigurationProperties("comfyapi.limits")
record LimitProperties(
        @DefaultValue("1200") int perAddress,
        @DefaultValue("2000") int inFlight,
        @DefaultValue("16") int atWork,
        @DefaultValue("1s") Duration patience,
        @DefaultValue("2s") Duration quotaAge) {

    LimitProperties {
        if (perAddress < 0 || inFlight < 1 || atWork < 1 || !patience.isPositive()) {
            throw new IllegalArgumentException(
                    "comfyapi.limits: per-address must be at least 0, in-flight and at-work at"
                            + " least 1, patience more than nothing");
        }
    }
}
