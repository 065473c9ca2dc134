package dev.comfyapi.db.job;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.UUID;

/// A batch as it is stored.
///
/// @param canceledAt when its client canceled it
/// @param finishedAt when its last job was seen to have ended
/// @param ended how its jobs ended; zeros before the end
/// @param expiresAt when the last of its jobs may be deleted; null before the end
/// @param metadata JSON object
public record BatchRow(
        UUID id,
        @Nullable String name,
        BatchStatus status,
        int total,
        @Nullable Integer maxConcurrency,
        boolean failFast,
        Instant createdAt,
        @Nullable Instant finishBy,
        @Nullable Instant canceledAt,
        @Nullable Instant finishedAt,
        Ended ended,
        @Nullable Instant expiresAt,
        String metadata) {

    /// How many jobs ended how.
    public record Ended(int succeeded, int failed, int canceled, int expired) {

        public int all() {
            return succeeded + failed + canceled + expired;
        }
    }
}
