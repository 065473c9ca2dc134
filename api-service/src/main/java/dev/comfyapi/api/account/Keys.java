package dev.comfyapi.api.account;

import com.fasterxml.uuid.Generators;
import com.fasterxml.uuid.impl.TimeBasedEpochGenerator;

import dev.comfyapi.api.audit.Audit;
import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.db.account.KeyRow;
import dev.comfyapi.db.account.KeyStore;
import dev.comfyapi.db.account.NewKey;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionTemplate;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.UUID;

/// Makes, changes, rotates and revokes keys. Thread-safe.
///
/// Nobody gives away a scope that they do not have, and nobody touches a key that may do more than
/// their own.
@Component
final class Keys {

    private static final Logger LOG = LoggerFactory.getLogger(Keys.class);
    private static final String TARGET = "api_key";
    private static final int MOST_LIVE = 1_000;
    private static final Duration KEPT = Duration.ofDays(90);

    private final KeyStore store;
    private final KeyHash hash;
    private final AuthProperties properties;
    private final TransactionTemplate transactions;
    private final Audit audit;
    private final Clock clock;
    private final TimeBasedEpochGenerator ids = Generators.timeBasedEpochGenerator();

    Keys(
            KeyStore store,
            KeyHash hash,
            AuthProperties properties,
            TransactionTemplate transactions,
            Audit audit,
            Clock clock) {
        this.store = store;
        this.hash = hash;
        this.properties = properties;
        this.transactions = transactions;
        this.audit = audit;
        this.clock = clock;
    }

    /// Makes a key for this tenant. The key is in the answer, and nowhere else ever after.
    ///
    /// @throws ApiProblem when the caller lacks one of the scopes, or the tenant has too many keys
    KeyView make(Caller caller, int tenant, KeyForm form) {
        caller.requireAll(form.granted(null));
        return inTransaction(() -> {
            if (store.countLive(tenant) >= MOST_LIVE) {
                throw ApiProblem.of(
                                ProblemCode.CONFLICT,
                                "The tenant has %d keys already; revoke some.".formatted(MOST_LIVE))
                        .with("max", MOST_LIVE);
            }
            var key = ApiKey.random(properties.environment());
            var id = ids.generate();
            store.add(
                    tenant,
                    new NewKey(
                            id,
                            key.lookup(),
                            hash.of(key),
                            key.lastFour(),
                            form.name().orElseThrow(),
                            form.role().map(Role::wire).orElse(null),
                            form.scopes().map(Keys::words).orElse(List.of()),
                            form.ipAllowlist().orElse(List.of()),
                            caller.key(),
                            form.expiresAt().orElse(null)));
            var made = view(find(tenant, id));
            audit.note(caller, tenant, "api_key.created", TARGET, id, null, made);
            LOG.info("Tenant {} has a new API key {}", tenant, id);
            return made.showing(key);
        });
    }

    List<KeyView> list(int tenant, @Nullable UUID before, int most) {
        return store.list(tenant, before, most).stream().map(this::view).toList();
    }

    KeyView read(int tenant, UUID id) {
        return view(find(tenant, id));
    }

    /// Changes what the form names; the rest stays.
    KeyView change(Caller caller, int tenant, UUID id, KeyForm form) {
        return inTransaction(() -> {
            var before = live(caller, tenant, id);
            caller.requireAll(form.granted(KeyCheck.scopes(before)));
            boolean regranted = form.role().isPresent() || form.scopes().isPresent();
            var after =
                    with(
                            before,
                            form.name().orElse(before.name()),
                            regranted ? form.role().map(Role::wire).orElse(null) : before.role(),
                            regranted
                                    ? form.scopes().map(Keys::words).orElse(List.of())
                                    : before.scopes(),
                            form.ipAllowlist().orElse(before.ipAllowlist()),
                            form.expiresAt().orElse(before.expiresAt()),
                            before.rotatedTo());
            store.change(tenant, after);
            audit.note(caller, tenant, "api_key.changed", TARGET, id, view(before), view(after));
            return view(after);
        });
    }

