package dev.comfyapi.db.account;

import java.time.Instant;
import java.util.UUID;

/// An invitation that nobody has accepted yet; it may have expired.
///
/// @param role a word of the API
/// @param invitedBy as the audit log calls them
public record InvitationRow(
        UUID id,
        String email,
        String role,
        String invitedBy,
        Instant createdAt,
        Instant expiresAt) {}
