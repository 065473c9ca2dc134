package dev.comfyapi.api.webhook;

import com.fasterxml.jackson.annotation.JsonInclude;

import dev.comfyapi.db.webhook.EndpointRow;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.List;
import java.util.UUID;

/// An endpoint as clients see it.
///
/// @param disabledReason why the service disabled it
/// @param failingSince since when nothing but failures came of it
/// @param secret of HMAC; only in the answer to its making
/// @param publicKey of Ed25519; only in the answer to its making, and among the well-known keys
@Schema(name = "WebhookEndpoint")
record EndpointView(
        UUID webhookEndpointId,
        String url,
        List<String> events,
        String description,
        @Schema(allowableValues = {"hmac", "ed25519"}) String signature,
        Filter filter,
        boolean enabled,
        @Nullable @Schema(allowableValues = {"gone", "unreachable"}) String disabledReason,
        @Nullable Instant disabledAt,
        @Nullable Instant failingSince,
        Instant createdAt,
        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String secret,
        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String publicKey) {

    EndpointView {
        events = List.copyOf(events);
    }

    /// @param tags told of jobs only that have one of these; empty for all
    @Schema(name = "WebhookFilter")
    record Filter(List<String> tags) {
        Filter {
            tags = List.copyOf(tags);
        }
    }

    static EndpointView of(EndpointRow row) {
        return of(row, null);
    }

    /// @param made the key that was just made, to be shown this once
    static EndpointView of(EndpointRow row, @Nullable SigningKey made) {
        return new EndpointView(
                row.id(),
                row.url(),
                Subscription.words(row.events()),
                row.description(),
                row.asymmetric() ? "ed25519" : "hmac",
                new Filter(row.tags()),
                row.enabled(),
                row.disabledReason(),
                row.disabledAt(),
                row.failingSince(),
                row.createdAt(),
                made instanceof SigningKey.Hmac ? made.forReceiver() : null,
                made instanceof SigningKey.Ed25519 ? made.forReceiver() : null);
    }
}
