package dev.comfyapi.api.webhook;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonRawValue;

import dev.comfyapi.db.webhook.AttemptRow;
import dev.comfyapi.db.webhook.DeliveryRow;
import dev.comfyapi.db.webhook.WebhookEvent;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.List;
import java.util.UUID;

/// A message as clients see it.
///
/// @param webhookEndpointId null when the address came with the job
/// @param url null when the endpoint is gone
/// @param failure why it was given up
/// @param attemptCount tries so far, those before a replay included
/// @param body exactly what is sent; null before the first try. Not in lists
/// @param attempts oldest first. Not in lists
@Schema(name = "WebhookDelivery")
record DeliveryView(
        @Schema(description = "The `webhook-id`", pattern = "^msg_[0-9a-f]{32}$")
                String webhookDeliveryId,
        @Nullable UUID webhookEndpointId,
        @Nullable String url,
        @Schema(example = "job.succeeded") String event,
        @Nullable UUID jobId,
        @Nullable UUID batchId,
        Instant happenedAt,
        @Schema(allowableValues = {"pending", "delivered", "failed"}) String status,
        @Nullable String failure,
        @Nullable Instant nextAttemptAt,
        @Nullable Instant endedAt,
        int attemptCount,
        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String body,
        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable List<Attempt> attempts) {

    /// One time that it was sent.
    ///
    /// @param status HTTP status of the answer; null when there was none
    /// @param error null for a delivery
    /// @param requestHeaders what was sent
    /// @param responseBody its first 2 KiB
    @Schema(name = "WebhookAttempt")
    record Attempt(
            Instant at,
            int durationMs,
            @Nullable Integer status,
            @Nullable String error,
            @JsonRawValue @Schema(types = "object") String requestHeaders,
            @Nullable String responseBody) {

        static Attempt of(AttemptRow row) {
            return new Attempt(
                    row.at(),
                    row.durationMs(),
                    row.status(),
                    row.error(),
                    row.headers(),
                    row.answer());
        }
    }

    static DeliveryView of(DeliveryRow row) {
        return of(row, null);
    }

    /// @param attempts null to leave them and the body out
    static DeliveryView of(DeliveryRow row, @Nullable List<AttemptRow> attempts) {
        return new DeliveryView(
                MessageId.of(row.id()),
                row.endpoint(),
                row.url(),
                row.event().wire(),
                row.event().isOfJob() ? row.subject() : null,
                row.event() == WebhookEvent.BATCH_COMPLETED ? row.subject() : null,
                row.happenedAt(),
                row.state().wire(),
                row.failure(),
                row.nextAt(),
                row.endedAt(),
                row.attempts(),
                attempts == null ? null : row.body(),
                attempts == null ? null : attempts.stream().map(Attempt::of).toList());
    }
}
