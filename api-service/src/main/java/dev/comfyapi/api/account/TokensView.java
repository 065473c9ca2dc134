package dev.comfyapi.api.account;

import io.swagger.v3.oas.annotations.media.Schema;

import java.util.UUID;

/// What somebody gets who has signed in; in the words of OAuth 2 (RFC 6749, 5.1).
///
/// @param expiresIn seconds for which the access token is good
/// @param refreshToken good once
/// @param refreshExpiresIn seconds for which that is good
@Schema(name = "Tokens")
record TokensView(
        @Schema(description = "For `Authorization: Bearer`") String accessToken,
        String tokenType,
        long expiresIn,
        @Schema(description = "For `POST /api/v1/auth/refresh`, good once") String refreshToken,
        long refreshExpiresIn,
        UUID userId) {}
