package dev.comfyapi.db.asset;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.List;
import java.util.UUID;

/// One asset that is ready to be used.
///
/// @param key in the artifact store
/// @param sha256 of the stored file, in hex
/// @param sourceSha256 of what the client sent, in hex
public record AssetRow(
        UUID id,
        String purpose,
        @Nullable String filename,
        String contentType,
        String key,
        long sizeBytes,
        String sha256,
        String sourceSha256,
        int width,
        int height,
        List<String> tags,
        Instant createdAt,
        @Nullable Instant expiresAt) {

    public AssetRow {
        tags = List.copyOf(tags);
    }
}
