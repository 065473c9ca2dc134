package dev.comfyapi.model.job;

/// How far a worker is with a lease; written by its heartbeat, never falls within one lease.
public enum LeaseStage {
    /// The worker has it, or will hear of it; ComfyUI is not running it yet.
    ASSIGNED(0),
    /// ComfyUI runs it.
    RUNNING(1),
    /// ComfyUI is done; the files are being fetched and stored. The GPU is free.
    STORING(2);

    private final short code;

    LeaseStage(int code) {
        this.code = (short) code;
    }

    /// The number in the database.
    public short code() {
        return code;
    }

    public static LeaseStage ofCode(int code) {
        for (var stage : values()) {
            if (stage.code == code) {
                return stage;
            }
        }
        throw new IllegalArgumentException("no lease stage has the code " + code);
    }
}
