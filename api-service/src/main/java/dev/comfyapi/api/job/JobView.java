package dev.comfyapi.api.job;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;

import java.math.BigDecimal;
import java.time.Instant;
import java.util.List;
import java.util.UUID;

/// A job as clients see it.
///
/// @param phase where exactly it is; an open set of words
/// @param progress 0 to 1
/// @param imageUrl the first picture's link
/// @param params the parameters with defaults filled in and the seed drawn
/// @param queue while it waits
/// @param customId your name for it in its batch
/// @param queuedAt since when it waits for a worker; null while its start is in the future
/// @param expiresAt when the job and its files are deleted; not before it has ended
/// @param erasedAt when its content was erased
/// @param revision never falls, and rises with every visible change; opaque
/// @param location where to read it again; only in the answer to a submit
/// @param message what a request to cancel came to; only in its answer
@Schema(name = "Job", description = "A request for pictures, from acceptance to one final status")
public record JobView(
        UUID jobId,
        @Schema(
                        allowableValues = {
                            "scheduled",
                            "queued",
                            "running",
                            "succeeded",
                            "failed",
                            "canceled",
                            "expired"
                        })
                String status,
        @Nullable String phase,
        double progress,
        @Nullable ProgressDetail progressDetail,
        @Nullable String imageUrl,
        @Nullable Result result,
        @Nullable Failure error,
        @Schema(types = "object") @Nullable JsonNode params,
        @Nullable Queue queue,
        int priority,
        String pool,
        @Nullable UUID batchId,
        @Nullable String customId,
        @Nullable UUID retryOf,
        @Nullable Attempt attempt,
        Instant createdAt,
        @Nullable Instant queuedAt,
        @Nullable Instant startedAt,
        @Nullable Instant finishedAt,
        @Nullable Instant runAfter,
        @Nullable Instant startBy,
        @Nullable Instant finishBy,
        @Nullable Instant expiresAt,
        @Nullable Instant erasedAt,
        Timings timings,
        @Schema(types = "object") JsonNode metadata,
        List<String> tags,
        long revision,
        Urls urls,
        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String location,
        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String message) {

    public JobView {
        tags = List.copyOf(tags);
    }

    /// What ComfyUI is doing.
    @Schema(name = "JobProgress")
    public record ProgressDetail(
            int nodesDone,
            int nodesTotal,
            @Nullable String currentNode,
            @Nullable String currentNodeClass,
            int step,
            int steps,
            Instant updatedAt) {}

    /// @param generationTime seconds that ComfyUI ran it
    /// @param reused whether ComfyUI answered from its cache
    @Schema(name = "JobResult")
    public record Result(
            @Nullable BigDecimal generationTime, boolean reused, List<File> artifacts) {
        public Result {
            artifacts = List.copyOf(artifacts);
        }
    }

    /// One output file.
    ///
    /// @param url signed: anybody who has it may read the file until it expires
    @Schema(name = "Artifact")
    public record File(
            int index,
            String kind,
            String url,
            Instant urlExpiresAt,
            String contentType,
            long sizeBytes,
            @Nullable Integer width,
            @Nullable Integer height,
            @Nullable String seed,
            String sha256,
            String nodeId,
            String filename) {}

    /// Why a job failed.
    ///
    /// @param fault whose doing it is: client, workflow or platform
    @Schema(name = "JobError")
    public record Failure(
            String code,
            String message,
            boolean retryable,
            String fault,
            @Nullable String nodeId,
            @Nullable String classType,
            @Nullable String exceptionType,
            @Schema(types = "object") @Nullable JsonNode details,
            @Nullable Integer attempt) {}

    /// Why it waits. In lists of jobs neither the position nor the times are said.
    ///
    /// @param positionInTenant among your own waiting jobs of the same kind and priority, from 1,
    ///   counted to 1000, then `1000+`; null when it does not wait in line
    /// @param estimatedStartAt likely time, an estimate; null when nobody can tell
    /// @param estimatedStartP90At in nine cases of ten it has started by then
    /// @param capableWorkers live workers that have what the job needs
    /// @param feasible whether there is any
    /// @param reason what it waits for; the same word as `phase`
    /// @param detail the same as a sentence
    @Schema(name = "JobQueue")
    public record Queue(
            @Schema(types = {"integer", "string", "null"}) @Nullable Object positionInTenant,
            @Nullable Instant estimatedStartAt,
            @Nullable Instant estimatedStartP90At,
            int capableWorkers,
            boolean feasible,
            String reason,
            String detail) {}

    /// The newest run of the job on a worker.
    ///
    /// @param attemptId ComfyUI's prompt id
    @Schema(name = "JobAttempt")
    public record Attempt(int number, int max, UUID attemptId, @Nullable String worker) {}

    @Schema(name = "JobTimings")
    public record Timings(
            @Nullable Long queueMs,
            @Nullable Long loadMs,
            @Nullable Long executionMs,
            @Nullable Long storeMs,
            @Nullable Long totalMs) {}

    @Schema(name = "JobUrls")
    public record Urls(
            String self, String cancel, String events, String websocket, String workflow) {}

    @JsonIgnore
    public boolean isFinal() {
        return finishedAt != null;
    }

    /// The same job, with where to read it again.
    public JobView located() {
        return with(urls.self(), message);
    }

    JobView saying(String words) {
        return with(location, words);
    }

    private JobView with(@Nullable String place, @Nullable String words) {
        return new JobView(
                jobId,
                status,
                phase,
                progress,
                progressDetail,
                imageUrl,
                result,
                error,
                params,
                queue,
                priority,
                pool,
                batchId,
                customId,
                retryOf,
                attempt,
                createdAt,
                queuedAt,
                startedAt,
                finishedAt,
                runAfter,
                startBy,
                finishBy,
                expiresAt,
                erasedAt,
                timings,
                metadata,
                tags,
                revision,
                urls,
                place,
                words);
    }
}