    /// Makes a key like this one; the old one stays good for the overlap.
    KeyView rotate(Caller caller, int tenant, UUID id, Duration overlap) {
        return inTransaction(() -> {
            var old = live(caller, tenant, id);
            if (old.rotatedTo() != null) {
                throw ApiProblem.of(
                        ProblemCode.CONFLICT, "The key was rotated before; rotate the newer one.");
            }
            if (old.expiresAt() != null && !clock.instant().isBefore(old.expiresAt())) {
                throw ApiProblem.of(
                        ProblemCode.CONFLICT, "The key has expired, and so would the next one.");
            }
            var key = ApiKey.random(properties.environment());
            var next = ids.generate();
            store.add(
                    tenant,
                    new NewKey(
                            next,
                            key.lookup(),
                            hash.of(key),
                            key.lastFour(),
                            old.name(),
                            old.role(),
                            old.scopes(),
                            old.ipAllowlist(),
                            caller.key(),
                            old.expiresAt()));
            var end = clock.instant().plus(overlap);
            var ends =
                    old.expiresAt() != null && old.expiresAt().isBefore(end)
                            ? old.expiresAt()
                            : end;
            var ending =
                    with(old, old.name(), old.role(), old.scopes(), old.ipAllowlist(), ends, next);
            store.change(tenant, ending);
            var made = view(find(tenant, next));
            audit.note(caller, tenant, "api_key.rotated", TARGET, id, view(old), view(ending));
            audit.note(caller, tenant, "api_key.created", TARGET, next, null, made);
            LOG.info("API key {} of tenant {} is followed by {}", id, tenant, next);
            return made.showing(key);
        });
    }

    /// Ends a key for ever; every instance refuses it within seconds. Revoking twice is the same as
    /// once.
    void revoke(Caller caller, int tenant, UUID id) {
        inTransaction(() -> {
            var before = touchable(caller, tenant, id);
            if (before.revokedAt() == null) {
                store.revoke(tenant, id);
                audit.note(
                        caller,
                        tenant,
                        "api_key.revoked",
                        TARGET,
                        id,
                        view(before),
                        view(find(tenant, id)));
                LOG.info("API key {} of tenant {} is revoked", id, tenant);
            }
            return before;
        });
    }

    /// Removes keys that have been over for long; the audit log still knows them.
    void forgetOld() {
        int forgotten = store.forget(KEPT, 1_000);
        if (forgotten > 0) {
            LOG.info("Forgot {} keys that were revoked or had expired", forgotten);
        }
    }

    private KeyRow live(Caller caller, int tenant, UUID id) {
        var row = touchable(caller, tenant, id);
        if (row.revokedAt() != null) {
            throw ApiProblem.of(ProblemCode.CONFLICT, "The key is revoked, and stays so.");
        }
        return row;
    }

    private KeyRow touchable(Caller caller, int tenant, UUID id) {
        var row = store.lock(tenant, id).orElseThrow(ApiProblem::notFound);
        caller.requireAll(KeyCheck.scopes(row));
        return row;
    }

    private KeyRow find(int tenant, UUID id) {
        return store.find(tenant, id).orElseThrow(ApiProblem::notFound);
    }

    private KeyView view(KeyRow row) {
        return KeyView.of(row, clock.instant());
    }

    private static List<String> words(Collection<Scope> scopes) {
        return scopes.stream().map(Scope::wire).sorted().toList();
    }

    private static KeyRow with(
            KeyRow row,
            String name,
            @Nullable String role,
            List<String> scopes,
            List<String> networks,
            @Nullable Instant expiresAt,
            @Nullable UUID rotatedTo) {
        return new KeyRow(
                row.id(),
                row.tenant(),
                row.lookup(),
                row.lastFour(),
                name,
                role,
                scopes,
                networks,
                row.createdAt(),
                row.createdBy(),
                expiresAt,
                row.revokedAt(),
                rotatedTo,
                row.lastUsedAt(),
                row.lastUsedIp());
    }

    private <T> T inTransaction(java.util.function.Supplier<T> work) {
        return Objects.requireNonNull(transactions.execute(_ -> work.get()));
    }
}
