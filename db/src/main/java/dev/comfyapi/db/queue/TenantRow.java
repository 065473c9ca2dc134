package dev.comfyapi.db.queue;

import org.jspecify.annotations.Nullable;

/// What the leader has to know of a tenant.
///
/// @param weight share of GPU time against others that have work waiting
/// @param maxRunning most leases at one time
/// @param gpuMsDay most GPU time a day (UTC); null for no limit
/// @param usedMs GPU time of today
/// @param vtime virtual GPU seconds used, divided by weight, as last written
public record TenantRow(
        int id,
        double weight,
        int maxRunning,
        @Nullable Long gpuMsDay,
        long usedMs,
        boolean paused,
        double vtime) {}
