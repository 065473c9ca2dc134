package dev.comfyapi.faults;

import java.util.Arrays;

/// Seconds that many trials of one thing took.
record Times(double p50, double p99, double max) {

    /// @param nanos any order; none is no time at all
    static Times of(long[] nanos) {
        var sorted = nanos.clone();
        Arrays.sort(sorted);
        return new Times(at(sorted, 0.5), at(sorted, 0.99), at(sorted, 1));
    }

    private static double at(long[] sorted, double share) {
        return sorted.length == 0
                ? 0
                : sorted[Math.min(sorted.length - 1, (int) (sorted.length * share))] / 1e9;
    }

    @Override
    public String toString() {
        return "p50 %.1f s, p99 %.1f s, max %.1f s".formatted(p50, p99, max);
    }
}
