package dev.comfyapi.api.webhook;

import dev.comfyapi.api.batch.BatchView;
import dev.comfyapi.api.batch.Batches;
import dev.comfyapi.api.http.PublicUrl;
import dev.comfyapi.api.job.JobView;
import dev.comfyapi.api.job.Jobs;
import dev.comfyapi.db.webhook.ClaimedDelivery;
import dev.comfyapi.db.webhook.WebhookEndpointStore;
import dev.comfyapi.model.job.JobId;

import io.swagger.v3.oas.annotations.media.Schema;

import org.springframework.stereotype.Component;

import tools.jackson.databind.json.JsonMapper;

import java.time.Instant;
import java.util.UUID;

/// Writes what is sent, from how things stand when it is first sent.
@Component
final class WebhookBodies {

    private final Jobs jobs;
    private final Batches batches;
    private final WebhookEndpointStore endpoints;
    private final PublicUrl publicUrl;
    private final JsonMapper json;

    WebhookBodies(
            Jobs jobs,
            Batches batches,
            WebhookEndpointStore endpoints,
            PublicUrl publicUrl,
            JsonMapper json) {
        this.jobs = jobs;
        this.batches = batches;
        this.endpoints = endpoints;
        this.publicUrl = publicUrl;
        this.json = json;
    }

    /// @param timestamp when the event happened
    private record Message(String type, Instant timestamp, Object data) {}

    /// Describes a message about a job for the OpenAPI document.
    @Schema(name = "JobMessage")
    record JobMessage(
            @Schema(
                            allowableValues = {
                                "job.succeeded",
                                "job.failed",
                                "job.canceled",
                                "job.expired",
                                "job.started"
                            })
                    String type,
            @Schema(description = "When it happened") Instant timestamp,
            @Schema(description = "`revision` tells which of two messages is newer")
                    JobView data) {}

    /// Describes a message about a batch for the OpenAPI document.
    @Schema(name = "BatchMessage")
    record BatchMessage(
            @Schema(allowableValues = "batch.completed") String type,
            @Schema(description = "When it happened") Instant timestamp,
            BatchView data) {}

    /// What is left to say of a job whose content was deleted before its message was first sent.
    private record GoneJob(UUID jobId, String status) {}

    private record GoneEndpoint(UUID webhookEndpointId) {}

    private record GoneBatch(UUID batchId) {}

    String of(ClaimedDelivery delivery) {
        var event = delivery.event();
        return json.writeValueAsString(
                new Message(event.wire(), delivery.happenedAt(), data(delivery)));
    }

    private Object data(ClaimedDelivery delivery) {
        var subject = delivery.subject();
        return switch (delivery.event()) {
            case JOB_SUCCEEDED, JOB_FAILED, JOB_CANCELED, JOB_EXPIRED, JOB_STARTED -> job(delivery);
            case BATCH_COMPLETED ->
                    batches.find(delivery.tenant(), subject)
                            .<Object>map(batch -> batch)
                            .orElseGet(() -> new GoneBatch(subject));
            case ENDPOINT_DISABLED, ENDPOINT_TEST ->
                    endpoints
                            .find(delivery.tenant(), subject)
                            .<Object>map(EndpointView::of)
                            .orElseGet(() -> new GoneEndpoint(subject));
        };
    }

    private Object job(ClaimedDelivery delivery) {
        var subject = delivery.subject();
        return jobs.find(delivery.tenant(), new JobId(subject), publicUrl.ofService())
                .<Object>map(job -> job)
                .orElseGet(() ->
                        new GoneJob(subject, delivery.event().wire().substring("job.".length())));
    }
}
