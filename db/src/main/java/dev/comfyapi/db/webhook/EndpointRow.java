package dev.comfyapi.db.webhook;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.UUID;

/// A registered address.
///
/// @param tags told of jobs only that have one of these; empty for all
/// @param disabledReason why the service disabled it; null when it is enabled, or its owner did
/// @param failingSince the first of the failures that nothing but failures followed
public record EndpointRow(
        UUID id,
        int tenant,
        String url,
        Set<WebhookEvent> events,
        List<String> tags,
        String description,
        boolean enabled,
        @Nullable String disabledReason,
        @Nullable Instant disabledAt,
        @Nullable Instant failingSince,
        boolean asymmetric,
        Instant createdAt) {

    public EndpointRow {
        events = Set.copyOf(events);
        tags = List.copyOf(tags);
    }
}
