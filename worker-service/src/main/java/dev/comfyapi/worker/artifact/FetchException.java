package dev.comfyapi.worker.artifact;

import java.io.IOException;

/// The bytes did not come from ComfyUI as they should; the store is not to blame.
public final class FetchException extends IOException {

    /// What was wrong.
    public enum Problem {
        /// ComfyUI reported the file and does not have it.
        MISSING,
        /// It is larger than this worker stores.
        TOO_LARGE,
        /// Its name leads out of ComfyUI's output folder.
        UNSAFE_NAME,
        /// Cut off, empty or not answered.
        BROKEN
    }

    private final Problem problem;

    FetchException(Problem problem, String message) {
        super(message);
        this.problem = problem;
    }

    FetchException(IOException cause) {
        super("an output file could not be read from ComfyUI", cause);
        this.problem = Problem.BROKEN;
    }

    public Problem problem() {
        return problem;
    }
}
