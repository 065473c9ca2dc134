package dev.comfyapi.worker.attempt;

import dev.comfyapi.model.job.Artifact;
import dev.comfyapi.model.job.JobError;

import java.time.Duration;
import java.util.List;

/// How one attempt ended. The worker says what happened; the queue decides what follows.
sealed interface AttemptOutcome {

    /// @param gpu how long ComfyUI ran it
    /// @param store how long fetching and storing took
    record Succeeded(List<Artifact> artifacts, boolean reused, Duration gpu, Duration store)
            implements AttemptOutcome {
        public Succeeded {
            artifacts = List.copyOf(artifacts);
        }
    }

    record Failed(JobError error) implements AttemptOutcome {}

    /// ComfyUI has not begun it, and somebody else may do so sooner. Not counted as an attempt.
    record Released() implements AttemptOutcome {}

    /// Its client has canceled it; ComfyUI has stopped.
    record Canceled() implements AttemptOutcome {}

    /// The lease was lost: whatever this worker would say, nobody listens.
    record Abandoned() implements AttemptOutcome {}

    /// The word in metrics and logs.
    default String word() {
        return switch (this) {
            case Succeeded _ -> "succeeded";
            case Failed(var error) -> error.code().wire();
            case Released _ -> "released";
            case Canceled _ -> "canceled";
            case Abandoned _ -> "abandoned";
        };
    }
}
