package dev.comfyapi.db.job;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/// How a batch stands. All but the first are final.
public enum BatchStatus {
    /// One of its jobs lives, or the leader has not yet seen that none does.
    RUNNING(0),
    /// All of its jobs succeeded.
    SUCCEEDED(1),
    /// Some did.
    PARTIALLY_SUCCEEDED(2),
    /// None did, and one failed.
    FAILED(3),
    /// None did, and its client canceled it, or all of them.
    CANCELED(4),
    /// None did, none failed, and one expired.
    EXPIRED(5);

    private final int code;

    BatchStatus(int code) {
        this.code = code;
    }

    /// The number in the database.
    public int code() {
        return code;
    }

    /// The word in the API.
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    public boolean isFinal() {
        return this != RUNNING;
    }

    static BatchStatus ofCode(int code) {
        return Arrays.stream(values())
                .filter(status -> status.code == code)
                .findFirst()
                .orElseThrow(() ->
                        new IllegalArgumentException("no status of a batch has the code " + code));
    }

    public static Optional<BatchStatus> ofWire(String word) {
        return Arrays.stream(values()).filter(status -> status.wire().equals(word)).findFirst();
    }
}
