package dev.comfyapi.db.account;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.UUID;

/// A local user.
///
/// @param role a word of the API
/// @param invitedBy as the audit log calls them
/// @param lastLoginAt null for never
public record UserRow(
        UUID id,
        int tenant,
        String email,
        String role,
        Instant createdAt,
        String invitedBy,
        Instant passwordAt,
        @Nullable Instant lastLoginAt) {}
