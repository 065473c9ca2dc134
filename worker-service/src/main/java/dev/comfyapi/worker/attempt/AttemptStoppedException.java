package dev.comfyapi.worker.attempt;

/// The attempt was told to stop, and ComfyUI does not run it any more.
final class AttemptStoppedException extends Exception {

    private final Stop reason;

    AttemptStoppedException(Stop reason) {
        super("stopped: " + reason);
        this.reason = reason;
    }

    Stop reason() {
        return reason;
    }
}
