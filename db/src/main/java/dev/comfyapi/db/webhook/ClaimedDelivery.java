package dev.comfyapi.db.webhook;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.UUID;

/// A message that a sender has for the time of its lease.
///
/// @param claim which claim it is; part of what the sender writes
/// @param url null when the endpoint is gone
/// @param enabled false when its endpoint is disabled or gone
/// @param tries failed tries of this round
/// @param body whose UTF-8 bytes are sent; null before the first try
public record ClaimedDelivery(
        UUID id,
        int claim,
        int tenant,
        @Nullable UUID endpoint,
        @Nullable String url,
        boolean enabled,
        WebhookEvent event,
        UUID subject,
        Instant happenedAt,
        int tries,
        @Nullable String body) {}
