package dev.comfyapi.db.job;

import dev.comfyapi.db.webhook.JobWebhook;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.UUID;

/// A batch as it is accepted, in the transaction that accepts its jobs.
///
/// @param name its client's word for it
/// @param total how many jobs come with it
/// @param maxConcurrency most of its jobs in the queue and with workers at one time; null for no
///   limit. With one, all of its jobs come held
/// @param finishBy when all of its jobs shall have ended; null for never
/// @param metadata the client's own data as a JSON object
/// @param webhook an address that is told of its end; null when none is
public record NewBatch(
        UUID id,
        @Nullable String name,
        int total,
        @Nullable Integer maxConcurrency,
        boolean failFast,
        @Nullable Instant finishBy,
        String metadata,
        @Nullable JobWebhook webhook) {}
