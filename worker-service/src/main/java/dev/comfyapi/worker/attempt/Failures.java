package dev.comfyapi.worker.attempt;

import dev.comfyapi.model.job.ErrorCode;
import dev.comfyapi.model.job.JobError;
import dev.comfyapi.worker.comfyui.ExecutionError;
import dev.comfyapi.worker.comfyui.Submission;

import org.jspecify.annotations.Nullable;

import java.util.regex.Pattern;

/// Says what ComfyUI's errors mean for the job, in words fit for its client.
final class Failures {

    /// The most stable sign of it across versions.
    private static final String OOM_SENTENCE = "ran out of memory on your GPU";

    private static final Pattern CUDA =
            Pattern.compile("CUDA error|CUBLAS_STATUS|CUDNN_STATUS|cudaError|HIP error");

    /// A path of the GPU host: two folders or more, or a drive. Possessive: otherwise a long one
    /// takes frames of the stack for each of its parts.
    private static final Pattern PATH =
            Pattern.compile("(?:[A-Za-z]:\\\\|/)(?:[^\\s/\\\\'\":]++[/\\\\])++");

    private static final int LONGEST = 500;

    private Failures() {}

    static JobError of(ExecutionError error) {
        return new JobError(
                code(error),
                presentable(error.message()),
                orNull(error.nodeId()),
                orNull(error.classType()),
                orNull(error.exceptionType()));
    }

    private static ErrorCode code(ExecutionError error) {
        @Nullable String type = error.exceptionType();
        if (error.message().contains(OOM_SENTENCE)
                || (type != null && type.endsWith("OutOfMemoryError"))) {
            return ErrorCode.OOM;
        }
        return CUDA.matcher(error.message()).find()
                ? ErrorCode.CUDA_FAULT
                : ErrorCode.NODE_EXECUTION_ERROR;
    }

    static JobError of(Submission.Refused refused) {
        var code =
                switch (refused.reason()) {
                    case MISSING_NODE -> ErrorCode.MISSING_NODE;
                    case MISSING_MODEL -> ErrorCode.MISSING_MODEL;
                    case INVALID -> ErrorCode.INVALID_WORKFLOW;
                };
        return new JobError(
                code,
                presentable(refused.message()),
                orNull(refused.nodeId()),
                orNull(refused.classType()),
                null);
    }

    private static @Nullable String orNull(@Nullable String text) {
        return text == null ? null : presentable(text);
    }

    /// One paragraph without folders of the host and without characters Postgres refuses.
    private static String presentable(String text) {
        var line = PATH.matcher(text).replaceAll("").replaceAll("\\p{Cntrl}+", " ").strip();
        return line.length() <= LONGEST ? line : line.substring(0, LONGEST) + "…";
    }
}
