package dev.comfyapi.standalone;

/// Something that the person who starts it can mend; its message is one line that says how.
final class UsageException extends RuntimeException {

    UsageException(String message) {
        super(message);
    }
}
