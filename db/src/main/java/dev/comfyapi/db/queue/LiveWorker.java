package dev.comfyapi.db.queue;

import org.jspecify.annotations.Nullable;

/// A worker that is not gone, as the leader sees it.
///
/// @param accepting whether it takes new jobs, was heard lately, and no operator wishes otherwise
/// @param quarantined whether an operator has put it out of use
/// @param loaded the main model it ran last, as `folder/name`
/// @param catalogueHash hex; names what [LeaderStore#catalogue] answers
public record LiveWorker(
        long id,
        String name,
        String pool,
        int lane,
        boolean accepting,
        boolean quarantined,
        @Nullable String loaded,
        @Nullable Integer vramMb,
        String catalogueHash) {}
