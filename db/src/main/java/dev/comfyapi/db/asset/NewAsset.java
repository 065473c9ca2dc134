package dev.comfyapi.db.asset;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.List;
import java.util.UUID;

/// An asset on its way into the store.
///
/// @param sourceSha256 of what the client sent, in hex
/// @param lifetime from now; null for ever
public record NewAsset(
        UUID id,
        String purpose,
        @Nullable String filename,
        String contentType,
        String key,
        String sourceSha256,
        int width,
        int height,
        List<String> tags,
        @Nullable Duration lifetime) {

    public NewAsset {
        tags = List.copyOf(tags);
    }
}
