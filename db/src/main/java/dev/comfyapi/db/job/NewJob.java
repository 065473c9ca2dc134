package dev.comfyapi.db.job;

import dev.comfyapi.db.webhook.JobWebhook;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.Priority;
import dev.comfyapi.model.workflow.Graph;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.List;
import java.util.UUID;

/// A job as it is accepted: checked, complete.
///
/// @param classId from [JobClassStore]
/// @param params the resolved parameters as a JSON object; null for a raw graph
/// @param metadata the client's own data as a JSON object
/// @param runAfter scheduled start; null for at once
/// @param startBy expires when not assigned by then; null for never
/// @param finishBy expires when not ended by then; null for never
/// @param expiresAt when job and files may be deleted
/// @param maxFailures failed attempts that end it, 1 to 10
/// @param runTimeoutMs longest run of one attempt
/// @param keepMetadata whether PNG text chunks stay in stored files
/// @param webhook an address that came with it and is told what becomes of it
/// @param customId its client's name for it in its batch
/// @param held whether it waits until its batch lets it into the queue; see [BatchStore#release]
public record NewJob(
        JobId id,
        int classId,
        Priority priority,
        Graph graph,
        @Nullable String params,
        String metadata,
        List<String> tags,
        @Nullable UUID batchId,
        @Nullable UUID retryOf,
        @Nullable String traceparent,
        @Nullable Instant runAfter,
        @Nullable Instant startBy,
        @Nullable Instant finishBy,
        @Nullable Instant expiresAt,
        int maxFailures,
        int runTimeoutMs,
        boolean keepMetadata,
        @Nullable JobWebhook webhook,
        @Nullable String customId,
        boolean held) {

    public NewJob {
        tags = List.copyOf(tags);
    }

    /// One that its batch, if it has one, neither names nor holds.
    public NewJob(
            JobId id,
            int classId,
            Priority priority,
            Graph graph,
            @Nullable String params,
            String metadata,
            List<String> tags,
            @Nullable UUID batchId,
            @Nullable UUID retryOf,
            @Nullable String traceparent,
            @Nullable Instant runAfter,
            @Nullable Instant startBy,
            @Nullable Instant finishBy,
            @Nullable Instant expiresAt,
            int maxFailures,
            int runTimeoutMs,
            boolean keepMetadata,
            @Nullable JobWebhook webhook) {
        this(
                id,
                classId,
                priority,
                graph,
                params,
                metadata,
                tags,
                batchId,
                retryOf,
                traceparent,
                runAfter,
                startBy,
                finishBy,
                expiresAt,
                maxFailures,
                runTimeoutMs,
                keepMetadata,
                webhook,
                null,
                false);
    }
}
