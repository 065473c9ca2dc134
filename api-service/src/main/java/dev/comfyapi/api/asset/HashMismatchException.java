package dev.comfyapi.api.asset;

/// What arrived is not what the client meant to send.
final class HashMismatchException extends Exception {

    private final String actual;

    /// @param actual SHA-256 of what arrived, in hex
    HashMismatchException(String actual) {
        super("the file has another hash");
        this.actual = actual;
    }

    String actual() {
        return actual;
    }
}
