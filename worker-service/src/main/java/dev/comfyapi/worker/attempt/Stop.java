package dev.comfyapi.worker.attempt;

/// Why an attempt shall end early. A later one replaces an earlier one, never the other way round.
public enum Stop {
    /// Give it back unless ComfyUI has begun it.
    RELEASE,
    /// End it, it failed: the worker has no time left.
    GIVE_UP,
    /// Its client has canceled it.
    CANCEL,
    /// The lease is another's or nobody's.
    LOST
}
