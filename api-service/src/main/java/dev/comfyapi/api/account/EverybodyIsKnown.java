package dev.comfyapi.api.account;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.Caller.Rates;
import dev.comfyapi.api.http.NamedOrigins;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.http.ProblemWriter;
import dev.comfyapi.api.http.Scope;

import jakarta.servlet.DispatcherType;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

import org.jspecify.annotations.Nullable;
import org.springframework.security.core.context.SecurityContextHolder;

import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.util.Optional;
import java.util.Set;

/// On a platform without keys everybody on this machine is the first tenant and may do everything;
/// not so the pages that somebody's browser shows here.
///
/// Any page can have the browser send requests to loopback. Browsers then name the page's `Origin`;
/// and when the page's own name was made to mean loopback, that name is in `Host`. Neither gets in,
/// unless it is a name of this machine or one that the operator gave.
final class EverybodyIsKnown implements Filter {

    private static final Set<String> READING = Set.of("GET", "HEAD", "OPTIONS");

    private final Known somebody =
            new Known(
                    new Caller(1, false, null, null, "local", Scope.all(), Rates.UNLIMITED, null));
    private final NamedOrigins origins;
    private final Optional<String> publicHost;

    /// @param origins pages of these may call
    /// @param publicHost the name that the operator gave to this service
    EverybodyIsKnown(NamedOrigins origins, Optional<String> publicHost) {
        this.origins = origins;
        this.publicHost = publicHost;
    }

    @Override
    public void doFilter(ServletRequest asked, ServletResponse answer, FilterChain chain)
            throws IOException, ServletException {
        var request = (HttpServletRequest) asked;
        if (request.getDispatcherType() == DispatcherType.REQUEST && isFromElsewhere(request)) {
            ProblemWriter.write(
                    request,
                    (HttpServletResponse) answer,
                    ApiProblem.of(
                            ProblemCode.FORBIDDEN,
                            "This service asks for no keys, so it answers to names of its own"
                                    + " machine only, and not to pages of others."));
            return;
        }
        SecurityContextHolder.getContext().setAuthentication(somebody);
        chain.doFilter(request, answer);
    }

    private boolean isFromElsewhere(HttpServletRequest request) {
        var origin = request.getHeader("Origin");
        boolean changes = !READING.contains(request.getMethod());
        return !isOurs(request.getServerName())
                || (changes
                        && origin != null
                        && !origins.contains(origin)
                        && !isSame(origin, request.getHeader("Host")));
    }

    private boolean isOurs(String host) {
        if (host.equals("localhost")
                || host.endsWith(".localhost")
                || publicHost.filter(host::equalsIgnoreCase).isPresent()) {
            return true;
        }
        try {
            return InetAddress.ofLiteral(
                            host.startsWith("[") ? host.substring(1, host.length() - 1) : host)
                    .isLoopbackAddress();
        } catch (IllegalArgumentException _) {
            return false;
        }
    }

    private static boolean isSame(String origin, @Nullable String host) {
        try {
            return String.valueOf(URI.create(origin).getAuthority()).equals(host);
        } catch (IllegalArgumentException _) {
            return false;
        }
    }
}
