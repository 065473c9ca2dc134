package dev.comfyapi.api.account;

import com.fasterxml.uuid.Generators;
import com.fasterxml.uuid.impl.TimeBasedEpochGenerator;

import dev.comfyapi.api.account.TierProperties.Tier;
import dev.comfyapi.api.audit.Audit;
import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.db.account.AccountStore;
import dev.comfyapi.db.account.KeyStore;
import dev.comfyapi.db.account.Limits;
import dev.comfyapi.db.account.Tenant;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DuplicateKeyException;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionTemplate;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;

/// Makes, changes and deletes tenants. Thread-safe.
@Component
final class Tenants {

    private static final Logger LOG = LoggerFactory.getLogger(Tenants.class);
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final String TARGET = "tenant";

    /// The tenant of whoever runs the platform. Without it nobody could log in to mend anything.
    private static final int FIRST = 1;

    private final AccountStore store;
    private final KeyStore keys;
    private final Map<String, Tier> tiers;
    private final TransactionTemplate transactions;
    private final Audit audit;
    private final TimeBasedEpochGenerator ids = Generators.timeBasedEpochGenerator();

    Tenants(
            AccountStore store,
            KeyStore keys,
            TierProperties properties,
            TransactionTemplate transactions,
            Audit audit) {
        this.store = store;
        this.keys = keys;
        this.tiers = properties.tiers();
        this.transactions = transactions;
        this.audit = audit;
    }

    /// The number of the tenant that is meant: the caller's own, or, for operators, any that is not
    /// being deleted.
    ///
    /// @throws ApiProblem when there is none, or it is not for this caller to know
    int reach(Caller caller, @Nullable String tenantId) {
        if (tenantId == null) {
            return caller.tenant();
        }
        return store.find(Pages.id(tenantId))
                .filter(tenant -> !tenant.deleting())
                .map(Tenant::id)
                .filter(id -> id == caller.tenant() || caller.may(Scope.TENANTS_ADMIN))
                .orElseThrow(ApiProblem::notFound);
    }

    Set<String> tierNames() {
        return tiers.keySet();
    }

    /// @param tier that exists
    /// @param overrides checked by [LimitForm]
    Tenant make(Caller caller, String name, String tier, JsonNode overrides) {
        return inTransaction(() -> {
            var uid = ids.generate();
            int id = store.add(uid, name, tier, limits(tier, overrides), overrides.toString());
            var made = find(uid);
            audit.note(caller, id, "tenant.created", TARGET, uid, null, TenantView.of(made));
            LOG.info("Tenant {} is new: {}", id, uid);
            return made;
        });
    }

    List<Tenant> list(@Nullable UUID before, int most) {
        return store.list(before == null ? null : find(before).id(), most);
    }

    Tenant read(UUID uid) {
        return find(uid);
    }

    /// What is to become of a tenant; what is empty stays.
    record Change(
            Optional<String> name,
            Optional<String> tier,
            Optional<JsonNode> overrides,
            Optional<Boolean> suspended) {}

    Tenant change(Caller caller, UUID uid, Change change) {
        return inTransaction(() -> {
            var before = locked(uid);
            if (before.id() == FIRST && change.suspended().orElse(false)) {
                throw itself();
            }
            var tier = change.tier().orElse(before.tier());
            var overrides = change.overrides().orElseGet(() -> JSON.readTree(before.overrides()));
            var after =
                    new Tenant(
                            before.id(),
                            uid,
                            change.name().orElse(before.name()),
                            tier,
                            limits(tier, overrides),
                            overrides.toString(),
                            change.suspended().orElse(before.suspended()),
                            false,
                            before.createdAt(),
                            null,
                            null);
            store.change(after);
            audit.note(
                    caller,
                    before.id(),
                    "tenant.changed",
                    TARGET,
                    uid,
                    TenantView.of(before),
                    TenantView.of(after));
            LOG.info("Tenant {} is changed", before.id());
            return after;
        });
    }

    /// Begins to delete a tenant: from now on nobody can log in and nothing is started. What it has
    /// goes step by step; the tenant then has a receipt.
    Tenant delete(Caller caller, UUID uid) {
        return inTransaction(() -> {
            var before = store.lock(uid).orElseThrow(ApiProblem::notFound);
            if (before.id() == FIRST) {
                throw itself();
            }
            if (before.deleting()) {
                return before;
            }
            store.doom(before.id());
            int revoked = keys.revokeAll(before.id());
            audit.note(
                    caller,
                    before.id(),
                    "tenant.deleted",
                    TARGET,
                    uid,
                    TenantView.of(before),
                    null);
            LOG.info("Tenant {} is being deleted; {} keys are revoked", before.id(), revoked);
            return find(uid);
        });
    }

    private Limits limits(String name, JsonNode overrides) {
        var tier = tiers.get(name);
        if (tier == null) {
            throw ApiProblem.of(
                    ProblemCode.CONFLICT,
                    "The tier %s is not configured any more; give the tenant another."
                            .formatted(name));
        }
        return LimitForm.over(tier.limits(), overrides);
    }

    private Tenant find(UUID uid) {
        return store.find(uid).orElseThrow(ApiProblem::notFound);
    }

    private Tenant locked(UUID uid) {
        var tenant = store.lock(uid).orElseThrow(ApiProblem::notFound);
        if (tenant.deleting()) {
            throw ApiProblem.of(ProblemCode.CONFLICT, "The tenant is being deleted.");
        }
        return tenant;
    }

    private static ApiProblem itself() {
        return ApiProblem.of(
                ProblemCode.CONFLICT, "The first tenant is the operators' own and has to stay.");
    }

    private <T> T inTransaction(Supplier<T> work) {
        try {
            return Objects.requireNonNull(transactions.execute(_ -> work.get()));
        } catch (DuplicateKeyException _) {
            throw ApiProblem.of(ProblemCode.CONFLICT, "Another tenant has this name.");
        }
    }
}
