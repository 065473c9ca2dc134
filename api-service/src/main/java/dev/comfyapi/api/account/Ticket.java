package dev.comfyapi.api.account;

import jakarta.servlet.http.HttpServletRequest;

import org.jspecify.annotations.Nullable;
import org.springframework.security.authentication.AbstractAuthenticationToken;
import org.springframework.security.core.authority.AuthorityUtils;

import java.util.Objects;
import java.util.UUID;
import java.util.regex.Pattern;

/// The text of a ticket, `wst_` and 256 random bits in base64url, as a request shows it that wants
/// a WebSocket: in the query, where keys never are, because it is worth nothing when it is read in
/// a log afterwards. Not checked yet.
final class Ticket extends AbstractAuthenticationToken {

    private static final String PATH = "/ws/";
    private static final Pattern FORM = Pattern.compile("wst_[0-9A-Za-z_-]{43}");
    private final transient String text;
    private final String path;

    private Ticket(String text, String path) {
        super(AuthorityUtils.NO_AUTHORITIES);
        this.text = text;
        this.path = path;
    }

    /// One that nobody guesses.
    static String random() {
        return OneTimeToken.random("wst_");
    }

    /// Null when the request shows none, or is not for a WebSocket: tickets mean nothing elsewhere.
    static @Nullable Ticket of(HttpServletRequest request) {
        if (!request.getMethod().equals("GET") || !request.getRequestURI().startsWith(PATH)) {
            return null;
        }
        var shown = request.getParameter("ticket");
        return shown == null ? null : new Ticket(shown, request.getRequestURI());
    }

    boolean isWellFormed() {
        return FORM.matcher(text).matches();
    }

    byte[] hash() {
        return OneTimeToken.hash(text);
    }

    /// Whether the request is about this job.
    boolean isFor(UUID job) {
        return path.equals(PATH + "jobs/" + job);
    }

    @Override
    public Object getCredentials() {
        return text;
    }

    @Override
    public Object getPrincipal() {
        return "somebody";
    }

    @Override
    public String toString() {
        return "Ticket for " + path;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Ticket that && text.equals(that.text) && path.equals(that.path);
    }

    @Override
    public int hashCode() {
        return Objects.hash(text, path);
    }
}
