package dev.comfyapi.db.webhook;

import org.jspecify.annotations.Nullable;

import java.util.UUID;

/// A key of signatures as it is stored.
///
/// @param kind 1 HMAC-SHA256, 2 Ed25519
/// @param sealed the HMAC key or the Ed25519 seed
/// @param publicKey of Ed25519, as receivers write it
public record NewSecret(UUID id, int kind, String sealed, @Nullable String publicKey) {}
