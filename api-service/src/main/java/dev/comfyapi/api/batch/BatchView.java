package dev.comfyapi.api.batch;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;

import dev.comfyapi.db.job.BatchRow;
import dev.comfyapi.db.job.BatchStore;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.time.Instant;
import java.util.UUID;

/// A batch as clients see it.
///
/// @param status `running` until its last job has ended; then `succeeded` when all did,
///   `partially_succeeded` when some did, and when none did `canceled` if you canceled it, else
///   `failed`, or `expired` when none failed
/// @param counts null in lists while it runs: read it by its id
/// @param progress the part of its jobs that have ended, 0 to 1; null where counts are
/// @param maxConcurrency most of its jobs that wait in the queue or run at one time; null for no
///   limit
/// @param finishBy what has not ended by then expires
/// @param canceledAt when you canceled it, whatever had ended before
/// @param expiresAt when the last of its jobs is deleted, and it too; null while it runs
/// @param location where to read it again; only in the answer to a submit
@Schema(name = "Batch", description = "Jobs that came together")
public record BatchView(
        UUID batchId,
        @Nullable String name,
        @Schema(
                        allowableValues = {
                            "running",
                            "succeeded",
                            "partially_succeeded",
                            "failed",
                            "canceled",
                            "expired"
                        })
                String status,
        int total,
        @Nullable Counts counts,
        @Nullable Double progress,
        @Nullable Integer maxConcurrency,
        boolean failFast,
        Instant createdAt,
        @Nullable Instant finishBy,
        @Nullable Instant canceledAt,
        @Nullable Instant finishedAt,
        @Nullable Instant expiresAt,
        @Schema(types = "object") JsonNode metadata,
        Urls urls,
        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String location) {

    private static final JsonMapper JSON = JsonMapper.shared();

    /// How many of its jobs there are of each kind.
    ///
    /// @param queued all that have not begun, for whatever reason
    @Schema(name = "BatchCounts")
    public record Counts(
            int total,
            int queued,
            int running,
            int succeeded,
            int failed,
            int canceled,
            int expired) {}

    /// @param results what succeeded, a JSON object in each line, in the order of completion
    /// @param errors the same of what ended otherwise
    @Schema(name = "BatchUrls")
    public record Urls(
            String self,
            String cancel,
            String jobs,
            String results,
            String errors,
            String events) {}

    /// @param counts null to leave them out while it runs
    static BatchView of(BatchRow row, BatchStore.@Nullable Counts counts) {
        var self = "/api/v1/batches/" + row.id();
        var known =
                row.status().isFinal()
                        ? counts(row.total(), new BatchStore.Counts(row.ended(), 0))
                        : counts == null ? null : counts(row.total(), counts);
        return new BatchView(
                row.id(),
                row.name(),
                row.status().wire(),
                row.total(),
                known,
                known == null
                        ? null
                        : (Double) (1 - (known.queued + known.running) / (double) row.total()),
                row.maxConcurrency(),
                row.failFast(),
                row.createdAt(),
                row.finishBy(),
                row.canceledAt(),
                row.finishedAt(),
                row.expiresAt(),
                JSON.readTree(row.metadata()),
                new Urls(
                        self,
                        self + "/cancel",
                        "/api/v1/jobs?batch_id=" + row.id(),
                        self + "/results.jsonl",
                        self + "/errors.jsonl",
                        "/api/v1/events?batch_id=" + row.id()),
                null);
    }

    private static Counts counts(int total, BatchStore.Counts counts) {
        var ended = counts.ended();
        return new Counts(
                total,
                Math.max(0, total - ended.all() - counts.running()),
                counts.running(),
                ended.succeeded(),
                ended.failed(),
                ended.canceled(),
                ended.expired());
    }

    @JsonIgnore
    public boolean isFinal() {
        return finishedAt != null;
    }

    /// The same batch, with where to read it again.
    public BatchView located() {
        return new BatchView(
                batchId,
                name,
                status,
                total,
                counts,
                progress,
                maxConcurrency,
                failFast,
                createdAt,
                finishBy,
                canceledAt,
                finishedAt,
                expiresAt,
                metadata,
                urls,
                urls.self);
    }
}
