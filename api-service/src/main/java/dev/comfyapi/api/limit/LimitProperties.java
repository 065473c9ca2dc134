package dev.comfyapi.api.limit;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

import java.time.Duration;

/// What the service lets itself be asked for. Limits of tenants are those of their tiers.
///
/// @param perAddress requests a minute from one address that show no good key; 0 for no limit
/// @param inFlight requests that one instance works on at one time; those that only wait for a job
///   are counted as streams
/// @param databaseWaiters requests that may wait for a connection to the database; more are refused
/// @param quotaAge how old the figures may be by which budgets are judged
@ConfigurationProperties("comfyapi.limits")
record LimitProperties(
        @DefaultValue("1200") int perAddress,
        @DefaultValue("2000") int inFlight,
        @DefaultValue("200") int databaseWaiters,
        @DefaultValue("2s") Duration quotaAge) {

    LimitProperties {
        if (perAddress < 0 || inFlight < 1 || databaseWaiters < 1) {
            throw new IllegalArgumentException(
                    "comfyapi.limits: per-address must be at least 0, in-flight and"
                            + " database-waiters at least 1");
        }
    }
}
