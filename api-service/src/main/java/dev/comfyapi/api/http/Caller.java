package dev.comfyapi.api.http;

import org.jspecify.annotations.Nullable;
import org.springframework.security.core.context.SecurityContextHolder;

import java.time.Instant;
import java.util.Collection;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/// Who sent the request. Every read and write carries it.
///
/// @param tenant whose jobs the caller sees
/// @param suspended whether the tenant may start nothing
/// @param key the API key; null for a user, and on a platform without keys
/// @param session in which a local user has signed in; null for all others
/// @param actor what the audit log calls it: `key:ID`, `account:ID` for a local user,
///   `user:SUBJECT` for one of a provider, `local`
/// @param scopes what it may do
/// @param rates how often its tenant may ask
/// @param until when a user's token expires; null without one
public record Caller(
        int tenant,
        boolean suspended,
        @Nullable UUID key,
        @Nullable UUID session,
        String actor,
        Set<Scope> scopes,
        Rates rates,
        @Nullable Instant until) {

    /// What the actor of a local user begins with; the user's id follows.
    public static final String ACCOUNT = "account:";

    /// Requests a minute; null for no limit.
    public record Rates(
            @Nullable Integer submit, @Nullable Integer poll, @Nullable Integer upload) {

        public static final Rates UNLIMITED = new Rates(null, null, null);

        /// @param budget not `BY_METHOD`
        public @Nullable Integer of(Budget budget) {
            return switch (budget) {
                case SUBMIT -> submit;
                case POLL -> poll;
                case UPLOAD -> upload;
                case BY_METHOD -> throw new IllegalArgumentException("which budget is open");
            };
        }
    }

    /// Who sent the request of this thread.
    ///
    /// @throws IllegalStateException when nobody is known, which means that an operation for
    ///   everybody asks who calls
    public static Caller current() {
        var authentication = SecurityContextHolder.getContext().getAuthentication();
        if (authentication != null && authentication.getPrincipal() instanceof Caller caller) {
            return caller;
        }
        throw new IllegalStateException("An operation for everybody asks who calls");
    }

    public Caller {
        scopes = Set.copyOf(scopes);
    }

    /// The local user who it is; empty for all others.
    public Optional<UUID> account() {
        return actor.startsWith(ACCOUNT)
                ? Optional.of(UUID.fromString(actor.substring(ACCOUNT.length())))
                : Optional.empty();
    }

    public boolean may(Scope scope) {
        return scopes.contains(scope);
    }

    /// @throws ApiProblem when it may not
    public void require(Scope scope) {
        if (!may(scope)) {
            throw ApiProblem.of(
                            ProblemCode.SCOPE_MISSING,
                            "The key does not have the scope %s.".formatted(scope.wire()))
                    .with("scope", scope.wire());
        }
    }

    /// An operator who does for another tenant what that tenant could do itself.
    public Caller as(int other) {
        return other == tenant
                ? this
                : new Caller(other, false, null, session, actor, scopes, Rates.UNLIMITED, until);
    }

    /// Nobody can give away what they do not have.
    ///
    /// @throws ApiProblem when one of these is not the caller's own
    public void requireAll(Collection<Scope> wanted) {
        wanted.stream().sorted().forEach(this::require);
    }
}
