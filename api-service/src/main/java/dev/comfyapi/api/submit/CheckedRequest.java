package dev.comfyapi.api.submit;

import dev.comfyapi.api.http.InvalidMember;
import dev.comfyapi.db.webhook.JobWebhook;
import dev.comfyapi.model.job.Priority;
import dev.comfyapi.model.workflow.Graph;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A request that can become a job: everything is in range and nothing is left to default.
///
/// @param graph what ComfyUI is to run
/// @param params the resolved parameters as a JSON object; null when the client sent the graph
/// @param runAfter scheduled start; null for at once
/// @param startWithin expires when it has not started by then; null for never
/// @param finishWithin expires when it has not ended by then; null for never
/// @param maxAttempts failed attempts that end it
/// @param keepMetadata whether PNG text chunks stay in stored files
/// @param pool whose workers are to run it
/// @param retention how long job and files are kept
/// @param webhook an address that is told what becomes of it
record CheckedRequest(
        Graph graph,
        @Nullable String params,
        Priority priority,
        @Nullable Instant runAfter,
        @Nullable Duration startWithin,
        @Nullable Duration finishWithin,
        Duration maxExecution,
        int maxAttempts,
        boolean keepMetadata,
        Duration retention,
        Map<String, String> metadata,
        List<String> tags,
        String pool,
        @Nullable JobWebhook webhook) {

    CheckedRequest {
        metadata = Map.copyOf(metadata);
        tags = List.copyOf(tags);
    }

    /// The same with another finish deadline.
    CheckedRequest finishingWithin(Duration span) {
        return with(span, webhook);
    }

    /// The same, telling another address.
    CheckedRequest telling(JobWebhook other) {
        return with(finishWithin, other);
    }

    private CheckedRequest with(@Nullable Duration span, @Nullable JobWebhook told) {
        return new CheckedRequest(
                graph,
                params,
                priority,
                runAfter,
                startWithin,
                span,
                maxExecution,
                maxAttempts,
                keepMetadata,
                retention,
                metadata,
                tags,
                pool,
                told);
    }

    /// Which of its deadlines no job submitted now could keep.
    Optional<InvalidMember> contradiction(Instant now) {
        return JobTerms.contradiction(now, runAfter, startWithin, finishWithin);
    }
}
