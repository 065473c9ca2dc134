package dev.comfyapi.api.webhook;

import io.swagger.v3.oas.annotations.media.Schema;

import java.time.Instant;
import java.util.List;

/// Describe the bodies of webhook requests for the OpenAPI document; [WebhookForm] reads the real
/// ones.
final class EndpointBody {

    private EndpointBody() {}

    private static final String EVENTS =
            "`job.completed` (the usual) means `job.succeeded`, `job.failed`, `job.canceled` and"
                    + " `job.expired`; `job.started` and `batch.completed` besides";

    @Schema(
            name = "WebhookEndpointRequest",
            additionalProperties = Schema.AdditionalPropertiesValue.FALSE)
    record Creating(
            @Schema(
                            requiredMode = Schema.RequiredMode.REQUIRED,
                            maxLength = 2048,
                            description = "https, of a public host",
                            example = "https://app.example/hook")
                    String url,
            @Schema(description = EVENTS) List<String> events,
            @Schema(maxLength = 500) String description,
            @Schema(
                            allowableValues = {"hmac", "ed25519"},
                            defaultValue = "hmac")
                    String signature,
            FilterBody filter,
            @Schema(defaultValue = "true") Boolean enabled) {}

    @Schema(
            name = "WebhookEndpointChange",
            additionalProperties = Schema.AdditionalPropertiesValue.FALSE)
    record Changing(
            @Schema(maxLength = 2048) String url,
            @Schema(description = EVENTS) List<String> events,
            @Schema(maxLength = 500) String description,
            FilterBody filter,
            @Schema(description = "Enabling one forgets how it failed") Boolean enabled) {}

    @Schema(name = "WebhookFilterRequest")
    record FilterBody(
            @Schema(description = "Told of jobs that have one of these; empty for all")
                    List<String> tags) {}

    @Schema(name = "SecretRotation")
    record Rotating(
            @Schema(
                            minimum = "0",
                            maximum = "604800",
                            defaultValue = "86400",
                            description = "How long the key before signs beside the new one")
                    Integer overlapS) {}

    @Schema(name = "WebhookReplay")
    record Replaying(
            @Schema(requiredMode = Schema.RequiredMode.REQUIRED) Instant since,
            @Schema(description = "Until now unless given") Instant until,
            @Schema(
                            allowableValues = {"failed", "delivered"},
                            defaultValue = "failed")
                    String status) {}
}
