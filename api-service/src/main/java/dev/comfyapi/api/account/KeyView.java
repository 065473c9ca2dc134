package dev.comfyapi.api.account;

import com.fasterxml.jackson.annotation.JsonInclude;

import dev.comfyapi.db.account.KeyRow;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.List;
import java.util.UUID;

/// A key as clients see it.
///
/// @param apiKey the key itself, once: in the answer that made it
/// @param hint what it looks like: enough to tell keys apart
/// @param status `active`, `expired` or `revoked`
/// @param role a named set of scopes, which follows when there are new operations
/// @param scopes what it may do
/// @param lastUsedAt about when, a minute late
@Schema(name = "ApiKey")
record KeyView(
        UUID apiKeyId,
        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String apiKey,
        String name,
        String hint,
        String status,
        @Nullable String role,
        List<String> scopes,
        List<String> ipAllowlist,
        Instant createdAt,
        @Nullable UUID createdBy,
        @Nullable Instant expiresAt,
        @Nullable Instant revokedAt,
        @Nullable UUID rotatedTo,
        @Nullable Instant lastUsedAt,
        @Nullable String lastUsedIp) {

    KeyView {
        scopes = List.copyOf(scopes);
        ipAllowlist = List.copyOf(ipAllowlist);
    }

    static KeyView of(KeyRow row, Instant now) {
        boolean expired = row.expiresAt() != null && !now.isBefore(row.expiresAt());
        return new KeyView(
                row.id(),
                null,
                row.name(),
                "…_%s_…%s".formatted(row.lookup(), row.lastFour()),
                row.revokedAt() != null ? "revoked" : expired ? "expired" : "active",
                row.role(),
                KeyCheck.scopes(row).stream().map(scope -> scope.wire()).sorted().toList(),
                row.ipAllowlist(),
                row.createdAt(),
                row.createdBy(),
                row.expiresAt(),
                row.revokedAt(),
                row.rotatedTo(),
                row.lastUsedAt(),
                row.lastUsedIp());
    }

    KeyView showing(ApiKey key) {
        return new KeyView(
                apiKeyId,
                key.text(),
                name,
                hint,
                status,
                role,
                scopes,
                ipAllowlist,
                createdAt,
                createdBy,
                expiresAt,
                revokedAt,
                rotatedTo,
                lastUsedAt,
                lastUsedIp);
    }
}
