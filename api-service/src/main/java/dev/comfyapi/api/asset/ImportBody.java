package dev.comfyapi.api.asset;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.util.List;

/// What an import says; only for the description of the API, it is read member by member.
@Schema(name = "AssetImport")
record ImportBody(
        @Schema(
                        requiredMode = Schema.RequiredMode.REQUIRED,
                        description = "`https:`, `http:`, or `data:` with base64 up to 256 KiB")
                String url,
        @Nullable @Schema(allowableValues = {"input", "mask", "control"}) String purpose,
        @Nullable String filename,
        @Nullable @Schema(description = "`sha256:` and 64 hex digits") String expectedHash,
        @Nullable @Schema(minimum = "60", maximum = "604800") Integer expiresIn,
        @Nullable List<String> tags) {}
