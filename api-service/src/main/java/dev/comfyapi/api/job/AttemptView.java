package dev.comfyapi.api.job;

import dev.comfyapi.db.job.JobStore.AttemptRow;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.LeaseKey;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.List;
import java.util.UUID;

/// One run of a job on a worker, as clients see it.
///
/// @param number which assignment of the job it was; numbers are left out when a worker gave the
///   job back without having begun
/// @param attemptId ComfyUI's prompt id
/// @param worker its name; null when it is long gone
/// @param assignedAt null for the last attempt of a job that succeeded or was canceled
/// @param startedAt when ComfyUI began
@Schema(name = "Attempt")
record AttemptView(
        int number,
        UUID attemptId,
        @Nullable String worker,
        @Schema(
                        allowableValues = {
                            "assigned",
                            "running",
                            "succeeded",
                            "failed",
                            "lost",
                            "canceled",
                            "expired"
                        })
                String outcome,
        @Nullable Instant assignedAt,
        @Nullable Instant startedAt,
        @Nullable Instant endedAt,
        JobView.@Nullable Failure error) {

    /// @param attempts oldest first
    @Schema(name = "Attempts")
    record Attempts(List<AttemptView> attempts) {
        Attempts {
            attempts = List.copyOf(attempts);
        }
    }

    static AttemptView of(JobId job, AttemptRow row) {
        return new AttemptView(
                row.epoch(),
                // The worker is no part of the attempt's id.
                new LeaseKey(job, row.epoch(), 0).attemptId(),
                row.worker(),
                row.outcome(),
                row.assignedAt(),
                row.startedAt(),
                row.endedAt(),
                row.errorCode() == null
                        ? null
                        : JobViews.failure(row.errorCode(), row.error(), row.epoch()));
    }
}
