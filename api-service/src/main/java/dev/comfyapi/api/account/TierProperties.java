package dev.comfyapi.api.account;

import dev.comfyapi.db.account.Limits;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

import java.util.Map;

/// Named sets of limits.
///
/// @param tiers by name; `free`, `pro` and `internal` are there, others may be added
@ConfigurationProperties("comfyapi")
record TierProperties(@DefaultValue Map<String, Tier> tiers) {

    TierProperties {
        tiers = Map.copyOf(tiers);
    }

    /// What a tenant of a tier may have; what is left out is not limited.
    ///
    /// @param weight share of GPU time against other tenants that have work waiting
    /// @param maxRunningJobs most jobs that run at one time
    /// @param maxQueuedJobs most jobs that wait
    /// @param maxPriority highest priority it may ask for, -2 to 2
    /// @param gpuSecondsPerDay GPU time of a day (UTC)
    /// @param gpuSecondsPerMonth GPU time of a calendar month (UTC)
    /// @param jobsPerDay jobs accepted a day (UTC)
    /// @param storage size of all its assets
    /// @param submitsPerMinute requests that change something
    /// @param pollsPerMinute requests that only read
    /// @param uploadsPerMinute uploads and imports
    record Tier(
            @DefaultValue("1") double weight,
            @DefaultValue("100") int maxRunningJobs,
            @DefaultValue("100000") int maxQueuedJobs,
            @DefaultValue("2") int maxPriority,
            @Nullable Long gpuSecondsPerDay,
            @Nullable Long gpuSecondsPerMonth,
            @Nullable Integer jobsPerDay,
            @Nullable DataSize storage,
            @Nullable Integer submitsPerMinute,
            @Nullable Integer pollsPerMinute,
            @Nullable Integer uploadsPerMinute) {

        Tier {
            if (!(weight > 0) || maxRunningJobs < 0 || maxQueuedJobs < 0) {
                throw new IllegalArgumentException(
                        "comfyapi.tiers: a weight must be above 0, numbers of jobs not below");
            }
            if (maxPriority < -2 || maxPriority > 2) {
                throw new IllegalArgumentException(
                        "comfyapi.tiers: max-priority (%d) must be -2 to 2".formatted(maxPriority));
            }
        }

        Limits limits() {
            return new Limits(
                    weight,
                    maxRunningJobs,
                    maxQueuedJobs,
                    2 - maxPriority,
                    LimitForm.millis(gpuSecondsPerDay),
                    LimitForm.millis(gpuSecondsPerMonth),
                    jobsPerDay,
                    storage == null ? null : storage.toBytes(),
                    submitsPerMinute,
                    pollsPerMinute,
                    uploadsPerMinute);
        }
    }
}
