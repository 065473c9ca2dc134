package dev.comfyapi.api.account;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.ProblemCode;

import jakarta.servlet.http.HttpServletRequest;

import org.jspecify.annotations.Nullable;
import org.springframework.security.authentication.AbstractAuthenticationToken;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.authority.AuthorityUtils;

import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/// What a request shows to prove who it is from, not checked yet.
///
/// One header with one key, or a ticket. Two of them are refused: which one counts would be a
/// matter of taste, and a proxy's may be another than ours.
final class Credentials extends AbstractAuthenticationToken {

    private static final String BEARER = "bearer ";

    private final transient String shown;
    private final String address;

    Credentials(String shown, String address) {
        super(AuthorityUtils.NO_AUTHORITIES);
        this.shown = shown;
        this.address = address;
    }

    /// A key, a token or a [Ticket]; null when the request shows nothing. Other schemes than
    /// `Bearer` are not for us.
    static @Nullable Authentication of(HttpServletRequest request) {
        var keys = Collections.list(request.getHeaders("X-API-Key"));
        var bearers =
                Collections.list(request.getHeaders("Authorization")).stream()
                        .filter(header -> header.toLowerCase(Locale.ROOT).startsWith(BEARER))
                        .map(header -> header.substring(BEARER.length()).strip())
                        .toList();
        var ticket = Ticket.of(request);
        if (keys.size() + bearers.size() + (ticket == null ? 0 : 1) > 1) {
            throw new RefusedException(
                    ApiProblem.of(
                            ProblemCode.UNAUTHENTICATED,
                            "The request shows more than one key; send one."));
        }
        if (ticket != null) {
            return ticket;
        }
        var shown = keys.isEmpty() ? bearers : List.of(keys.getFirst().strip());
        return shown.isEmpty() ? null : new Credentials(shown.getFirst(), request.getRemoteAddr());
    }

    String shown() {
        return shown;
    }

    /// Where the request comes from, in digits.
    String address() {
        return address;
    }

    @Override
    public Object getCredentials() {
        return shown;
    }

    @Override
    public Object getPrincipal() {
        return "somebody";
    }

    @Override
    public String toString() {
        return "Credentials from " + address;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Credentials that
                && shown.equals(that.shown)
                && address.equals(that.address);
    }

    @Override
    public int hashCode() {
        return Objects.hash(shown, address);
    }
}
