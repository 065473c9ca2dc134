package dev.comfyapi.model.job;

import java.util.EnumSet;
import java.util.Set;

/// Where the one token of a live job is. A place without successors is the end.
public enum TokenPlace {
    /// Waiting for a time: a scheduled start, or the pause before another attempt. The leader's
    /// promote moves it on.
    DELAYED,
    /// Waiting for a worker. The leader's assign moves it on; expire ends it.
    QUEUE,
    /// Given to a worker, who completes, fails or releases it. If the worker dies the leader's reap
    /// takes it back.
    LEASE,
    /// The job is over.
    GONE;

    /// The places a single statement may move the token to.
    public Set<TokenPlace> successors() {
        return switch (this) {
            case DELAYED -> EnumSet.of(QUEUE, GONE);
            case QUEUE -> EnumSet.of(LEASE, GONE);
            case LEASE -> EnumSet.of(QUEUE, DELAYED, GONE);
            case GONE -> EnumSet.noneOf(TokenPlace.class);
        };
    }
}
