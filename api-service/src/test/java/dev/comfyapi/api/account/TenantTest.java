package dev.comfyapi.api.account;

import static dev.comfyapi.api.account.Accounts.TENANTS;
import static dev.comfyapi.api.account.Accounts.bearer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.api.Api;
import dev.comfyapi.artifact.ArtifactKey;
import dev.comfyapi.artifact.ArtifactStore;
import dev.comfyapi.db.queue.LeaderStore;
import dev.comfyapi.db.queue.TenantRow;
import dev.comfyapi.model.job.JobId;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TenantTest {

    private static final String CANARY = "a canary called Rosalind";

    private final Accounts accounts =
            new Accounts(
                    "--comfyapi.auth.last-used=100ms",
                    "--comfyapi.webhooks.allowed-hosts=127.0.0.0/8");
    private final Api api = accounts.api;

    @AfterAll
    void close() {
        accounts.close();
    }

    private int number(Accounts.Tenant tenant) {
        return api.jdbc()
                .sql("SELECT id FROM tenant WHERE uid = :uid::uuid")
                .param("uid", tenant.id())
                .query(Integer.class)
                .single();
    }

    @Test
    void nothing_of_a_deleted_tenant_is_started_again() {
        var tenant = accounts.tenant();
        var resume = "/api/v1/admin/tenants/%d/resume".formatted(number(tenant));
        var before = api.post(resume, "", bearer(accounts.operator));
        api.delete(Accounts.TENANTS + "/" + tenant.id(), bearer(accounts.operator));

        var after = api.post(resume, "", bearer(accounts.operator));

        assertThat(before.status()).isEqualTo(200);
        assertThat(after.status()).isEqualTo(404);
    }

    private TenantRow asTheLeaderSeesIt(Accounts.Tenant tenant) {
        int number = number(tenant);
        return new LeaderStore(api.jdbc())
                .tenants().stream().filter(row -> row.id() == number).findFirst().orElseThrow();
    }

    @Test
    void a_tenant_has_the_limits_of_its_tier_and_those_that_are_its_own() {
        var tenant = accounts.tenant(", \"tier\": \"free\", \"limits\": {\"weight\": 2.5}");
        var path = TENANTS + "/" + tenant.id();

        var free = asTheLeaderSeesIt(tenant);
        var changed =
                api.patch(
                        path,
                        "{\"tier\": \"pro\", \"limits\": {\"max_running_jobs\": 3}}",
                        bearer(accounts.operator));
        var pro = asTheLeaderSeesIt(tenant);

        assertThat(free.maxRunning()).isEqualTo(1);
        assertThat(free.weight()).isEqualTo(2.5);
        assertThat(free.gpuMsDay()).isEqualTo(3_600_000);
        assertThat(changed.at("/limits/max_running_jobs")).isEqualTo("3");
        assertThat(changed.at("/overrides/max_running_jobs")).isEqualTo("3");
        assertThat(changed.at("/limits/submits_per_minute")).isEqualTo("600");
        assertThat(pro.maxRunning()).isEqualTo(3);
        assertThat(pro.weight()).isEqualTo(4);
        assertThat(pro.gpuMsDay()).isNull();
    }

    @Test
    void a_suspended_tenant_reads_and_cancels_and_starts_nothing() {
        var tenant = accounts.tenant();
        var owner = tenant.owner();
        var job = api.post("/api/v1/jobs", Api.aPrompt(), bearer(owner)).at("/job_id");
        var path = TENANTS + "/" + tenant.id();

        var suspended = api.patch(path, "{\"suspended\": true}", bearer(accounts.operator));

        assertThat(suspended.at("/status")).isEqualTo("suspended");
        assertThat(asTheLeaderSeesIt(tenant).paused()).isTrue();
        await().atMost(Duration.ofSeconds(5))
                .untilAsserted(() -> {
                    var refused = api.post("/api/v1/jobs", Api.aPrompt(), bearer(owner));
                    assertThat(refused.status()).isEqualTo(403);
                    assertThat(refused.at("/code")).isEqualTo("forbidden");
                });
        assertThat(api.get("/api/v1/jobs/" + job, bearer(owner)).status()).isEqualTo(200);
        assertThat(api.delete("/api/v1/jobs/" + job, bearer(owner)).status()).isEqualTo(202);
        api.patch(path, "{\"suspended\": false}", bearer(accounts.operator));
        await().atMost(Duration.ofSeconds(5))
                .untilAsserted(() ->
                        assertThat(api.post("/api/v1/jobs", Api.aPrompt(), bearer(owner)).status())
                                .isEqualTo(202));
    }

    @Test
    void a_tenant_that_has_used_its_gpu_time_of_the_month_is_started_no_more() {
        var tenant = accounts.tenant(", \"limits\": {\"gpu_seconds_per_month\": 5}");
        assertThat(asTheLeaderSeesIt(tenant).paused()).isFalse();

        int _ =
                api.jdbc()
                        .sql(
                                """
                                INSERT INTO tenant_usage (tenant_id, day, gpu_ms)
                                VALUES (:tenant, date_trunc('month', now() AT TIME ZONE 'UTC')::date, 5000)
                                """)
                        .param("tenant", number(tenant))
                        .update();

        assertThat(asTheLeaderSeesIt(tenant).paused()).isTrue();
    }

    @Test
    void a_deleted_tenant_leaves_a_receipt_and_nothing_else() throws IOException {
        var tenant = accounts.tenant();
        var owner = tenant.owner();
        int number = number(tenant);
        var singing =
                "{\"prompt\": \"%s\", \"model\": \"%s\", \"metadata\": {\"who\": \"%s\"}}"
                        .formatted(CANARY, Api.CHECKPOINT, CANARY);
        var hook =
                api.post(
                        "/api/v1/webhook-endpoints",
                        "{\"url\": \"https://127.0.0.1:1/%s\", \"events\": [\"job.completed\"]}"
                                .formatted(CANARY.replace(' ', '-')),
                        bearer(owner));
        assertThat(hook.status()).isEqualTo(201);
        var waiting = api.post("/api/v1/jobs", singing, bearer(owner)).at("/job_id");
        var done = api.post("/api/v1/jobs", singing, bearer(owner)).at("/job_id");
        var file = new ArtifactKey("%d/%s/1/0.png".formatted(number, done));
        succeed(done, file);
        int _ =
                api.jdbc()
                        .sql(
                                """
                                INSERT INTO asset (id, tenant_id, state, purpose, content_type, key, size_bytes, sha256,
                                                   source_sha256, width, height)
                                VALUES (gen_random_uuid(), :tenant, 1, 'input', 'image/png',
                                        :tenant || '/0198f3c2-7d41-7c55-9a3e-000000000001/0/0.png', 1, repeat('0', 64),
                                        repeat('0', 64), 64, 64)
                                """)
                        .param("tenant", number)
                        .update();
        var path = TENANTS + "/" + tenant.id();

        var deleted = api.delete(path, bearer(accounts.operator));

        assertThat(deleted.status()).isEqualTo(202);
        assertThat(deleted.at("/status")).isEqualTo("deleting");
        assertThat(
                        accounts.made(
                                        accounts.operator,
                                        "\"role\": \"owner\", \"tenant_id\": \"%s\""
                                                .formatted(tenant.id()))
                                .status())
                .isEqualTo(404);
        await().atMost(Duration.ofSeconds(5))
                .untilAsserted(() ->
                        assertThat(api.get("/api/v1/me", bearer(owner)).status()).isEqualTo(401));
        await().atMost(Duration.ofSeconds(30))
                .untilAsserted(() -> {
                    // Assets are taken away by the housekeeping of assets, which is slow here.
                    int _ =
                            api.jdbc()
                                    .sql("DELETE FROM asset WHERE tenant_id = :t AND state = 2")
                                    .param("t", number)
                                    .update();
                    assertThat(api.get(path, bearer(accounts.operator)).at("/status"))
                            .isEqualTo("deleted");
                });
        var receipt = api.get(path, bearer(accounts.operator));
        assertThat(receipt.at("/receipt/jobs")).isEqualTo("2");
        assertThat(receipt.at("/receipt/files")).isEqualTo("1");
        assertThat(receipt.at("/receipt/assets")).isEqualTo("1");
        assertThat(receipt.at("/receipt/api_keys")).isEqualTo("1");
        assertThat(receipt.at("/name")).startsWith("deleted ");
        assertThat(api.bean(ArtifactStore.class).open(file)).isEmpty();
        assertThat(tables("tenant_id"))
                .hasSizeGreaterThan(10)
                .allSatisfy(table ->
                        assertThat(count(table, "t.tenant_id = %d".formatted(number)))
                                .as(table)
                                .isZero());
        assertThat(tables("%"))
                .allSatisfy(table -> assertThat(count(table, hears())).as(table).isZero());
        assertThat(api.delete(path, bearer(accounts.operator)).status()).isEqualTo(202);
        assertThat(api.patch(path, "{\"name\": \"x\"}", bearer(accounts.operator)).status())
                .isEqualTo(409);
        assertThat(waiting).isNotEmpty();
    }

    /// The tables with such a column, but for the audit log, which stays.
    private List<String> tables(String column) {
        return api.jdbc()
                .sql(
                        """
                        SELECT DISTINCT table_name FROM information_schema.columns
                        WHERE table_schema = 'public' AND column_name LIKE :column AND table_name <> 'audit_log'
                        """)
                .param("column", column)
                .query((rs, _) -> rs.getString("table_name"))
                .list();
    }

    private int count(String table, String where) {
        return api.jdbc()
                .sql("SELECT count(*) FROM \"%s\" t WHERE %s".formatted(table, where))
                .query(Integer.class)
                .single();
    }

    /// Whether the canary is in a row, in clear or in bytes.
    private static String hears() {
        var last = CANARY.substring(CANARY.lastIndexOf(' ') + 1);
        return "t::text LIKE '%%%s%%' OR t::text LIKE '%%%s%%'"
                .formatted(last, HexFormat.of().formatHex(last.getBytes(StandardCharsets.UTF_8)));
    }

    private void succeed(String job, ArtifactKey file) throws IOException {
        var id = JobId.parse(job).orElseThrow();
        var lease = api.assign(id, api.aWorker("w-" + job, "checkpoints/" + Api.CHECKPOINT));
        api.succeed(lease, new byte[] {1});
        api.bean(ArtifactStore.class).put(file, new ByteArrayInputStream(new byte[] {1}));
        int _ =
                api.jdbc()
                        .sql(
                                """
                                UPDATE job SET result = jsonb_set(result, '{artifacts,0,key}', to_jsonb(:key::text))
                                WHERE id = :id::uuid
                                """)
                        .param("key", file.path())
                        .param("id", job)
                        .update();
    }

    @Test
    void a_paused_tenant_may_go_on_submitting() {
        var tenant = accounts.tenant();
        var admin = "/api/v1/admin/tenants/%s/".formatted(tenant.id());

        var paused = api.post(admin + "pause", "", bearer(accounts.operator));

        assertThat(paused.status()).isEqualTo(200);
        assertThat(asTheLeaderSeesIt(tenant).paused()).isTrue();
        assertThat(api.post("/api/v1/jobs", Api.aPrompt(), bearer(tenant.owner())).status())
                .isEqualTo(202);
        api.post(admin + "resume", "", bearer(accounts.operator));
        assertThat(asTheLeaderSeesIt(tenant).paused()).isFalse();
    }

    @Test
    void a_tenant_of_a_tier_that_is_gone_needs_another() {
        var tenant = accounts.tenant();
        var path = TENANTS + "/" + tenant.id();
        int _ =
                api.jdbc()
                        .sql("UPDATE tenant SET tier = 'gone' WHERE uid = :uid::uuid")
                        .param("uid", tenant.id())
                        .update();

        var refused =
                api.patch(
                        path,
                        "{\"name\": \"%s\"}".formatted(UUID.randomUUID()),
                        bearer(accounts.operator));
        var mended = api.patch(path, "{\"tier\": \"free\"}", bearer(accounts.operator));

        assertThat(refused.status()).isEqualTo(409);
        assertThat(refused.at("/detail")).contains("tier gone");
        assertThat(mended.at("/limits/max_running_jobs")).isEqualTo("1");
    }

    @Test
    void the_first_tenant_stays() {
        var first = api.get("/api/v1/me", bearer(accounts.operator)).at("/tenant_id");
        var path = TENANTS + "/" + first;

        assertThat(api.delete(path, bearer(accounts.operator)).status()).isEqualTo(409);
        assertThat(api.patch(path, "{\"suspended\": true}", bearer(accounts.operator)).status())
                .isEqualTo(409);
    }

    @Test
    void a_name_is_one_tenants_only() {
        var body = "{\"name\": \"twice\"}";

        assertThat(api.post(TENANTS, body, bearer(accounts.operator)).status()).isEqualTo(201);
        var again = api.post(TENANTS, body, bearer(accounts.operator));

        assertThat(again.status()).isEqualTo(409);
        assertThat(again.at("/detail")).contains("name");
    }

    @Test
    void limits_that_make_no_sense_are_refused() {
        var refused =
                api.post(
                        TENANTS,
                        "{\"name\": \"n\", \"tier\": \"gold\", \"limits\": {\"weight\": 0, \"max_running_jobs\": -1, \"polls_per_minute\": 0, \"speed\": 1}}",
                        bearer(accounts.operator));

        assertThat(refused.errors())
                .containsExactlyInAnyOrder(
                        "invalid_value #/tier",
                        "out_of_range #/limits/weight",
                        "out_of_range #/limits/max_running_jobs",
                        "out_of_range #/limits/polls_per_minute",
                        "unknown_field #/limits/speed");
    }
}
