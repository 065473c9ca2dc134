package dev.comfyapi.db.webhook;

import org.jspecify.annotations.Nullable;

import java.time.Instant;

/// One time that a message was sent.
///
/// @param status HTTP status of the answer; null when there was none
/// @param error what went wrong; null for a delivery
/// @param headers JSON object of what was sent
/// @param answer the beginning of the answer
public record AttemptRow(
        Instant at,
        int durationMs,
        @Nullable Integer status,
        @Nullable String error,
        String headers,
        @Nullable String answer) {}
