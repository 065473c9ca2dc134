package dev.comfyapi.model.job;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/// What clients see of a job. Derived from [JobState] and the token, never stored. The last four
/// are final.
public enum JobStatus {
    SCHEDULED,
    QUEUED,
    RUNNING,
    SUCCEEDED,
    FAILED,
    CANCELED,
    EXPIRED;

    /// The word in the API.
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    public static Optional<JobStatus> ofWire(String word) {
        return Arrays.stream(values()).filter(status -> status.wire().equals(word)).findFirst();
    }

    public boolean isFinal() {
        return switch (this) {
            case SCHEDULED, QUEUED, RUNNING -> false;
            case SUCCEEDED, FAILED, CANCELED, EXPIRED -> true;
        };
    }

    /// The status of a job that has ended this way.
    ///
    /// @throws IllegalArgumentException for [JobState#LIVE]: its status depends on its token
    public static JobStatus of(JobState state) {
        return switch (state) {
            case LIVE ->
                    throw new IllegalArgumentException("the status of a live job is its token's");
            case SUCCEEDED -> SUCCEEDED;
            case FAILED -> FAILED;
            case CANCELED -> CANCELED;
            case EXPIRED -> EXPIRED;
        };
    }
}
