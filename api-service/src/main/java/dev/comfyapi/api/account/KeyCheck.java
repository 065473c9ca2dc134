package dev.comfyapi.api.account;

import com.github.benmanes.caffeine.cache.AsyncCache;
import com.github.benmanes.caffeine.cache.Caffeine;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.Caller.Rates;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.db.account.KeyRow;
import dev.comfyapi.db.account.KeyStore;
import dev.comfyapi.db.account.KeyStore.Judged;

import org.jspecify.annotations.Nullable;
import org.springframework.security.authentication.AuthenticationProvider;
import org.springframework.security.core.Authentication;
import org.springframework.stereotype.Component;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Collectors;

/// Tells whose key a request shows. Thread-safe.
///
/// A key that was found good is believed for a few seconds, by its hash; that is the usual case and
/// costs one HMAC. When these are over, one of the requests that show it asks, and the others wait
/// for what it hears. Everything else costs one HMAC and one read by primary key, whether the key
/// is unknown or its secret wrong, and is answered with the same words: nobody learns which keys
/// there are. Nothing is remembered of keys that are not good, so that nobody fills the memory with
/// them.
@Component
final class KeyCheck implements AuthenticationProvider {

    private static final byte[] NOBODYS = new byte[32];

    private final KeyStore store;
    private final KeyHash hash;
    private final KeyUses uses;
    private final Clock clock;
    private final AsyncCache<ByteBuffer, Good> believed;

    KeyCheck(KeyStore store, KeyHash hash, KeyUses uses, Clock clock, AuthProperties properties) {
        this.store = store;
        this.hash = hash;
        this.uses = uses;
        this.clock = clock;
        this.believed =
                Caffeine.newBuilder()
                        .maximumSize(10_000)
                        .expireAfterWrite(properties.cache())
                        .buildAsync();
    }

    /// @param networks where it may be used from; empty for everywhere
    private record Good(
            Caller caller, @Nullable Instant expiresAt, List<Network> networks, Known known) {}

    @Override
    public boolean supports(Class<?> type) {
        return type == Credentials.class;
    }

    @Override
    public @Nullable Authentication authenticate(Authentication shown) {
        var credentials = (Credentials) shown;
        if (JwtCheck.isToken(credentials.shown())) {
            return null;
        }
        var key = ApiKey.parse(credentials.shown()).orElseThrow(KeyCheck::unknown);
        return check(key, credentials.address());
    }

    private Known check(ApiKey key, String address) {
        var hashed = hash.of(key);
        var good = believed(key, hashed);
        if (good.expiresAt != null && !clock.instant().isBefore(good.expiresAt)) {
            throw expired();
        }
        if (!good.networks.isEmpty()
                && good.networks.stream().noneMatch(network -> network.contains(address))) {
            throw new RefusedException(
                    ApiProblem.of(
                            ProblemCode.IP_NOT_ALLOWED,
                            "The key may not be used from this address."));
        }
        uses.note(good.caller, address);
        return good.known;
    }

    /// The read is not in a function of the cache, which would let other keys wait for it as well.
    private Good believed(ApiKey key, byte[] hashed) {
        var mine = new CompletableFuture<Good>();
        var first = believed.asMap().putIfAbsent(ByteBuffer.wrap(hashed), mine);
        if (first != null) {
            return heard(first);
        }
        try {
            var good = judged(key, hashed);
            mine.complete(good);
            return good;
        } catch (RuntimeException | Error e) {
            // This takes it out of the cache.
            mine.completeExceptionally(e);
            throw e;
        }
    }

    private static Good heard(CompletableFuture<Good> first) {
        try {
            return first.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException ours) {
                throw ours;
            }
            throw e;
        }
    }

    private Good judged(ApiKey key, byte[] hashed) {
        Optional<Judged> found = store.judge(key.lookup());
        boolean same = MessageDigest.isEqual(found.map(Judged::hash).orElse(NOBODYS), hashed);
        if (!same || found.isEmpty()) {
            throw unknown();
        }
        var row = found.get().key();
        if (row.revokedAt() != null || found.get().tenantGone()) {
            throw new RefusedException(
                    ApiProblem.of(ProblemCode.API_KEY_REVOKED, "The API key was revoked."));
        }
        if (row.expiresAt() != null && !clock.instant().isBefore(row.expiresAt())) {
            throw expired();
        }
        var caller =
                new Caller(
                        row.tenant(),
                        found.get().suspended(),
                        row.id(),
                        null,
                        "key:" + row.id(),
                        scopes(row),
                        new Rates(
                                found.get().submitsMinute(),
                                found.get().pollsMinute(),
                                found.get().uploadsMinute()),
                        null);
        var networks = row.ipAllowlist().stream().flatMap(n -> Network.parse(n).stream()).toList();
        return new Good(caller, row.expiresAt(), networks, new Known(caller));
    }

    /// What a role or a scope means that this version does not know is nothing.
    static Set<Scope> scopes(KeyRow row) {
        return row.role() != null
                ? Role.ofWire(row.role()).map(Role::scopes).orElse(Set.of())
                : row.scopes().stream()
                        .flatMap(word -> Scope.ofWire(word).stream())
                        .collect(Collectors.toSet());
    }

    private static RefusedException unknown() {
        return new RefusedException(
                ApiProblem.of(ProblemCode.UNAUTHENTICATED, "The key is not one of ours."));
    }

    private static RefusedException expired() {
        return new RefusedException(
                ApiProblem.of(ProblemCode.TOKEN_EXPIRED, "The API key has expired."));
    }
}
