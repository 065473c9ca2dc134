package dev.comfyapi.cli;

/// What the process ends with, so that scripts can tell what happened.
enum ExitCode {

    /// All went well.
    DONE(0),
    /// A job ended in another way than by success.
    JOB_NOT_SUCCEEDED(1),
    /// The command or the request is wrong.
    REFUSED(2),
    /// The service could not be reached, or is in trouble itself: trying again may help.
    UNAVAILABLE(3);

    private final int status;

    ExitCode(int status) {
        this.status = status;
    }

    int status() {
        return status;
    }
}
