package dev.comfyapi.cli;

/// The service refused a request, or could not be reached. The message is for the person at the
/// terminal and says what to do next.
final class ServiceException extends Exception {

    private final ExitCode exitCode;

    ServiceException(ExitCode exitCode, String message) {
        super(message);
        this.exitCode = exitCode;
    }

    ExitCode exitCode() {
        return exitCode;
    }
}
