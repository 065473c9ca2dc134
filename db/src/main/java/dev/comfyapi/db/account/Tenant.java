package dev.comfyapi.db.account;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
import java.util.UUID;

/// A tenant as operators see it.
///
/// @param id the small number that stays inside
/// @param uid what clients call it
/// @param overrides JSON of the limits that were set for it alone
/// @param deletedAt when the last of it was gone; what is left is this row
/// @param receipt JSON of what was deleted; null until it is
public record Tenant(
        int id,
        UUID uid,
        String name,
        String tier,
        Limits limits,
        String overrides,
        boolean suspended,
        boolean deleting,
        Instant createdAt,
        @Nullable Instant deletedAt,
        @Nullable String receipt) {}
