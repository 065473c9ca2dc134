package dev.comfyapi.worker.comfyui;

import org.jspecify.annotations.Nullable;

/// What ComfyUI says of its host.
///
/// @param version its own, or `unknown`
/// @param gpu what it calls the first device; null when it does not say
/// @param vramMb of the first device; null without a GPU
public record SystemStats(String version, @Nullable String gpu, @Nullable Integer vramMb) {

    /// Whether it has all that a worker likes to use: cancel by prompt id came with 0.26, and
    /// before 0.28 results answered from the cache could be missing from history.
    public boolean isRecommended() {
        var parts = version.split("[^0-9]+", -1);
        if (parts.length < 2 || parts[0].isEmpty()) {
            return true;
        }
        try {
            int major = Integer.parseInt(parts[0]);
            return major > 0 || Integer.parseInt(parts[1]) >= 28;
        } catch (NumberFormatException _) {
            return true;
        }
    }
}
