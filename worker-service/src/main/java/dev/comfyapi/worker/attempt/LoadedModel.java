package dev.comfyapi.worker.attempt;

import org.jspecify.annotations.Nullable;

/// The main model ComfyUI ran last, and so probably has in memory. Thread-safe.
public final class LoadedModel {

    private volatile @Nullable String name;

    /// As `folder/name`; null when nothing is known to be loaded.
    public @Nullable String name() {
        return name;
    }

    void ran(String affinity) {
        name = affinity.isEmpty() ? null : affinity;
    }

    void forget() {
        name = null;
    }
}
