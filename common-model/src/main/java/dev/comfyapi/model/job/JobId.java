package dev.comfyapi.model.job;

import java.time.Instant;
import java.util.Optional;
import java.util.UUID;

/// The name of one job: a UUIDv7, so that ids sort by the time of submission.
public record JobId(UUID value) implements Comparable<JobId> {

    /// Before all others; no job has it.
    public static final JobId FIRST = new JobId(new UUID(0, 0));

    /// Reads the canonical lower-case form; anything else (other versions of writing the same UUID
    /// included) is no id.
    public static Optional<JobId> parse(String text) {
        if (text.length() != 36) {
            return Optional.empty();
        }
        try {
            var uuid = UUID.fromString(text);
            return uuid.toString().equals(text) ? Optional.of(new JobId(uuid)) : Optional.empty();
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /// When it was made; empty for a UUID of another version, which none of ours has.
    public Optional<Instant> time() {
        return value.version() == 7
                ? Optional.of(Instant.ofEpochMilli(value.getMostSignificantBits() >>> 16))
                : Optional.empty();
    }

    /// Orders as Postgres does: by the bytes, unsigned.
    @Override
    public int compareTo(JobId other) {
        int high =
                Long.compareUnsigned(
                        value.getMostSignificantBits(), other.value.getMostSignificantBits());
        return high != 0
                ? high
                : Long.compareUnsigned(
                        value.getLeastSignificantBits(), other.value.getLeastSignificantBits());
    }

    @Override
    public String toString() {
        return value.toString();
    }
}
