package dev.comfyapi.db.account;

import org.jspecify.annotations.Nullable;

/// What a tenant may have; null is no limit.
///
/// @param weight share of GPU time against other tenants that have work waiting
/// @param maxRunning most leases at one time
/// @param maxQueued most waiting jobs
/// @param bestBand best priority band, 0 (first) to 4
public record Limits(
        double weight,
        int maxRunning,
        int maxQueued,
        int bestBand,
        @Nullable Long gpuMsDay,
        @Nullable Long gpuMsMonth,
        @Nullable Integer jobsDay,
        @Nullable Long storageBytes,
        @Nullable Integer submitsMinute,
        @Nullable Integer pollsMinute,
        @Nullable Integer uploadsMinute) {}
