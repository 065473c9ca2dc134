package dev.comfyapi.api.account;

import com.fasterxml.jackson.annotation.JsonInclude;

import dev.comfyapi.db.account.InvitationRow;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.UUID;

/// An invitation as the API shows it.
///
/// @param invitation the token, shown this once; absent ever after
/// @param invitedBy as the audit log calls them
@Schema(name = "Invitation")
record InvitationView(
        UUID invitationId,
        @Schema(
                        description =
                                "The token for `POST /api/v1/auth/register`, in the first answer only")
                @JsonInclude(JsonInclude.Include.NON_NULL)
                @Nullable String invitation,
        String email,
        String role,
        String invitedBy,
        Instant createdAt,
        Instant expiresAt) {

    static InvitationView of(InvitationRow row) {
        return showing(row, null);
    }

    static InvitationView showing(InvitationRow row, @Nullable String token) {
        return new InvitationView(
                row.id(),
                token,
                row.email(),
                row.role(),
                row.invitedBy(),
                row.createdAt(),
                row.expiresAt());
    }
}
