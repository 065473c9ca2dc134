package dev.comfyapi.simulator;

/// A run that began.
///
/// @param startedNanos `System.nanoTime()` when the worker took it from the queue
/// @param endedNanos the same for its end; 0 while it runs
public record Execution(String promptId, long startedNanos, long endedNanos, Outcome outcome) {

    /// How a run ended.
    public enum Outcome {
        /// It has not ended.
        RUNNING,
        /// Every output was made.
        SUCCEEDED,
        /// A node raised an error, out of memory included.
        FAILED,
        /// Someone cancelled it in time.
        INTERRUPTED,
        /// The server forgot it: a restart, or the fault that empties the queue.
        LOST
    }
}
