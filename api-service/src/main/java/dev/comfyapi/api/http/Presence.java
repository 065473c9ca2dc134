package dev.comfyapi.api.http;

import jakarta.servlet.http.HttpServletRequest;

/// Whether the client of a request that is answered later is still there.
///
/// Servlets learn that only by writing. Tomcat can be asked to look whether the connection has come
/// to its end, without waiting.
@FunctionalInterface
public interface Presence {

    /// Where [PresenceValve] puts it.
    String ATTRIBUTE = Presence.class.getName();

    /// False when it is not known. Never to be asked after the request was answered: the connection
    /// belongs to the next request then.
    boolean isGone();

    static Presence of(HttpServletRequest request) {
        return request.getAttribute(ATTRIBUTE) instanceof Presence known ? known : () -> false;
    }
}
