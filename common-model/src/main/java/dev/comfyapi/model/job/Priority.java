package dev.comfyapi.model.job;

/// How urgent a job is, −2 (last) to 2 (first); the queue's *band* is the same upside down, 0
/// (first) to 4.
public record Priority(int value) {

    public static final int LOWEST = -2;
    public static final int HIGHEST = 2;
    public static final Priority NORMAL = new Priority(0);

    public Priority {
        if (value < LOWEST || value > HIGHEST) {
            throw new IllegalArgumentException("priority %d is outside −2 … 2".formatted(value));
        }
    }

    public static Priority ofBand(int band) {
        return new Priority(HIGHEST - band);
    }

    /// This one, or the highest that is allowed when that is lower.
    public Priority atMost(Priority highest) {
        return value <= highest.value ? this : highest;
    }

    public short band() {
        return (short) (HIGHEST - value);
    }
}
