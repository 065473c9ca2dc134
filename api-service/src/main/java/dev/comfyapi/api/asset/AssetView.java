package dev.comfyapi.api.asset;

import com.fasterxml.jackson.annotation.JsonProperty;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.List;
import java.util.UUID;

/// An asset as clients read it.
///
/// @param id the same as `asset_id`
/// @param sha256 of the stored file, which is the one behind `url`
/// @param hash of what was sent, as `expected_hash` is written
@Schema(name = "Asset")
record AssetView(
        @Schema(description = "UUIDv7") UUID assetId,
        UUID id,
        @Schema(allowableValues = "asset") String object,
        @Schema(allowableValues = {"pending", "ready", "failed"}) String status,
        @Schema(allowableValues = {"input", "mask", "control"}) String purpose,
        @Nullable String filename,
        String contentType,
        long sizeBytes,
        @JsonProperty("sha256") @Schema(description = "Of the stored file, in hex") String sha256,
        @Schema(description = "Of what was sent, as `expected_hash` is written") String hash,
        int width,
        int height,
        @Nullable Integer durationMs,
        Instant createdAt,
        @Nullable Instant expiresAt,
        @Nullable UUID jobId,
        @Schema(description = "Signed; good until `url_expires_at`") String url,
        Instant urlExpiresAt,
        List<String> tags) {

    AssetView {
        tags = List.copyOf(tags);
    }
}
