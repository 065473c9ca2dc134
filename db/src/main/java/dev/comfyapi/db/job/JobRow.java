package dev.comfyapi.db.job;

import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.JobState;
import dev.comfyapi.model.job.JobStatus;
import dev.comfyapi.model.job.LeaseStage;
import dev.comfyapi.model.job.Priority;
import dev.comfyapi.model.job.Revision;
import dev.comfyapi.model.job.TokenPlace;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.List;
import java.util.UUID;

/// A job and its token as they were at one moment.
///
/// @param place where its token is; [TokenPlace#GONE] when the job has ended
/// @param stage of its lease; [LeaseStage#ASSIGNED] when it has none
/// @param progress 0 to 1, as the last heartbeat said
/// @param epoch how many times it was assigned
/// @param failures failed attempts so far; 0 when it has ended
/// @param losses lost workers so far; 0 when it has ended
/// @param edits how often its client has changed it
/// @param dueAt when a delayed token moves on; when it may, if its batch holds it
/// @param held whether it waits for nothing but its turn in its batch
/// @param worker name of the worker of the newest attempt
/// @param models files it needs, as `folder/name`
/// @param nodes node classes it needs
/// @param customId its client's name for it in its batch
/// @param expiresAt when it is deleted; for a live job the earliest such time
/// @param erasedAt when its client had its content erased
/// @param error JSON; null unless failed or expired
/// @param result JSON with the artifacts; null unless succeeded
/// @param params JSON; null for a raw graph
/// @param metadata JSON object
public record JobRow(
        JobId id,
        int tenant,
        JobState state,
        TokenPlace place,
        LeaseStage stage,
        double progress,
        int epoch,
        int failures,
        int losses,
        int edits,
        @Nullable Instant dueAt,
        boolean held,
        @Nullable String worker,
        Priority priority,
        int maxFailures,
        String pool,
        List<String> models,
        List<String> nodes,
        Instant createdAt,
        @Nullable Instant runAfter,
        @Nullable Instant startBy,
        @Nullable Instant finishBy,
        @Nullable Instant expiresAt,
        @Nullable Instant erasedAt,
        @Nullable Instant startedAt,
        @Nullable Instant finishedAt,
        @Nullable Integer gpuMs,
        @Nullable Integer storeMs,
        @Nullable UUID batchId,
        @Nullable String customId,
        @Nullable UUID retryOf,
        List<String> tags,
        String metadata,
        @Nullable String params,
        @Nullable String errorCode,
        @Nullable String error,
        @Nullable String result) {

    /// What clients see.
    public JobStatus status() {
        if (state.isFinal()) {
            return JobStatus.of(state);
        }
        return switch (place) {
            case DELAYED -> epoch == 0 && !held ? JobStatus.SCHEDULED : JobStatus.QUEUED;
            case QUEUE -> JobStatus.QUEUED;
            case LEASE -> stage == LeaseStage.ASSIGNED ? JobStatus.QUEUED : JobStatus.RUNNING;
            case GONE ->
                    throw new IllegalStateException("job %s lives without a token".formatted(id));
        };
    }

    /// Where exactly it is, as a word; null when it has ended. An open set: clients only show it.
    public @Nullable String phase() {
        return switch (place) {
            case GONE -> null;
            case DELAYED -> held ? "waiting_concurrency" : epoch == 0 ? null : "backoff";
            case QUEUE -> "waiting_capacity";
            case LEASE ->
                    switch (stage) {
                        case ASSIGNED -> "assigned";
                        case RUNNING -> "executing";
                        case STORING -> "storing";
                    };
        };
    }

    /// Never falls; see [Revision].
    public long revision() {
        return switch (place) {
            case GONE -> edits + Revision.ended(epoch);
            case DELAYED -> edits + (held ? Revision.queued(epoch) : Revision.delayed(epoch));
            case QUEUE -> edits + Revision.queued(epoch);
            case LEASE -> revision(stage, progress);
        };
    }

    /// The same, if its worker has come this far.
    public long revision(LeaseStage stage, double progress) {
        return edits + Revision.leased(epoch, stage, progress);
    }
}
