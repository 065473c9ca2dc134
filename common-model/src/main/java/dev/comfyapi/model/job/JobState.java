package dev.comfyapi.model.job;

/// What `job.state` stores. A job leaves [#LIVE] once, by one guarded statement, and never changes
/// again.
public enum JobState {
    /// Accepted and not ended: exactly one token row says where it is.
    LIVE(0),
    /// A worker stored its artifacts and recorded them.
    SUCCEEDED(1),
    /// Ended by its own error, by too many failed attempts or by too many lost workers.
    FAILED(2),
    /// Ended by its client; a worker may still be busy stopping it.
    CANCELED(3),
    /// Not started, or not finished, before its deadline; a worker may still be busy stopping it.
    EXPIRED(4);

    private final short code;

    JobState(int code) {
        this.code = (short) code;
    }

    /// The number in the database.
    public short code() {
        return code;
    }

    public static JobState ofCode(int code) {
        for (var state : values()) {
            if (state.code == code) {
                return state;
            }
        }
        throw new IllegalArgumentException("no job state has the code " + code);
    }

    public boolean isFinal() {
        return this != LIVE;
    }
}
