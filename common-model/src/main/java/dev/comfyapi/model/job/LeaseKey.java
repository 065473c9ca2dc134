package dev.comfyapi.model.job;

import java.nio.charset.StandardCharsets;
import java.util.UUID;

/// What a worker must name in each of its writes: the job, which assignment of it, and itself.
///
/// @param epoch how many times the job had been assigned when this lease was made, from 1
/// @param worker id of the worker process that holds the lease
public record LeaseKey(JobId job, int epoch, long worker) {

    /// ComfyUI's prompt id for this attempt: the same for the same assignment, never the same for
    /// two.
    ///
    /// Derived, so that a worker that lost the reply to its POST can ask for it again without
    /// having stored anything.
    public UUID attemptId() {
        return UUID.nameUUIDFromBytes((job + "/" + epoch).getBytes(StandardCharsets.UTF_8));
    }
}
