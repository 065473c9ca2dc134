package dev.comfyapi.api.asset;

/// A file could not be fetched from an address, in words fit for the client.
///
/// They never tell a closed address from one that does not answer: a client must not learn what is
/// in our network.
final class ImportRefusedException extends Exception {

    /// Whose fault it is.
    enum Reason {
        /// The address is none that files are fetched from.
        ADDRESS,
        /// The other side did not answer as it should.
        ANSWER,
        /// The file is too large.
        SIZE
    }

    private final Reason reason;

    ImportRefusedException(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    Reason reason() {
        return reason;
    }
}
