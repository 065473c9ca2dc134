package dev.comfyapi.api.webhook;

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
    private final WebhookEndpointStore endpoints;
    private final PublicUrl publicUrl;
    private final JsonMapper json;

    WebhookBodies(Jobs jobs, WebhookEndpointStore endpoints, PublicUrl publicUrl, JsonMapper json) {
        this.jobs = jobs;
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

    /// What is left to say of a job whose content was deleted before its message was first sent.
    private record GoneJob(UUID jobId, String status) {}

    private record GoneEndpoint(UUID webhookEndpointId) {}

    String of(ClaimedDelivery delivery) {
        var event = delivery.event();
        return json.writeValueAsString(
                new Message(event.wire(), delivery.happenedAt(), data(delivery)));
    }

    private Object data(ClaimedDelivery delivery) {
        var subject = delivery.subject();
        if (!delivery.event().isOfJob()) {
            return endpoints
                    .find(delivery.tenant(), subject)
                    .<Object>map(EndpointView::of)
                    .orElseGet(() -> new GoneEndpoint(subject));
        }
        return jobs.find(delivery.tenant(), new JobId(subject), publicUrl.ofService())
                .<Object>map(job -> job)
                .orElseGet(() ->
                        new GoneJob(subject, delivery.event().wire().substring("job.".length())));
    }
}
