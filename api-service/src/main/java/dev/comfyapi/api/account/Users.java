package dev.comfyapi.api.account;

import com.fasterxml.uuid.Generators;
import com.fasterxml.uuid.impl.TimeBasedEpochGenerator;

import dev.comfyapi.api.audit.Audit;
import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.db.account.UserRow;
import dev.comfyapi.db.account.UserStore;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionTemplate;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.function.Supplier;

/// Invites, registers, changes and removes local users. Thread-safe.
///
/// Nobody gives away a role that may do more than they may themselves, and nobody touches a user
/// who may. Operators are users of the operators' own tenant. Nothing is mailed: whoever invites
/// somebody hands the token over.
@Component
final class Users {

    private static final Logger LOG = LoggerFactory.getLogger(Users.class);
    private static final String USER = "user";
    private static final String INVITATION = "invitation";
    private static final int OPERATORS = 1;
    private static final int MOST_INVITED = 1_000;
    private static final Duration KEPT = Duration.ofDays(30);

    private final UserStore store;
    private final Passwords passwords;
    private final Sessions sessions;
    private final UserProperties properties;
    private final TransactionTemplate transactions;
    private final Audit audit;
    private final TimeBasedEpochGenerator ids = Generators.timeBasedEpochGenerator();

    Users(
            UserStore store,
            Passwords passwords,
            Sessions sessions,
            UserProperties properties,
            TransactionTemplate transactions,
            Audit audit) {
        this.store = store;
        this.passwords = passwords;
        this.sessions = sessions;
        this.properties = properties;
        this.transactions = transactions;
        this.audit = audit;
    }

    /// Invites somebody. The token is in the answer, and nowhere else ever after.
    InvitationView invite(Caller caller, int tenant, String email, Role role) {
        grant(caller, tenant, role);
        return inTransaction(() -> {
            if (store.countInvitations(tenant) >= MOST_INVITED) {
                throw ApiProblem.of(
                                ProblemCode.CONFLICT,
                                "The tenant has %d invitations open; take some back."
                                        .formatted(MOST_INVITED))
                        .with("max", MOST_INVITED);
            }
            var token = OneTimeToken.random("cui_");
            var made =
                    store.invite(
                            tenant,
                            ids.generate(),
                            email,
                            role.wire(),
                            OneTimeToken.hash(token),
                            caller.actor(),
                            properties.invitation());
            audit.note(
                    caller,
                    tenant,
                    "invitation.created",
                    INVITATION,
                    made.id(),
                    null,
                    InvitationView.of(made));
            return InvitationView.showing(made, token);
        });
    }

    List<InvitationView> invitations(int tenant) {
        return store.invitations(tenant, MOST_INVITED).stream().map(InvitationView::of).toList();
    }

    void uninvite(Caller caller, int tenant, UUID id) {
        inTransaction(() -> {
            if (!store.uninvite(tenant, id)) {
                throw ApiProblem.notFound();
            }
            audit.note(caller, tenant, "invitation.deleted", INVITATION, id, null, null);
            return id;
        });
    }

    /// Makes the user of an invitation, who is then signed in.
    ///
    /// @throws ApiProblem when the invitation is not good, or somebody has the address
    TokensView register(String invitation, String password) {
        var hash = OneTimeToken.hash(invitation);
        // Before the password is hashed, which is not done for everybody.
        if (!store.isGood(hash)) {
            throw noInvitation();
        }
        var encoded = passwords.encode(password);
        return inTransaction(() -> {
            var user = store.accept(hash, ids.generate(), encoded).orElseThrow(Users::noInvitation);
            audit.note(
                    Sessions.callerOf(user.tenant(), user.id()),
                    "user.created",
                    USER,
                    user.id(),
                    null,
                    UserView.of(user));
            LOG.info("Tenant {} has a new user {}", user.tenant(), user.id());
            store.noteLogin(user.tenant(), user.id());
            return sessions.open(user.tenant(), user.id(), user.passwordAt());
        });
    }

    private static ApiProblem noInvitation() {
        return ApiProblem.of(
                ProblemCode.CONFLICT,
                "The invitation was used, has expired or was never one, or its address has a user"
                        + " already.");
    }

    List<UserRow> list(int tenant, @Nullable UUID after, int most) {
        return store.list(tenant, after, most);
    }

    UserView read(int tenant, UUID id) {
        return UserView.of(store.find(tenant, id).orElseThrow(ApiProblem::notFound));
    }

    /// What they have open ends within seconds; so do resets and invitations of theirs.
    UserView change(Caller caller, int tenant, UUID id, Role role) {
        grant(caller, tenant, role);
        return inTransaction(() -> {
            var before = touchable(caller, tenant, id);
            store.changeRole(tenant, id, role.wire());
            var after = read(tenant, id);
            audit.note(caller, tenant, "user.changed", USER, id, UserView.of(before), after);
            return after;
        });
    }

    /// What they have open ends within seconds.
    void remove(Caller caller, int tenant, UUID id) {
        inTransaction(() -> {
            var before = touchable(caller, tenant, id);
            store.remove(tenant, id);
            audit.note(caller, tenant, "user.deleted", USER, id, UserView.of(before), null);
            LOG.info("User {} of tenant {} is removed", id, tenant);
            return id;
        });
    }

    /// Lets somebody choose a new password who has lost theirs.
    ///
    /// @param token shown this once
    record Reset(String token, Instant expiresAt) {}

    Reset allowReset(Caller caller, int tenant, UUID id) {
        return inTransaction(() -> {
            touchable(caller, tenant, id);
            var token = OneTimeToken.random("cup_");
            var expiresAt =
                    store.allowReset(
                            tenant,
                            id,
                            OneTimeToken.hash(token),
                            caller.actor(),
                            properties.reset());
            audit.note(caller, tenant, "user.reset_allowed", USER, id, null, null);
            return new Reset(token, expiresAt);
        });
    }

    /// Ends all sessions of the user.
    ///
    /// @throws ApiProblem when the token is not good
    void reset(String token, String password) {
        var hash = OneTimeToken.hash(token);
        if (!store.isGood(hash)) {
            throw noReset();
        }
        var encoded = passwords.encode(password);
        inTransaction(() -> {
            var user = store.reset(hash, encoded).orElseThrow(Users::noReset);
            audit.note(
                    Sessions.callerOf(user.tenant(), user.id()),
                    "user.password_reset",
                    USER,
                    user.id(),
                    null,
                    null);
            return user;
        });
    }

    private static ApiProblem noReset() {
        return ApiProblem.of(
                ProblemCode.CONFLICT, "The token was used, has expired or was never one.");
    }

    void forgetExpired() {
        store.forgetExpired(KEPT);
    }

    private static void grant(Caller caller, int tenant, Role role) {
        if (role == Role.OPERATOR && tenant != OPERATORS) {
            throw ApiProblem.of(
                    ProblemCode.FORBIDDEN, "Operators are users of the operators' own tenant.");
        }
        caller.requireAll(role.scopes());
    }

    private UserRow touchable(Caller caller, int tenant, UUID id) {
        var row = store.lock(tenant, id).orElseThrow(ApiProblem::notFound);
        Role.ofWire(row.role()).ifPresent(role -> caller.requireAll(role.scopes()));
        return row;
    }

    private <T> T inTransaction(Supplier<T> work) {
        return Objects.requireNonNull(transactions.execute(_ -> work.get()));
    }
}
