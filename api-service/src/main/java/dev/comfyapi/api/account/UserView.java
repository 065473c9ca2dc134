package dev.comfyapi.api.account;

import dev.comfyapi.db.account.UserRow;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.UUID;

/// A local user as the API shows one.
///
/// @param invitedBy as the audit log calls them
/// @param passwordAt when the password was chosen
/// @param lastLoginAt null for never
@Schema(name = "User")
record UserView(
        UUID userId,
        String email,
        String role,
        Instant createdAt,
        String invitedBy,
        Instant passwordAt,
        @Nullable Instant lastLoginAt) {

    static UserView of(UserRow row) {
        return new UserView(
                row.id(),
                row.email(),
                row.role(),
                row.createdAt(),
                row.invitedBy(),
                row.passwordAt(),
                row.lastLoginAt());
    }
}
