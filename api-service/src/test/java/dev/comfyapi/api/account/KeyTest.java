package dev.comfyapi.api.account;

import static dev.comfyapi.api.account.Accounts.KEYS;
import static dev.comfyapi.api.account.Accounts.bearer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.api.Api;
import dev.comfyapi.db.account.KeyStore;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DelegatingDataSource;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

import javax.sql.DataSource;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class KeyTest {

    private static final String ME = "/api/v1/me";

    private final Accounts accounts = new Accounts("--comfyapi.auth.last-used=200ms");
    private final Api api = accounts.api;
    private final Accounts.Tenant tenant = accounts.tenant();

    @AfterAll
    void close() {
        accounts.close();
    }

    @Test
    void without_a_key_only_what_is_open_answers() {
        for (var path :
                List.of(
                        "/",
                        "/ping",
                        "/healthz",
                        "/readyz",
                        "/health",
                        "/openapi.json",
                        "/redoc")) {
            assertThat(api.get(path).status()).as(path).isEqualTo(200);
        }
        for (var path : List.of("/api/v1/jobs", "/models", "/metrics", "/ws/jobs/x", "/nope")) {
            var refused = api.get(path);
            assertThat(refused.status()).as(path).isEqualTo(401);
            assertThat(refused.at("/code")).as(path).isEqualTo("unauthenticated");
            assertThat(refused.header("WWW-Authenticate")).as(path).startsWith("Bearer");
            assertThat(refused.header("Content-Type")).isEqualTo("application/problem+json");
            assertThat(refused.header("X-Request-Id")).isNotNull();
        }
    }

    @Test
    void a_key_is_taken_from_either_header_and_from_nowhere_else() {
        var key = tenant.owner();

        assertThat(api.get(ME, bearer(key)).at("/tenant_id")).isEqualTo(tenant.id());
        assertThat(api.get(ME, "authorization", "bEARER  " + key).status()).isEqualTo(200);
        assertThat(api.get(ME, "X-API-Key", key).status()).isEqualTo(200);
        assertThat(api.get(ME, "X-API-Key", key, "Authorization", "Bearer " + key).status())
                .isEqualTo(401);
        assertThat(api.get(ME, "X-API-Key", key, "X-API-Key", key).status()).isEqualTo(401);
        assertThat(api.get(ME + "?api_key=%s&access_token=%s".formatted(key, key)).status())
                .isEqualTo(401);
        assertThat(api.get(ME, "Authorization", "Basic " + key).status()).isEqualTo(401);
    }

    @Test
    void an_unknown_key_and_a_wrong_secret_are_answered_alike() {
        var key = tenant.owner();
        var start = key.substring(0, key.length() - 49);
        var wrongSecret = ApiKey.random("live").text();
        var sameLookup = withChecksum(start + wrongSecret.substring(wrongSecret.length() - 49));

        var unknown = api.get(ME, bearer(ApiKey.random("live").text()));
        var wrong = api.get(ME, bearer(sameLookup));
        var typo = api.get(ME, bearer(key.substring(0, key.length() - 1) + "!"));

        assertThat(ApiKey.parse(sameLookup)).isPresent();
        for (var refused : List.of(unknown, wrong, typo)) {
            assertThat(refused.status()).isEqualTo(401);
            assertThat(refused.at("/code")).isEqualTo("unauthenticated");
            assertThat(refused.at("/detail")).isEqualTo(unknown.at("/detail"));
        }
    }

    /// A key of which only the checksum was mended.
    private static String withChecksum(String key) {
        var crc = new java.util.zip.CRC32();
        var start = key.substring(0, key.length() - 6);
        crc.update(start.getBytes(java.nio.charset.StandardCharsets.US_ASCII));
        var digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        var sum = new StringBuilder();
        for (long left = crc.getValue(), i = 0; i < 6; i++, left /= 62) {
            sum.insert(0, digits.charAt((int) (left % 62)));
        }
        return start + sum;
    }

    @Test
    void a_bad_key_at_an_open_door_does_no_harm() {
        assertThat(api.get("/healthz", bearer("nonsense")).status()).isEqualTo(200);
    }

    @Test
    void a_revoked_key_is_refused_by_every_instance_within_five_seconds() {
        try (var twin = api.another("--comfyapi.auth.mode=keys")) {
            var made = accounts.made(tenant.owner(), "\"role\": \"viewer\"");
            var key = made.at("/api_key");
            assertThat(api.get(ME, bearer(key)).status()).isEqualTo(200);
            assertThat(twin.get(ME, bearer(key)).status()).isEqualTo(200);

            var revoked = api.delete(KEYS + "/" + made.at("/api_key_id"), bearer(tenant.owner()));

            assertThat(revoked.status()).isEqualTo(204);
            for (var instance : List.of(api, twin)) {
                await().atMost(Duration.ofSeconds(5))
                        .untilAsserted(() -> {
                            var refused = instance.get(ME, bearer(key));
                            assertThat(refused.status()).isEqualTo(401);
                            assertThat(refused.at("/code")).isEqualTo("api_key_revoked");
                        });
            }
        }
    }

    @Test
    void an_expired_key_says_that_it_has_expired() {
        var made =
                accounts.made(
                        tenant.owner(),
                        "\"role\": \"viewer\", \"expires_at\": \"2999-01-01T00:00:00Z\"");
        int _ =
                api.jdbc()
                        .sql("UPDATE api_key SET expires_at = now() WHERE id = :id::uuid")
                        .param("id", made.at("/api_key_id"))
                        .update();

        var refused = api.get(ME, bearer(made.at("/api_key")));

        assertThat(refused.status()).isEqualTo(401);
        assertThat(refused.at("/code")).isEqualTo("token_expired");
    }

    @Test
    void a_key_for_some_networks_is_refused_from_others() {
        var here =
                accounts.key(
                        tenant.owner(),
                        "\"role\": \"viewer\", \"ip_allowlist\": [\"10.0.0.0/8\", \"127.0.0.0/8\"]");
        var elsewhere =
                accounts.key(
                        tenant.owner(),
                        "\"role\": \"viewer\", \"ip_allowlist\": [\"10.0.0.0/8\", \"::1\"]");

        var refused =
                api.get(
                        ME,
                        "Authorization",
                        "Bearer " + elsewhere,
                        "X-Forwarded-For",
                        "10.1.1.1",
                        "Forwarded",
                        "for=10.1.1.1");

        assertThat(api.get(ME, bearer(here)).status()).isEqualTo(200);
        assertThat(refused.status()).isEqualTo(403);
        assertThat(refused.at("/code")).isEqualTo("ip_not_allowed");
    }

    @Test
    void nobody_gives_away_what_they_do_not_have_or_touches_a_stronger_key() {
        var strong = accounts.made(tenant.owner(), "\"role\": \"owner\"");
        var maker = accounts.key(tenant.owner(), "\"scopes\": [\"keys:admin\", \"jobs:read\"]");

        for (var members :
                List.of(
                        "\"role\": \"viewer\"",
                        "\"role\": \"operator\"",
                        "\"scopes\": [\"jobs:read\", \"tenants:admin\"]")) {
            var refused = accounts.made(maker, members);
            assertThat(refused.status()).as(members).isEqualTo(403);
            assertThat(refused.at("/code")).isEqualTo("scope_missing");
        }
        assertThat(accounts.made(tenant.owner(), "\"role\": \"operator\"").status()).isEqualTo(403);
        var path = KEYS + "/" + strong.at("/api_key_id");
        assertThat(api.post(path + "/rotate", "{}", bearer(maker)).status()).isEqualTo(403);
        assertThat(api.patch(path, "{\"name\": \"x\"}", bearer(maker)).status()).isEqualTo(403);
        assertThat(api.delete(path, bearer(maker)).status()).isEqualTo(403);
        assertThat(accounts.made(maker, "\"scopes\": [\"jobs:read\"]").status()).isEqualTo(201);
    }

    @Test
    void a_rotated_key_stays_good_for_the_overlap() {
        var made = accounts.made(tenant.owner(), "\"scopes\": [\"models:read\"]");
        var path = KEYS + "/" + made.at("/api_key_id");

        var next = api.post(path + "/rotate", "{\"overlap_s\": 60}", bearer(tenant.owner()));
        var again = api.post(path + "/rotate", "{}", bearer(tenant.owner()));

        assertThat(next.status()).isEqualTo(201);
        assertThat(api.get(ME, bearer(made.at("/api_key"))).status()).isEqualTo(200);
        assertThat(api.get(ME, bearer(next.at("/api_key"))).status()).isEqualTo(200);
        assertThat(again.status()).isEqualTo(409);
        var old = api.get(path, bearer(tenant.owner()));
        assertThat(old.at("/rotated_to")).isEqualTo(next.at("/api_key_id"));
        assertThat(old.at("/expires_at")).isNotEmpty();
        int _ =
                api.jdbc()
                        .sql("UPDATE api_key SET expires_at = now() WHERE id = :id::uuid")
                        .param("id", made.at("/api_key_id"))
                        .update();
        await().atMost(Duration.ofSeconds(5))
                .untilAsserted(() ->
                        assertThat(api.get(ME, bearer(made.at("/api_key"))).at("/code"))
                                .isEqualTo("token_expired"));
    }

    @Test
    void a_key_is_shown_once_and_kept_nowhere() {
        var made = accounts.made(tenant.owner(), "\"role\": \"viewer\"");
        var key = made.at("/api_key");
        var path = KEYS + "/" + made.at("/api_key_id");
        var secret = key.substring(key.length() - 49);

        assertThat(key).matches("cas_live_[0-9A-Za-z]{10}_[0-9A-Za-z]{49}");
        assertThat(api.get(path, bearer(tenant.owner())).text()).doesNotContain(secret);
        assertThat(api.get(KEYS, bearer(tenant.owner())).text()).doesNotContain(secret);
        assertThat(api.get("/api/v1/audit-log", bearer(tenant.owner())).text())
                .contains(made.at("/api_key_id"))
                .doesNotContain(secret);
        assertThat(api.jdbc().sql("SELECT api_key::text FROM api_key").query(String.class).list())
                .noneMatch(row -> String.valueOf(row).contains(secret));
    }

    @Test
    void when_a_key_was_used_is_known_soon() {
        var made = accounts.made(tenant.owner(), "\"role\": \"viewer\"");
        var path = KEYS + "/" + made.at("/api_key_id");
        var before = api.get(path, bearer(tenant.owner()));

        assertThat(api.get(ME, bearer(made.at("/api_key"))).status()).isEqualTo(200);

        assertThat(before.at("/last_used_at")).isEmpty();
        await().untilAsserted(() ->
                assertThat(api.get(path, bearer(tenant.owner())).at("/last_used_ip"))
                        .isEqualTo("127.0.0.1"));
    }

    @Test
    void a_body_that_makes_no_sense_is_refused_with_all_that_is_wrong() {
        var refused =
                api.post(
                        KEYS,
                        """
                        {"scopes": ["jobs:read", "everything"], "role": "king", "ip_allowlist": ["300.0.0.1", "::1/129"],
                         "expires_at": "2001-01-01T00:00:00Z", "secret": "mine"}
                        """,
                        bearer(tenant.owner()));

        assertThat(refused.status()).isEqualTo(422);
        assertThat(refused.errors())
                .containsExactlyInAnyOrder(
                        "required #/name",
                        "invalid_value #/role",
                        "invalid_value #/scopes/1",
                        "conflict #/scopes",
                        "out_of_range #/expires_at",
                        "invalid_value #/ip_allowlist/0",
                        "invalid_value #/ip_allowlist/1",
                        "unknown_field #/secret");
    }

    @Test
    void what_a_key_did_is_in_the_audit_log_for_ever() {
        var made = accounts.made(tenant.owner(), "\"role\": \"viewer\"");
        var path = KEYS + "/" + made.at("/api_key_id");
        api.patch(path, "{\"name\": \"renamed\"}", bearer(tenant.owner()));
        api.delete(path, bearer(tenant.owner()));
        api.delete(path, bearer(tenant.owner()));

        var log = api.get("/api/v1/audit-log?limit=200", bearer(tenant.owner())).json();

        var actions = new java.util.ArrayList<String>();
        for (var entry : log.path("entries")) {
            if (entry.path("target_id").stringValue().equals(made.at("/api_key_id"))) {
                actions.add(entry.path("action").stringValue());
                assertThat(entry.path("actor").stringValue()).startsWith("key:");
                assertThat(entry.path("ip").stringValue()).isEqualTo("127.0.0.1");
            }
        }
        assertThat(actions)
                .containsExactly("api_key.revoked", "api_key.changed", "api_key.created");
        for (var statement :
                List.of(
                        "UPDATE audit_log SET actor = 'nobody'",
                        "DELETE FROM audit_log",
                        "TRUNCATE audit_log")) {
            assertThatThrownBy(() -> api.jdbc().sql(statement).update())
                    .hasStackTraceContaining("only grows");
        }
    }

    @Test
    void a_change_that_cannot_be_noted_is_not_made() {
        var made = accounts.made(tenant.owner(), "\"role\": \"viewer\"");
        var path = KEYS + "/" + made.at("/api_key_id");
        int _ =
                api.jdbc()
                        .sql(
                                """
                                CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                                    IF NEW.target_id::text = '%s' THEN
                                        RAISE EXCEPTION 'no space left' USING ERRCODE = 'disk_full';
                                    END IF;
                                    RETURN NEW;
                                END $$;
                                CREATE TRIGGER full_disk BEFORE INSERT ON audit_log
                                FOR EACH ROW EXECUTE FUNCTION full_disk();
                                """
                                        .formatted(made.at("/api_key_id")))
                        .update();

        var changed = api.patch(path, "{\"name\": \"renamed\"}", bearer(tenant.owner()));
        var revoked = api.delete(path, bearer(tenant.owner()));

        int _ = api.jdbc().sql("DROP FUNCTION full_disk CASCADE").update();
        var after = api.get(path, bearer(tenant.owner()));
        assertThat(changed.status()).isEqualTo(503);
        assertThat(revoked.status()).isEqualTo(503);
        assertThat(after.at("/name")).isEqualTo("a key");
        assertThat(after.at("/status")).isEqualTo("active");
    }

    @Test
    void without_keys_it_listens_on_loopback_only() {
        assertThatThrownBy(() -> Api.fresh("--comfyapi.auth.mode=open", "--server.address=0.0.0.0"))
                .hasStackTraceContaining("comfyapi.auth.mode is open");
    }

    /// As when the seconds are over in which a key is believed.
    @Test
    void who_shows_the_same_key_at_one_time_waits_for_one_look_at_the_database() throws Exception {
        var asked = new AtomicInteger();
        var go = new CountDownLatch(1);
        var slow =
                new DelegatingDataSource(api.bean("dataSource", DataSource.class)) {
                    @Override
                    public Connection getConnection() throws SQLException {
                        asked.incrementAndGet();
                        try {
                            go.await();
                        } catch (InterruptedException e) {
                            throw new SQLException(e);
                        }
                        return super.getConnection();
                    }
                };
        var check =
                new KeyCheck(
                        new KeyStore(JdbcClient.create(slow)),
                        api.bean("keyHash", KeyHash.class),
                        api.bean("keyUses", KeyUses.class),
                        Clock.systemUTC(),
                        api.bean(AuthProperties.class));
        var good = tenant.owner();
        var bad = ApiKey.random("live").text();
        var results = new ConcurrentLinkedQueue<String>();
        var threads =
                Stream.of(good, bad, good, bad, good, bad)
                        .map(key -> Thread.ofPlatform().start(() -> results.add(word(check, key))))
                        .toList();

        await().until(() ->
                threads.stream().allMatch(thread -> thread.getState() == Thread.State.WAITING));
        go.countDown();
        for (var thread : threads) {
            thread.join();
        }

        assertThat(asked).hasValue(2);
        assertThat(results)
                .containsExactlyInAnyOrder("good", "good", "good", "refused", "refused", "refused");
        assertThat(word(check, bad)).isEqualTo("refused");
        assertThat(asked).as("a bad key is not remembered").hasValue(3);
        assertThat(word(check, good)).isEqualTo("good");
        assertThat(asked).hasValue(3);
    }

    private static String word(KeyCheck check, String key) {
        try {
            return check.authenticate(new Credentials(key, "127.0.0.1")) == null
                    ? "not judged"
                    : "good";
        } catch (RefusedException _) {
            return "refused";
        }
    }
}
