package dev.comfyapi.db.queue;

import dev.comfyapi.model.job.LeaseKey;
import dev.comfyapi.model.job.LeaseStage;

import org.jspecify.annotations.Nullable;

/// A lease, as the leader sees it.
///
/// @param runningMs how long ComfyUI has been running it; null when it has not begun, or no
///   heartbeat has said so yet
public record HeldLease(
        LeaseKey key, int tenant, int classId, LeaseStage stage, @Nullable Long runningMs) {}
