package dev.comfyapi.api.outbound;

/// A URL that no connection is made to, in words fit for the client.
///
/// They never tell a closed address from one that does not exist: a client must not learn what is
/// in our network.
public final class UrlRefusedException extends Exception {

    UrlRefusedException(String message) {
        super(message);
    }
}
