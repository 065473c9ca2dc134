package dev.comfyapi.api.account;

import com.fasterxml.uuid.Generators;
import com.fasterxml.uuid.impl.TimeBasedEpochGenerator;

import dev.comfyapi.api.audit.Audit;
import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.db.account.SessionStore;
import dev.comfyapi.db.account.UserStore;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionTemplate;

import java.time.Instant;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/// Lets local users in, keeps them in, and out. Thread-safe.
///
/// A refresh token is good once: using it gives the next. When one is shown a second time, two have
/// it, and nobody knows which of them is the user; so the session ends for both (RFC 9700, 4.14.2).
@Component
final class Sessions {

    private static final Logger LOG = LoggerFactory.getLogger(Sessions.class);
    private static final String REFRESH = "cur_";

    private final SessionStore store;
    private final UserStore users;
    private final Passwords passwords;
    private final Attempts attempts;
    private final AccessTokens tokens;
    private final UserProperties properties;
    private final TransactionTemplate transactions;
    private final Audit audit;
    private final TimeBasedEpochGenerator ids = Generators.timeBasedEpochGenerator();

    Sessions(
            SessionStore store,
            UserStore users,
            Passwords passwords,
            Attempts attempts,
            AccessTokens tokens,
            UserProperties properties,
            TransactionTemplate transactions,
            Audit audit) {
        this.store = store;
        this.users = users;
        this.passwords = passwords;
        this.attempts = attempts;
        this.tokens = tokens;
        this.properties = properties;
        this.transactions = transactions;
        this.audit = audit;
    }

    /// A new session. An unknown address and a wrong password are answered alike, and after as
    /// long.
    ///
    /// @param address the caller's, in digits
    /// @throws ApiProblem when they are wrong, or too many were tried
    TokensView signIn(String email, String password, String address) {
        attempts.from(address);
        attempts.of(email);
        Optional<UserStore.Credentials> found = users.credentials(email);
        boolean right =
                passwords.isRight(
                        password, found.map(UserStore.Credentials::password).orElse(null));
        if (!right || found.isEmpty()) {
            throw unauthenticated("The e-mail address or the password is wrong.");
        }
        users.noteLogin(found.get().tenant(), found.get().id());
        return open(found.get().tenant(), found.get().id(), found.get().passwordAt());
    }

    /// A session of a user who has proved who they are.
    ///
    /// @param passwordAt when the password was chosen that they showed
    TokensView open(int tenant, UUID user, Instant passwordAt) {
        var session = ids.generate();
        var refresh = OneTimeToken.random(REFRESH);
        var hash = OneTimeToken.hash(refresh);
        if (!store.open(tenant, session, user, passwordAt, hash, properties.refresh())) {
            throw unauthenticated("The user was removed.");
        }
        return view(user, session, refresh);
    }

    /// @throws ApiProblem when the token is not good
    TokensView refresh(String refresh) {
        var hash = OneTimeToken.hash(refresh);
        var next = OneTimeToken.random(REFRESH);
        return store.refresh(hash, OneTimeToken.hash(next), properties.refresh())
                .map(going -> view(going.user(), going.session(), next))
                .orElseThrow(() -> {
                    endReused(hash);
                    return unauthenticated(
                            "The refresh token was used, has expired or was never one; sign in"
                                    + " again.");
                });
    }

    private void endReused(byte[] hash) {
        transactions.executeWithoutResult(_ ->
                store.endReused(hash)
                        .ifPresent(ended -> {
                            audit.note(
                                    callerOf(ended.tenant(), ended.user()),
                                    "session.reuse_detected",
                                    "session",
                                    ended.session(),
                                    null,
                                    null);
                            LOG.warn(
                                    "A refresh token of user {} was used twice; the session is"
                                            + " ended",
                                    ended.user());
                        }));
    }

    /// Ends the session of this refresh token. Nothing happens when there is none.
    void signOut(String refresh) {
        store.end(OneTimeToken.hash(refresh));
    }

    void forgetExpired() {
        store.forgetExpired();
    }

    /// A user who is known though the request showed no access token.
    static Caller callerOf(int tenant, UUID user) {
        return new Caller(
                tenant,
                false,
                null,
                null,
                Caller.ACCOUNT + user,
                Set.of(),
                Caller.Rates.UNLIMITED,
                null);
    }

    private TokensView view(UUID user, UUID session, String refresh) {
        return new TokensView(
                tokens.make(user, session),
                "Bearer",
                properties.access().toSeconds(),
                refresh,
                properties.refresh().toSeconds(),
                user);
    }

    private static ApiProblem unauthenticated(String detail) {
        return ApiProblem.of(ProblemCode.UNAUTHENTICATED, detail)
                .header("WWW-Authenticate", "Bearer realm=\"comfyapi\"");
    }
}
