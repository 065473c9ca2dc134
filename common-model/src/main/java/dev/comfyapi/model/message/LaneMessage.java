package dev.comfyapi.model.message;

import dev.comfyapi.model.job.LeaseKey;

import org.jspecify.annotations.Nullable;

/// To one worker, on its lane. The worker drops what names another worker or an assignment it
/// already knows.
public sealed interface LaneMessage {

    LeaseKey lease();

    /// Run this. The lease already exists; a lost message is found again at the worker's next
    /// heartbeat.
    ///
    /// @param sealedGraph the graph, which only those can read who reach the database; null when it
    ///   is too large for a message
    record Assign(Assignment assignment, @Nullable String sealedGraph) implements LaneMessage {
        @Override
        public LeaseKey lease() {
            return assignment.lease();
        }
    }

    /// Stop this: its client has canceled it or its deadline has passed, and the job is final
    /// already.
    record Cancel(LeaseKey lease) implements LaneMessage {}
}
