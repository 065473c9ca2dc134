package dev.comfyapi.worker.attempt;

import dev.comfyapi.model.job.ErrorCode;
import dev.comfyapi.model.job.JobError;

/// A step found that the attempt has failed. Never leaves the pipeline: there it becomes a value.
final class AttemptFailedException extends Exception {

    private final JobError error;

    AttemptFailedException(JobError error) {
        super(error.code() + ": " + error.message());
        this.error = error;
    }

    AttemptFailedException(ErrorCode code, String message) {
        this(JobError.of(code, message));
    }

    JobError error() {
        return error;
    }
}
