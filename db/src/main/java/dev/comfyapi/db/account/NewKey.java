package dev.comfyapi.db.account;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.List;
import java.util.UUID;

/// A key about to be stored.
///
/// @param lookup the part of the key that finds it
/// @param hash HMAC of the whole key
/// @param role a named set of scopes; null when `scopes` lists them
/// @param createdBy the key that made it; null for the bootstrap command
@SuppressWarnings("ArrayRecordComponent")
public record NewKey(
        UUID id,
        String lookup,
        byte[] hash,
        String lastFour,
        String name,
        @Nullable String role,
        List<String> scopes,
        List<String> ipAllowlist,
        @Nullable UUID createdBy,
        @Nullable Instant expiresAt) {

    public NewKey {
        scopes = List.copyOf(scopes);
        ipAllowlist = List.copyOf(ipAllowlist);
    }
}
