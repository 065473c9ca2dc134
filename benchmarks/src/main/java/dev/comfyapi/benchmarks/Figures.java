package dev.comfyapi.benchmarks;

import java.util.Arrays;

/// Times of many runs of one thing, in milliseconds.
record Figures(double p50, double p99, double max, int count) {

    /// @param nanos any order
    static Figures of(long[] nanos) {
        if (nanos.length == 0) {
            throw new IllegalArgumentException("nothing was measured");
        }
        var sorted = nanos.clone();
        Arrays.sort(sorted);
        return new Figures(
                at(sorted, 0.50), at(sorted, 0.99), sorted[sorted.length - 1] / 1e6, sorted.length);
    }

    private static double at(long[] sorted, double share) {
        return sorted[Math.min(sorted.length - 1, (int) (sorted.length * share))] / 1e6;
    }

    @Override
    public String toString() {
        return "p50 %.1f ms, p99 %.1f ms, max %.1f ms (%d)".formatted(p50, p99, max, count);
    }
}
