package dev.comfyapi.model.message;

import dev.comfyapi.model.job.LeaseKey;

import org.jspecify.annotations.Nullable;

/// All a worker needs to run one attempt.
///
/// @param tenant whose folder the artifacts go to
/// @param runTimeoutMs how long ComfyUI may run it
/// @param keepMetadata whether PNG text chunks (which hold prompt and graph) stay in the stored
///   files
/// @param traceparent W3C trace context of the submit
/// @param graph the ComfyUI graph as JSON; null when it is too large for a message and is to be
///   read by key
public record Assignment(
        LeaseKey lease,
        int tenant,
        int runTimeoutMs,
        boolean keepMetadata,
        @Nullable String traceparent,
        @Nullable String graph) {

    public Assignment withGraph(@Nullable String other) {
        return new Assignment(lease, tenant, runTimeoutMs, keepMetadata, traceparent, other);
    }
}
