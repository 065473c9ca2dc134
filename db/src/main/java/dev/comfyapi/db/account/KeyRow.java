package dev.comfyapi.db.account;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.List;
import java.util.UUID;

/// A key as its tenant sees it: without anything that would let one log in.
///
/// @param lookup the part of the key that finds it
/// @param role a named set of scopes; null when `scopes` lists them
/// @param createdBy the key that made it; null for the bootstrap command
/// @param rotatedTo the key that follows it
public record KeyRow(
        UUID id,
        int tenant,
        String lookup,
        String lastFour,
        String name,
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

    public KeyRow {
        scopes = List.copyOf(scopes);
        ipAllowlist = List.copyOf(ipAllowlist);
    }
}
