package dev.comfyapi.api.account;

import static dev.comfyapi.api.account.Accounts.KEYS;
import static dev.comfyapi.api.account.Accounts.TENANTS;
import static dev.comfyapi.api.account.Accounts.bearer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.api.Api;
import dev.comfyapi.api.http.OpenStreams;
import dev.comfyapi.api.stream.EventClient;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

import java.time.Duration;

/// Streams last longer than what was true when they began.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class StreamGuardTest {

    private static final String EVENTS = "/api/v1/events";

    private final Accounts accounts = new Accounts("--comfyapi.max-streams=3");
    private final Api api = accounts.api;

    @AfterAll
    void close() {
        accounts.close();
    }

    @Test
    void a_key_that_is_revoked_loses_its_streams_within_five_seconds() {
        var tenant = accounts.tenant();
        var made = accounts.made(tenant.owner(), "\"role\": \"viewer\"");
        var key = bearer(made.at("/api_key"));
        var job = api.post("/api/v1/jobs", Api.aPrompt(), bearer(tenant.owner())).at("/job_id");
        try (var all = EventClient.of(api, EVENTS, key);
                var one = EventClient.of(api, "/api/v1/jobs/%s/events".formatted(job), key);
                var stays = EventClient.of(api, EVENTS, bearer(tenant.owner()))) {
            await().until(() -> api.bean(OpenStreams.class).count() == 3);

            api.delete(KEYS + "/" + made.at("/api_key_id"), bearer(tenant.owner()));

            await().atMost(Duration.ofSeconds(5)).until(() -> all.isOver() && one.isOver());
            assertThat(stays.isOver()).isFalse();
        }
        await().until(() -> api.bean(OpenStreams.class).count() == 0);
    }

    @Test
    void a_key_that_expires_or_may_read_no_more_and_a_deleted_tenant_lose_them_too() {
        var tenant = accounts.tenant();
        var gone = accounts.tenant();
        var expires = accounts.made(tenant.owner(), "\"role\": \"viewer\"");
        var narrowed = accounts.made(tenant.owner(), "\"role\": \"viewer\"");
        try (var one = EventClient.of(api, EVENTS, bearer(expires.at("/api_key")));
                var two = EventClient.of(api, EVENTS, bearer(narrowed.at("/api_key")));
                var three = EventClient.of(api, EVENTS, bearer(gone.owner()))) {

            int _ =
                    api.jdbc()
                            .sql("UPDATE api_key SET expires_at = now() WHERE id = :id::uuid")
                            .param("id", expires.at("/api_key_id"))
                            .update();
            api.patch(
                    KEYS + "/" + narrowed.at("/api_key_id"),
                    "{\"scopes\": [\"models:read\"]}",
                    bearer(tenant.owner()));
            api.delete(TENANTS + "/" + gone.id(), bearer(accounts.operator));

            await().atMost(Duration.ofSeconds(5))
                    .until(() -> one.isOver() && two.isOver() && three.isOver());
        }
    }

    @Test
    void many_keys_of_a_tenant_have_no_more_places_than_one() {
        var tenant = accounts.tenant();
        var other = accounts.tenant();
        var second = accounts.key(tenant.owner(), "\"role\": \"viewer\"");
        try (var _ = EventClient.of(api, EVENTS, bearer(tenant.owner()));
                var _ = EventClient.of(api, EVENTS, bearer(tenant.owner()));
                var _ = EventClient.of(api, EVENTS, bearer(second))) {
            var refused = api.get(EVENTS, bearer(second));

            assertThat(refused.status()).isEqualTo(429);
            assertThat(refused.at("/violated-policies/0")).isEqualTo("streams");
            try (var theirs = EventClient.of(api, EVENTS, bearer(other.owner()))) {
                assertThat(theirs.isOver()).isFalse();
            }
        }
    }

    @Test
    void nobody_hears_of_another_tenants_jobs() {
        var ours = accounts.tenant();
        var theirs = accounts.tenant();
        try (var heard = EventClient.of(api, EVENTS, bearer(theirs.owner()))) {
            var hidden =
                    api.post("/api/v1/jobs", Api.aPrompt(), bearer(ours.owner())).at("/job_id");
            api.delete("/api/v1/jobs/" + hidden, bearer(ours.owner()));
            var shown =
                    api.post("/api/v1/jobs", Api.aPrompt(), bearer(theirs.owner())).at("/job_id");
            api.delete("/api/v1/jobs/" + shown, bearer(theirs.owner()));

            heard.await("done");

            assertThat(heard.events())
                    .allSatisfy(event -> assertThat(event.at("/job_id")).isEqualTo(shown));
        }
    }
}
