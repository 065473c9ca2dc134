package dev.comfyapi.api.account;

import dev.comfyapi.api.http.Caller;

import org.jspecify.annotations.Nullable;
import org.springframework.security.authentication.AbstractAuthenticationToken;
import org.springframework.security.core.authority.AuthorityUtils;

import java.util.Objects;

/// Somebody whose request is known to be theirs.
final class Known extends AbstractAuthenticationToken {

    private final transient Caller caller;

    Known(Caller caller) {
        super(AuthorityUtils.NO_AUTHORITIES);
        this.caller = caller;
        super.setAuthenticated(true);
    }

    @Override
    public Caller getPrincipal() {
        return caller;
    }

    @Override
    public @Nullable Object getCredentials() {
        return null;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Known that && caller.equals(that.caller);
    }

    @Override
    public int hashCode() {
        return Objects.hashCode(caller);
    }
}
