package dev.comfyapi.artifact;

/// A file that is not taken, and why. The file is to blame, not the disk it was read from.
public final class RefusedFileException extends Exception {

    /// What is wrong with it.
    public enum Reason {
        /// It is nothing that is taken at all.
        TYPE,
        /// It is cut off, or its parts do not fit together.
        BROKEN,
        /// It would be too large when decoded.
        TOO_MANY_PIXELS,
        /// It has more than one picture.
        ANIMATED,
        /// Something else follows after its end.
        TRAILING
    }

    private final Reason reason;

    RefusedFileException(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    static RefusedFileException cut() {
        return broken("ends in the middle");
    }

    static RefusedFileException broken(String message) {
        return new RefusedFileException(Reason.BROKEN, message);
    }

    public Reason reason() {
        return reason;
    }
}
