package dev.comfyapi.db.queue;

import dev.comfyapi.model.job.LeaseKey;
import dev.comfyapi.model.job.LeaseStage;

import org.jspecify.annotations.Nullable;

/// A lease, as the leader sees it.
///
/// @param etaMs GPU time it still needs, as its worker estimated at the last heartbeat; null when
///   not known
public record HeldLease(
        LeaseKey key, int tenant, int classId, LeaseStage stage, @Nullable Integer etaMs) {}
