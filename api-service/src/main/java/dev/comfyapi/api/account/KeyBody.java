package dev.comfyapi.api.account;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.List;
import java.util.UUID;

/// The body that makes or changes a key, as it is described; it is read by [KeyForm].
@Schema(name = "ApiKeyRequest")
record KeyBody(
        @Schema(description = "What people call it", minLength = 1, maxLength = 100) String name,
        @Schema(
                        description = "A named set of scopes; give either this or `scopes`",
                        allowableValues = {"owner", "admin", "developer", "viewer", "operator"})
                @Nullable String role,
        @Schema(description = "What it may do, such as `jobs:read`; never more than your own key")
                @Nullable List<String> scopes,
        @Schema(description = "Not valid from then on") @Nullable Instant expiresAt,
        @Schema(description = "Networks it may be used from, such as `10.0.0.0/8`")
                @Nullable List<String> ipAllowlist,
        @Schema(description = "For operators, when making one: the tenant that the key is for")
                @Nullable UUID tenantId) {

    KeyBody {
        scopes = scopes == null ? null : List.copyOf(scopes);
        ipAllowlist = ipAllowlist == null ? null : List.copyOf(ipAllowlist);
    }

    /// The body that rotates a key.
    @Schema(name = "ApiKeyRotation")
    record Rotation(
            @Schema(
                            description = "How many seconds the old key stays good",
                            minimum = "0",
                            maximum = "2592000",
                            defaultValue = "3600")
                    @Nullable Integer overlapS) {}
}
