package dev.comfyapi.api.asset;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.util.List;

/// What an upload has; only for the description of the API.
@Schema(name = "AssetUpload")
record UploadBody(
        @Schema(requiredMode = Schema.RequiredMode.REQUIRED, type = "string", format = "binary")
                String file,
        @Nullable @Schema(allowableValues = {"input", "mask", "control"}) String purpose,
        @Nullable @Schema(description = "For display; the name of the file when absent")
                String filename,
        @Nullable @Schema(description = "`sha256:` and 64 hex digits") String expectedHash,
        @Nullable @Schema(minimum = "60", maximum = "604800") Integer expiresIn,
        @Nullable List<String> tags) {}
