package dev.comfyapi.api.account;

import static dev.comfyapi.api.account.Accounts.bearer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.api.Api;
import dev.comfyapi.api.http.OpenStreams;
import dev.comfyapi.db.account.SessionStore;
import dev.comfyapi.db.account.UserStore;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/// Local users: from the invitation to the end.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class UserTest {

    private static final String ME = "/api/v1/me";
    private static final String USERS = "/api/v1/users";
    private static final String INVITATIONS = "/api/v1/invitations";
    private static final String AUTH = "/api/v1/auth/";
    private static final String PASSWORD = "as long as it takes";

    private final Accounts accounts =
            new Accounts(
                    "--comfyapi.auth.users.enabled=true",
                    "--comfyapi.auth.users.strength=10",
                    "--comfyapi.auth.users.attempts=1000");
    private final Api api = accounts.api;
    private final Accounts.Tenant ours = accounts.tenant();

    @AfterAll
    void close() {
        accounts.close();
    }

    /// A user with a session.
    private record User(String email, String id, String access, String refresh) {}

    private Api.Answer invited(String email, String role) {
        return api.post(
                INVITATIONS,
                "{\"email\": \"%s\", \"role\": \"%s\"}".formatted(email, role),
                bearer(ours.owner()));
    }

    private Api.Answer register(String invitation) {
        return api.post(
                AUTH + "register",
                "{\"invitation\": \"%s\", \"password\": \"%s\"}".formatted(invitation, PASSWORD));
    }

    private User user(String role) {
        var email = "%s@example.org".formatted(UUID.randomUUID());
        var made = register(invited(email, role).at("/invitation"));
        return new User(
                email, made.at("/user_id"), made.at("/access_token"), made.at("/refresh_token"));
    }

    private Api.Answer signIn(String email, String password) {
        return api.post(
                AUTH + "token",
                "{\"email\": \"%s\", \"password\": \"%s\"}".formatted(email, password));
    }

    private Api.Answer refresh(String token) {
        return api.post(AUTH + "refresh", "{\"refresh_token\": \"%s\"}".formatted(token));
    }

    private Api.Answer signOut(String token) {
        return api.post(AUTH + "logout", "{\"refresh_token\": \"%s\"}".formatted(token));
    }

    /// Answers the token that was used for it.
    private String resetPassword(User user, String password) {
        var path = USERS + "/" + user.id() + "/password-reset";
        var token = api.post(path, "", bearer(ours.owner())).at("/token");
        assertThat(choosePassword(token, password).status()).isEqualTo(204);
        return token;
    }

    private Api.Answer choosePassword(String token, String password) {
        return api.post(
                AUTH + "password-reset",
                "{\"token\": \"%s\", \"password\": \"%s\"}".formatted(token, password));
    }

    private int me(String access) {
        return api.get(ME, bearer(access)).status();
    }

    @Test
    void who_is_invited_registers_once_and_is_who_they_are_said_to_be() {
        var invitation = invited("  Ada@Example.org ", "developer");

        var made = register(invitation.at("/invitation"));
        var again = register(invitation.at("/invitation"));
        var me = api.get(ME, bearer(made.at("/access_token")));

        assertThat(invitation.status()).isEqualTo(201);
        assertThat(invitation.at("/email")).isEqualTo("ada@example.org");
        assertThat(made.status()).isEqualTo(201);
        assertThat(made.header("Location")).isEqualTo(USERS + "/" + made.at("/user_id"));
        assertThat(made.at("/expires_in")).isEqualTo("900");
        assertThat(again.status()).isEqualTo(409);
        assertThat(me.at("/user_id")).isEqualTo(made.at("/user_id"));
        assertThat(me.at("/tenant_id")).isEqualTo(ours.id());
        assertThat(me.at("/actor")).isEqualTo("account:" + made.at("/user_id"));
        assertThat(me.text()).contains("jobs:write").doesNotContain("keys:admin");
        assertThat(api.get(INVITATIONS, bearer(ours.owner())).text())
                .doesNotContain(invitation.at("/invitation_id"));
        var listed = api.get(USERS, bearer(ours.owner())).text();
        assertThat(listed).contains(made.at("/user_id")).doesNotContain("$2a$");
    }

    @Test
    void of_many_who_show_one_invitation_at_once_one_becomes_a_user() throws Exception {
        var token = invited("crowd@example.org", "viewer").at("/invitation");

        var answers = atOnce(8, () -> register(token).status());

        assertThat(answers).containsOnly(201, 409).containsOnlyOnce(201);
    }

    @Test
    void a_newer_invitation_ends_the_one_before_and_one_taken_back_is_worth_nothing() {
        var first = invited("late@example.org", "viewer");
        var second = invited("late@example.org", "viewer");

        assertThat(register(first.at("/invitation")).status()).isEqualTo(409);
        var path = INVITATIONS + "/" + second.at("/invitation_id");
        assertThat(api.delete(path, bearer(ours.owner())).status()).isEqualTo(204);
        assertThat(register(second.at("/invitation")).status()).isEqualTo(409);
        assertThat(api.delete(path, bearer(ours.owner())).status()).isEqualTo(404);
    }

    @Test
    void an_address_has_one_user_and_the_invitation_stays_for_another_try() {
        var user = user("viewer");
        var other = accounts.tenant();
        var invitation =
                api.post(
                        INVITATIONS,
                        "{\"email\": \"%s\", \"role\": \"viewer\"}".formatted(user.email()),
                        bearer(other.owner()));

        var taken = register(invitation.at("/invitation"));
        api.delete(USERS + "/" + user.id(), bearer(ours.owner()));
        var free = register(invitation.at("/invitation"));

        assertThat(taken.status()).isEqualTo(409);
        assertThat(free.status()).isEqualTo(201);
        assertThat(api.get(ME, bearer(free.at("/access_token"))).at("/tenant_id"))
                .isEqualTo(other.id());
    }

    @Test
    void nobody_invites_or_promotes_beyond_what_they_may_do_themselves() {
        var admin = accounts.key(ours.owner(), "\"scopes\": [\"tenant:admin\", \"jobs:read\"]");
        var developer = user("developer");

        assertThat(
                        api.post(
                                        INVITATIONS,
                                        "{\"email\": \"x@example.org\", \"role\": \"owner\"}",
                                        bearer(admin))
                                .status())
                .isEqualTo(403);
        assertThat(invited("x@example.org", "operator").status()).isEqualTo(403);
        assertThat(
                        api.post(
                                        INVITATIONS,
                                        "{\"email\": \"x@example.org\", \"role\": \"operator\", \"tenant_id\": \"%s\"}"
                                                .formatted(ours.id()),
                                        bearer(accounts.operator))
                                .status())
                .isEqualTo(403);
        assertThat(api.delete(USERS + "/" + developer.id(), bearer(admin)).status()).isEqualTo(403);
        assertThat(api.get(USERS, bearer(developer.access())).status()).isEqualTo(403);
    }

    @Test
    void an_unknown_address_and_a_wrong_password_are_answered_alike() {
        var user = user("viewer");

        var wrong = signIn(user.email(), "something else entirely");
        var unknown = signIn("nobody@example.org", PASSWORD);
        var right = signIn(user.email().toUpperCase(Locale.ROOT), PASSWORD);

        assertThat(wrong.status()).isEqualTo(401);
        assertThat(wrong.at("/detail")).isEqualTo(unknown.at("/detail"));
        assertThat(unknown.status()).isEqualTo(401);
        assertThat(right.status()).isEqualTo(200);
        assertThat(me(right.at("/access_token"))).isEqualTo(200);
    }

    @Test
    void a_refresh_token_is_good_once_and_the_second_time_ends_the_session() {
        var user = user("viewer");

        var next = refresh(user.refresh());
        var stolen = refresh(user.refresh());
        var after = refresh(next.at("/refresh_token"));

        assertThat(next.status()).isEqualTo(200);
        assertThat(stolen.status()).isEqualTo(401);
        assertThat(after.status()).isEqualTo(401);
        await().until(() -> me(next.at("/access_token")) == 401);
        assertThat(signIn(user.email(), PASSWORD).status()).isEqualTo(200);
        assertThat(api.get("/api/v1/audit-log", bearer(ours.owner())).text())
                .contains("session.reuse_detected");
    }

    @Test
    void of_many_who_refresh_with_one_token_at_once_at_most_one_gets_the_next() throws Exception {
        var user = user("viewer");

        var answers = atOnce(8, () -> refresh(user.refresh()).status());

        assertThat(answers).containsOnly(200, 401).containsOnlyOnce(200);
    }

    @Test
    void who_signs_out_is_out_everywhere() {
        var user = user("viewer");
        assertThat(me(user.access())).isEqualTo(200);

        assertThat(signOut(user.refresh()).status()).isEqualTo(204);
        assertThat(refresh(user.refresh()).status()).isEqualTo(401);
        await().until(() -> me(user.access()) == 401);
    }

    @Test
    void with_another_role_a_user_signs_in_again_and_a_removed_one_cannot() {
        var user = user("viewer");
        assertThat(api.get(Accounts.KEYS, bearer(user.access())).status()).isEqualTo(403);

        var changed =
                api.patch(USERS + "/" + user.id(), "{\"role\": \"admin\"}", bearer(ours.owner()));

        assertThat(changed.at("/role")).isEqualTo("admin");
        await().until(() -> me(user.access()) == 401);
        assertThat(refresh(user.refresh()).status()).isEqualTo(401);
        var again = signIn(user.email(), PASSWORD);
        var access = again.at("/access_token");
        assertThat(api.get(Accounts.KEYS, bearer(access)).status()).isEqualTo(200);

        assertThat(api.delete(USERS + "/" + user.id(), bearer(ours.owner())).status())
                .isEqualTo(204);
        await().until(() -> me(access) == 401);
        assertThat(refresh(again.at("/refresh_token")).status()).isEqualTo(401);
        assertThat(signIn(user.email(), PASSWORD).status()).isEqualTo(401);
        assertThat(api.get("/api/v1/audit-log", bearer(ours.owner())).text())
                .contains("user.created", "user.changed", "user.deleted")
                .doesNotContain(PASSWORD, "$2a$");
    }

    /// Or whoever may reset a viewer would become what the viewer becomes.
    @Test
    void a_reset_that_was_allowed_before_a_promotion_is_worth_nothing_after_it() {
        var user = user("viewer");
        var token =
                api.post(USERS + "/" + user.id() + "/password-reset", "", bearer(ours.owner()))
                        .at("/token");

        api.patch(USERS + "/" + user.id(), "{\"role\": \"admin\"}", bearer(ours.owner()));

        var body = "{\"token\": \"%s\", \"password\": \"another one this time\"}".formatted(token);
        assertThat(api.post(AUTH + "password-reset", body).status()).isEqualTo(409);
    }

    @Test
    void what_a_removed_owner_has_handed_out_lets_nobody_back_in() {
        var owner = user("owner");
        var friend = user("viewer");
        var invitation =
                api.post(
                                INVITATIONS,
                                "{\"email\": \"back@example.org\", \"role\": \"owner\"}",
                                bearer(owner.access()))
                        .at("/invitation");
        var reset =
                api.post(USERS + "/" + friend.id() + "/password-reset", "", bearer(owner.access()))
                        .at("/token");

        api.delete(USERS + "/" + owner.id(), bearer(ours.owner()));

        assertThat(register(invitation).status()).isEqualTo(409);
        var body = "{\"token\": \"%s\", \"password\": \"another one this time\"}".formatted(reset);
        assertThat(api.post(AUTH + "password-reset", body).status()).isEqualTo(409);
    }

    /// As when the password is changed while it is being compared.
    @Test
    void a_session_that_is_opened_with_a_former_password_is_worth_nothing() {
        var user = user("viewer");
        var sessions = api.bean(SessionStore.class);
        var found = api.bean(UserStore.class).credentials(user.email()).orElseThrow();
        var id = UUID.randomUUID();
        var hash = OneTimeToken.hash("refresh " + id);

        assertThat(
                        sessions.open(
                                found.tenant(),
                                id,
                                found.id(),
                                found.passwordAt().minusMillis(1),
                                hash,
                                Duration.ofDays(1)))
                .isTrue();

        assertThat(sessions.find(id)).isEmpty();
        assertThat(sessions.refresh(hash, OneTimeToken.hash("next " + id), Duration.ofDays(1)))
                .isEmpty();
        assertThat(sessions.endReused(hash)).as("a refresh that failed used nothing up").isEmpty();
        api.delete(USERS + "/" + user.id(), bearer(ours.owner()));
        assertThat(
                        sessions.open(
                                found.tenant(),
                                UUID.randomUUID(),
                                found.id(),
                                found.passwordAt(),
                                OneTimeToken.hash("other " + id),
                                Duration.ofDays(1)))
                .as("of a user who is gone")
                .isFalse();
    }

    @Test
    void strangers_send_small_bodies_only() {
        var large = "{\"refresh_token\": \"%s\"}".formatted("x".repeat(5_000));

        assertThat(api.post(AUTH + "refresh", large).status()).isEqualTo(413);
    }

    @Test
    void who_has_lost_the_password_chooses_another_by_a_token_and_all_sessions_end() {
        var user = user("viewer");

        var token = resetPassword(user, "another one this time");

        assertThat(choosePassword(token, "a third one this time").status()).isEqualTo(409);
        assertThat(refresh(user.refresh()).status()).isEqualTo(401);
        await().until(() -> me(user.access()) == 401);
        assertThat(signIn(user.email(), PASSWORD).status()).isEqualTo(401);
        assertThat(signIn(user.email(), "another one this time").status()).isEqualTo(200);
    }

    @Test
    void forged_tokens_are_refused() {
        var parts = user("viewer").access().split("\\.", 3);
        var owner = text("{\"iss\":\"comfyapi\",\"sub\":\"x\",\"sid\":\"x\",\"exp\":9999999999}");

        for (var forged :
                List.of(
                        parts[0] + "." + owner + "." + parts[2],
                        parts[0] + "." + parts[1] + ".",
                        text("{\"typ\":\"comfyapi+jwt\",\"alg\":\"none\"}") + "." + owner + ".",
                        parts[0] + "." + parts[1] + "." + parts[2] + "x")) {
            var refused = api.get(ME, bearer(forged));
            assertThat(refused.status()).as(forged).isEqualTo(401);
            assertThat(refused.at("/code")).isEqualTo("unauthenticated");
        }
    }

    @Test
    void what_a_session_has_open_ends_with_it_however_it_ends() throws Exception {
        var ends =
                Map.<String, Consumer<User>>of(
                        "removed",
                        user -> api.delete(USERS + "/" + user.id(), bearer(ours.owner())),
                        "signed out",
                        user -> signOut(user.refresh()),
                        "password reset",
                        user -> resetPassword(user, "another one this time"),
                        "refresh token used twice",
                        user -> {
                            refresh(user.refresh());
                            refresh(user.refresh());
                        });
        for (var end : ends.entrySet()) {
            var user = user("viewer");
            var stays = user("viewer");
            var ticket = ticket(user);
            var other = ticket(stays);
            try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
                var stream = threads.submit(() -> api.get("/api/v1/events", bearer(user.access())));
                await().until(() -> streams(user));

                end.getValue().accept(user);

                assertThat(stream.get().status()).as(end.getKey()).isEqualTo(200);
            }
            assertThat(shown(ticket)).as(end.getKey()).isEqualTo(401);
            assertThat(shown(other)).as("of another session").isNotEqualTo(401);
        }
    }

    private boolean streams(User user) {
        return api.bean(OpenStreams.class).callers().stream()
                .anyMatch(caller -> caller.actor().endsWith(user.id()));
    }

    private String ticket(User user) {
        return api.post("/api/v1/ws-tickets", "", bearer(user.access())).at("/ticket");
    }

    /// 401 says that the ticket was not taken; anything else, that there was no WebSocket.
    private int shown(String ticket) {
        return api.get("/ws/jobs/%s?ticket=%s".formatted(UUID.randomUUID(), ticket)).status();
    }

    @Test
    void passwords_and_addresses_that_are_none_are_named() {
        var token = invited("form@example.org", "viewer").at("/invitation");
        for (var password : List.of("sesame", "é".repeat(37))) {
            var refused =
                    api.post(
                            AUTH + "register",
                            "{\"invitation\": \"%s\", \"password\": \"%s\"}"
                                    .formatted(token, password));
            assertThat(refused.status()).isEqualTo(422);
            assertThat(refused.at("/errors/0/pointer")).isEqualTo("#/password");
            assertThat(refused.text()).doesNotContain(password);
        }
        assertThat(invited("no address", "viewer").at("/errors/0/pointer")).isEqualTo("#/email");
        assertThat(invited("a@example.org", "king").at("/errors/0/pointer")).isEqualTo("#/role");
    }

    @Test
    void who_tries_many_passwords_has_to_wait() {
        try (var strict =
                new Accounts(
                        "--comfyapi.auth.users.enabled=true",
                        "--comfyapi.auth.users.strength=10",
                        "--comfyapi.auth.users.attempts=3")) {
            var answers =
                    IntStream.range(0, 5)
                            .mapToObj(i ->
                                    strict.api.post(
                                            AUTH + "token",
                                            "{\"email\": \"a%d@b\", \"password\": \"x\"}"
                                                    .formatted(i)))
                            .toList();

            assertThat(answers.stream().map(Api.Answer::status)).startsWith(401, 401, 401);
            var last = answers.getLast();
            assertThat(last.status()).isEqualTo(429);
            assertThat(last.at("/params/policy")).isEqualTo("sign_in");
            assertThat(last.header("Retry-After")).isNotNull();
        }
    }

    @Test
    void a_platform_has_none_unless_it_wants_to() {
        try (var none = new Accounts()) {
            for (var path : List.of("register", "token", "refresh", "logout", "password-reset")) {
                assertThat(none.api.post(AUTH + path, "{}").status()).as(path).isEqualTo(403);
            }
            assertThat(none.api.post(INVITATIONS, "{}", bearer(none.operator)).status())
                    .isEqualTo(403);
        }
    }

    private static String text(String json) {
        return Base64.getUrlEncoder()
                .withoutPadding()
                .encodeToString(json.getBytes(StandardCharsets.UTF_8));
    }

    private static <T> List<T> atOnce(int times, Callable<T> call)
            throws InterruptedException, ExecutionException {
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var answers = new ArrayList<T>();
            for (Future<T> answer : threads.invokeAll(Collections.nCopies(times, call))) {
                answers.add(Objects.requireNonNull(answer.get()));
            }
            return answers;
        }
    }
}
