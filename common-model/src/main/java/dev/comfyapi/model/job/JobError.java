package dev.comfyapi.model.job;

import org.jspecify.annotations.Nullable;

/// Why a job failed, as the client is told.
///
/// @param message one sentence for a person; never a path or a stack trace of ours
/// @param nodeId the node of the graph that failed, when one did
/// @param exceptionType ComfyUI's name of the error, when it gave one
public record JobError(
        ErrorCode code,
        String message,
        @Nullable String nodeId,
        @Nullable String classType,
        @Nullable String exceptionType) {

    public static JobError of(ErrorCode code, String message) {
        return new JobError(code, message, null, null, null);
    }
}
