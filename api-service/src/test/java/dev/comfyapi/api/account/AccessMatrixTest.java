package dev.comfyapi.api.account;

import static dev.comfyapi.api.account.Accounts.bearer;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.uuid.Generators;

import dev.comfyapi.api.Api;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.db.worker.WorkerStore;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;

import tools.jackson.databind.JsonNode;

import java.net.http.HttpRequest.BodyPublishers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Every operation of the OpenAPI document as everybody: who owns the thing, somebody with another
/// role, another tenant, a key without the scope, a revoked key, nobody.
///
/// An operation that has no row here fails: whoever adds one says what its address and body are.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AccessMatrixTest {

    private static final String HOOK =
            "{\"url\": \"https://127.0.0.1:1/hook\", \"events\": [\"job.completed\"]}";

    private final Accounts accounts =
            new Accounts(
                    "--comfyapi.webhooks.allowed-hosts=127.0.0.0/8",
                    "--comfyapi.webhooks.most-endpoints=1000",
                    "--comfyapi.auth.users.enabled=true",
                    "--comfyapi.auth.users.strength=10",
                    "--comfyapi.auth.users.attempts=10000");
    private final Api api = accounts.api;
    private final Accounts.Tenant ours = accounts.tenant();
    private final Accounts.Tenant theirs = accounts.tenant();
    private final WorkerStore.Registered worker = api.aWorker("w", "checkpoints/" + Api.CHECKPOINT);
    private final String revoked = revokedKey();
    private final String viewer = accounts.key(ours.owner(), "\"role\": \"viewer\"");
    private final Map<String, String> without = new TreeMap<>();
    private final Map<String, Row> rows = rows();

    /// How one operation is called.
    ///
    /// @param path a thing of our tenant, made for each call where a call changes it
    /// @param missing the same address of a thing that does not exist; null when the operation
    ///   names none
    /// @param body null for none
    /// @param type of the body
    /// @param ok what its owner may be answered
    private record Row(
            Supplier<String> path,
            @Nullable String missing,
            @Nullable String body,
            String type,
            Set<Integer> ok) {

        static Row of(String path) {
            return new Row(() -> path, null, null, "", Set.of(200));
        }

        static Row of(String path, String body, Integer... ok) {
            return new Row(() -> path, null, body, "application/json", Set.of(ok));
        }

        static Row named(Supplier<String> path, String missing, Integer... ok) {
            return new Row(path, missing, null, "", Set.of(ok));
        }

        static Row named(Supplier<String> path, String missing, String body, Integer... ok) {
            return new Row(path, missing, body, "application/json", Set.of(ok));
        }
    }

    private Map<String, Row> rows() {
        // Of now: what is older than any retention is another answer.
        var none = Generators.timeBasedEpochGenerator().generate();
        var rows = new TreeMap<String, Row>();
        for (var open :
                List.of(
                        "/",
                        "/ping",
                        "/healthz",
                        "/readyz",
                        "/health",
                        "/redoc",
                        "/usage",
                        "/metrics")) {
            rows.put("GET " + open, Row.of(open));
        }
        rows.put("GET /problems/{code}", Row.of("/problems/not_found"));
        rows.put("GET /files/{path}", new Row(() -> "/files/1/x", null, null, "", Set.of(403)));

        rows.put("POST /api/v1/generate", Row.of("/api/v1/generate?wait_s=0", Api.aPrompt(), 202));
        rows.put(
                "POST /api/v1/generate/batch",
                Row.of(
                        "/api/v1/generate/batch?wait_s=0",
                        "{\"requests\": [%s]}".formatted(Api.aPrompt()),
                        202));
        rows.put("POST /api/v1/jobs", Row.of("/api/v1/jobs", Api.aPrompt(), 202));
        rows.put("POST /api/v1/jobs/validate", Row.of("/api/v1/jobs/validate", Api.aPrompt(), 200));
        rows.put("GET /api/v1/jobs", Row.of("/api/v1/jobs"));
        var batches = "/api/v1/batches";
        rows.put(
                "POST " + batches,
                Row.of(batches, "{\"items\": [%s]}".formatted(Api.aPrompt()), 202));
        rows.put("GET " + batches, Row.of(batches));
        var ofBatch = batches + "/{batch_id}";
        rows.put(
                "GET " + ofBatch,
                Row.named(() -> batches + "/" + batch(), batches + "/" + none, 200));
        rows.put(
                "POST " + ofBatch + "/cancel",
                Row.named(
                        () -> batches + "/" + batch() + "/cancel",
                        batches + "/" + none + "/cancel",
                        200));
        for (var file : List.of("/results.jsonl", "/errors.jsonl")) {
            rows.put(
                    "GET " + ofBatch + file,
                    Row.named(
                            () -> batches + "/" + batch() + file,
                            batches + "/" + none + file,
                            200));
        }
        var jobs = "/api/v1/jobs/";
        rows.put("GET /api/v1/jobs/{job_id}", Row.named(() -> jobs + job(), jobs + none, 200));
        rows.put(
                "GET /api/v1/jobs/{job_id}/workflow",
                Row.named(() -> jobs + job() + "/workflow", jobs + none + "/workflow", 200));
        rows.put("DELETE /api/v1/jobs/{job_id}", Row.named(() -> jobs + job(), jobs + none, 202));
        rows.put(
                "POST /api/v1/jobs/{job_id}/cancel",
                Row.named(() -> jobs + job() + "/cancel", jobs + none + "/cancel", 200));

        rows.put(
                "GET /api/v1/jobs/{job_id}/attempts",
                Row.named(() -> jobs + job() + "/attempts", jobs + none + "/attempts", 200));
        rows.put(
                "PATCH /api/v1/jobs/{job_id}",
                Row.named(() -> jobs + job(), jobs + none, "{\"priority\": -1}", 200));
        rows.put(
                "POST /api/v1/jobs/{job_id}/retry",
                Row.named(() -> jobs + ended() + "/retry", jobs + none + "/retry", "{}", 202));
        rows.put(
                "DELETE /api/v1/jobs/{job_id}/content",
                Row.named(() -> jobs + ended() + "/content", jobs + none + "/content", 204));
        rows.put(
                "POST /api/v1/jobs/cancel",
                Row.of("/api/v1/jobs/cancel", "{\"filter\": {\"tag\": \"nobody has it\"}}", 202));
        rows.put(
                "GET /api/v1/jobs/{job_id}/events",
                Row.named(() -> jobs + ended() + "/events", jobs + none + "/events", 200));
        rows.put("GET /api/v1/events", Row.of("/api/v1/events"));
        // Without the upgrade, which comes after everything that matters here.
        rows.put(
                "GET /ws/jobs/{job_id}",
                new Row(() -> "/ws/jobs/" + job(), null, null, "", Set.of(400)));

        rows.put(
                "POST /api/v1/ws-tickets",
                new Row(() -> "/api/v1/ws-tickets", null, null, "", Set.of(200)));

        var admin = "/api/v1/admin/";
        for (var list : List.of("workers", "pools", "queues", "dead-letters", "autoscale")) {
            rows.put("GET " + admin + list, Row.of(admin + list));
        }
        rows.put("GET " + admin + "workers/{worker}", Row.of(admin + "workers/w"));
        for (var wish : List.of("drain", "quarantine", "resume", "free-memory", "restart")) {
            rows.put(
                    "POST " + admin + "workers/{worker}/" + wish,
                    Row.of(admin + "workers/w/" + wish, "", 200, 409));
        }
        rows.put(
                "DELETE " + admin + "workers/{worker}",
                new Row(() -> admin + "workers/w", null, null, "", Set.of(409)));
        rows.put(
                "PUT " + admin + "pools/{pool}",
                Row.of(admin + "pools/p", "{\"description\": \"d\"}", 200));
        rows.put(
                "GET " + admin + "pools/{pool}",
                new Row(() -> admin + "pools/p", null, null, "", Set.of(200, 404)));
        rows.put(
                "DELETE " + admin + "pools/{pool}",
                new Row(() -> admin + "pools/p", null, null, "", Set.of(204, 404)));
        for (var wish : List.of("pause", "resume")) {
            rows.put("POST " + admin + "queues/" + wish, Row.of(admin + "queues/" + wish, "", 200));
            rows.put(
                    "POST " + admin + "queues/{pool}/" + wish,
                    Row.of(admin + "queues/default/" + wish, "", 200));
            rows.put(
                    "POST " + admin + "tenants/{tenant}/" + wish,
                    Row.of(admin + "tenants/1/" + wish, "", 200));
        }
        rows.put(
                "POST " + admin + "dead-letters/{job_id}/requeue",
                new Row(
                        () -> admin + "dead-letters/" + ended() + "/requeue",
                        null,
                        null,
                        "",
                        Set.of(202, 404)));

        for (var list :
                List.of(
                        "models",
                        "nodes",
                        "samplers",
                        "schedulers",
                        "limits",
                        "me",
                        "usage",
                        "usage/export",
                        "prices")) {
            rows.put("GET /api/v1/" + list, Row.of("/api/v1/" + list));
        }
        rows.put("GET /models", Row.of("/models"));
        rows.put("GET /api/v1/nodes/{class}", Row.of("/api/v1/nodes/KSampler"));

        rows.put(
                "POST /api/v1/assets",
                new Row(
                        () -> "/api/v1/assets",
                        null,
                        """
                        --x\r
                        Content-Disposition: form-data; name="file"; filename="a.png"\r
                        \r
                        no picture\r
                        --x--\r
                        """,
                        "multipart/form-data; boundary=x",
                        Set.of(415, 422)));
        rows.put(
                "POST /api/v1/assets/import",
                Row.of("/api/v1/assets/import", "{\"url\": \"data:text/plain,x\"}", 415, 422));
        rows.put("GET /api/v1/assets", Row.of("/api/v1/assets"));
        var assets = "/api/v1/assets/";
        rows.put(
                "GET /api/v1/assets/{asset_id}",
                Row.named(() -> assets + asset(), assets + none, 200));
        rows.put(
                "DELETE /api/v1/assets/{asset_id}",
                Row.named(() -> assets + asset(), assets + none, 204));

        var keys = Accounts.KEYS;
        rows.put(
                "POST /api/v1/api-keys",
                Row.of(keys, "{\"name\": \"n\", \"scopes\": [\"keys:admin\"]}", 201));
        rows.put("GET /api/v1/api-keys", Row.of(keys));
        var key = keys + "/";
        rows.put(
                "GET /api/v1/api-keys/{api_key_id}",
                Row.named(() -> key + keyId(), key + none, 200));
        rows.put(
                "PATCH /api/v1/api-keys/{api_key_id}",
                Row.named(() -> key + keyId(), key + none, "{\"name\": \"m\"}", 200));
        rows.put(
                "POST /api/v1/api-keys/{api_key_id}/rotate",
                Row.named(() -> key + keyId() + "/rotate", key + none + "/rotate", "{}", 201));
        rows.put(
                "DELETE /api/v1/api-keys/{api_key_id}",
                Row.named(() -> key + keyId(), key + none, 204));
        var invitations = "/api/v1/invitations";
        rows.put("GET " + invitations, Row.of(invitations));
        rows.put(
                "POST " + invitations,
                Row.of(invitations, "{\"email\": \"a@b\", \"role\": \"viewer\"}", 201));
        rows.put(
                "DELETE " + invitations + "/{invitation_id}",
                Row.named(
                        () -> invitations + "/" + invitation().at("/invitation_id"),
                        invitations + "/" + none,
                        204));
        var users = "/api/v1/users";
        rows.put("GET " + users, Row.of(users));
        var user = users + "/{user_id}";
        rows.put("GET " + user, Row.named(() -> users + "/" + user(), users + "/" + none, 200));
        rows.put(
                "PATCH " + user,
                Row.named(
                        () -> users + "/" + user(),
                        users + "/" + none,
                        "{\"role\": \"viewer\"}",
                        200));
        rows.put("DELETE " + user, Row.named(() -> users + "/" + user(), users + "/" + none, 204));
        rows.put(
                "POST " + user + "/password-reset",
                Row.named(
                        () -> users + "/" + user() + "/password-reset",
                        users + "/" + none + "/password-reset",
                        200));
        // For everybody: what they show in the body is what lets them in, or here does not.
        var auth = "/api/v1/auth/";
        var password = "\"password\": \"long enough to be one\"";
        rows.put(
                "POST " + auth + "register",
                Row.of(auth + "register", "{\"invitation\": \"x\", %s}".formatted(password), 409));
        rows.put(
                "POST " + auth + "token",
                Row.of(auth + "token", "{\"email\": \"no@body\", %s}".formatted(password), 401));
        for (var verb : List.of("refresh", "logout")) {
            rows.put(
                    "POST " + auth + verb,
                    Row.of(auth + verb, "{\"refresh_token\": \"x\"}", 401, 204));
        }
        rows.put(
                "POST " + auth + "password-reset",
                Row.of(auth + "password-reset", "{\"token\": \"x\", %s}".formatted(password), 409));
        rows.put("GET /api/v1/audit-log", Row.of("/api/v1/audit-log"));

        rows.put("GET /.well-known/webhook-keys.json", Row.of("/.well-known/webhook-keys.json"));
        rows.put("GET /api/v1/webhook-secret", Row.of("/api/v1/webhook-secret"));
        rows.put(
                "POST /api/v1/webhook-secret/rotate",
                Row.of("/api/v1/webhook-secret/rotate", "{}", 200));
        var hooks = "/api/v1/webhook-endpoints";
        rows.put("GET " + hooks, Row.of(hooks));
        rows.put("POST " + hooks, Row.of(hooks, HOOK, 201));
        var hook = "/{webhook_endpoint_id}";
        rows.put("GET " + hooks + hook, Row.named(() -> hooks + hook(), hooks + "/" + none, 200));
        rows.put(
                "PATCH " + hooks + hook,
                Row.named(() -> hooks + hook(), hooks + "/" + none, "{\"enabled\": false}", 200));
        rows.put(
                "DELETE " + hooks + hook, Row.named(() -> hooks + hook(), hooks + "/" + none, 204));
        for (var verb : List.of("rotate-secret", "test", "replay")) {
            rows.put(
                    "POST " + hooks + hook + "/" + verb,
                    Row.named(
                            () -> hooks + hook() + "/" + verb,
                            hooks + "/" + none + "/" + verb,
                            verb.equals("replay") ? "{\"since\": \"2026-01-01T00:00:00Z\"}" : "{}",
                            200,
                            202));
        }
        rows.put(
                "GET " + hooks + hook + "/deliveries",
                Row.named(
                        () -> hooks + hook() + "/deliveries",
                        hooks + "/" + none + "/deliveries",
                        200));
        var deliveries = "/api/v1/webhook-deliveries";
        rows.put(
                "GET " + deliveries,
                new Row(() -> deliveries + "?job_id=" + job(), null, null, "", Set.of(200)));
        var message = "/{webhook_delivery_id}";
        var noMessage = deliveries + "/msg_" + none.toString().replace("-", "");
        rows.put(
                "GET " + deliveries + message,
                Row.named(() -> deliveries + message(), noMessage, 200));
        rows.put(
                "POST " + deliveries + message + "/replay",
                Row.named(() -> deliveries + message() + "/replay", noMessage + "/replay", 202));

        var tenants = Accounts.TENANTS;
        rows.put(
                "POST /api/v1/tenants",
                Row.of(tenants, "{\"name\": \"t %s\"}".formatted(UUID.randomUUID()), 201));
        rows.put("GET /api/v1/tenants", Row.of(tenants));
        rows.put("GET /api/v1/tenants/{tenant_id}", Row.of(tenants + "/" + ours.id()));
        rows.put(
                "PATCH /api/v1/tenants/{tenant_id}",
                Row.of(tenants + "/" + ours.id(), "{\"suspended\": false}", 200));
        rows.put(
                "DELETE /api/v1/tenants/{tenant_id}",
                new Row(() -> tenants + "/" + accounts.tenant().id(), null, null, "", Set.of(202)));
        return rows;
    }

    private String job() {
        return api.post("/api/v1/jobs", Api.aPrompt(), bearer(ours.owner())).at("/job_id");
    }

    private String batch() {
        return api.post(
                        "/api/v1/batches",
                        "{\"items\": [%s]}".formatted(Api.aPrompt()),
                        bearer(ours.owner()))
                .at("/batch_id");
    }

    private String hook() {
        return "/"
                + api.post("/api/v1/webhook-endpoints", HOOK, bearer(ours.owner()))
                        .at("/webhook_endpoint_id");
    }

    private String message() {
        var sent =
                api.post("/api/v1/webhook-endpoints" + hook() + "/test", "", bearer(ours.owner()));
        return "/" + sent.at("/webhook_delivery_id");
    }

    private String ended() {
        var job = job();
        api.delete("/api/v1/jobs/" + job, bearer(ours.owner()));
        return job;
    }

    private String asset() {
        var id =
                UUID.fromString(
                        "0198f3c2-7d41-7c55-9a3e-" + UUID.randomUUID().toString().substring(24));
        int _ =
                api.jdbc()
                        .sql(
                                """
                                INSERT INTO asset (id, tenant_id, state, purpose, content_type, key, size_bytes, sha256,
                                                   source_sha256, width, height)
                                SELECT :id, id, 1, 'input', 'image/png', id || '/' || :id || '/0/0.png', 1,
                                       repeat('0', 64), encode(sha256(:id::text::bytea), 'hex'), 64, 64
                                FROM tenant WHERE uid = :tenant::uuid
                                """)
                        .param("id", id)
                        .param("tenant", ours.id())
                        .update();
        return id.toString();
    }

    private Api.Answer invitation() {
        return api.post(
                "/api/v1/invitations",
                "{\"email\": \"%s@example.org\", \"role\": \"viewer\"}"
                        .formatted(UUID.randomUUID()),
                bearer(ours.owner()));
    }

    private String user() {
        return api.post(
                        "/api/v1/auth/register",
                        "{\"invitation\": \"%s\", \"password\": \"long enough to be one\"}"
                                .formatted(invitation().at("/invitation")))
                .at("/user_id");
    }

    private String keyId() {
        return accounts.made(ours.owner(), "\"scopes\": [\"keys:admin\"]").at("/api_key_id");
    }

    private String revokedKey() {
        var made = accounts.made(ours.owner(), "\"role\": \"owner\"");
        api.delete(Accounts.KEYS + "/" + made.at("/api_key_id"), bearer(ours.owner()));
        return made.at("/api_key");
    }

    /// A key of our tenant that may do everything but this.
    private String without(Scope scope) {
        return without.computeIfAbsent(
                scope.wire(),
                _ ->
                        accounts.key(
                                accounts.operator,
                                "\"tenant_id\": \"%s\", \"scopes\": [%s]"
                                        .formatted(
                                                ours.id(),
                                                Arrays.stream(Scope.values())
                                                        .filter(other -> other != scope)
                                                        .map(other -> "\"" + other.wire() + "\"")
                                                        .collect(Collectors.joining(", ")))));
    }

    @AfterAll
    void close() {
        api.leave(worker);
        accounts.close();
    }

    /// @param scope null for an open operation
    private record Operation(String method, String path, @Nullable Scope scope) {

        String name() {
            return method + " " + path;
        }
    }

    private List<Operation> operations() {
        var operations = new ArrayList<Operation>();
        for (var path : api.get("/openapi.json").json().path("paths").properties()) {
            for (var operation : path.getValue().properties()) {
                operations.add(
                        new Operation(
                                operation.getKey().toUpperCase(Locale.ROOT),
                                path.getKey(),
                                scope(operation.getValue())));
            }
        }
        return operations;
    }

    private static @Nullable Scope scope(JsonNode operation) {
        var word = operation.at("/security/0/api_key/0").asString("");
        return word.isEmpty() ? null : Scope.ofWire(word).orElseThrow();
    }

    @Test
    void every_operation_has_a_row_and_every_row_an_operation() {
        assertThat(operations().stream().map(Operation::name).toList())
                .containsExactlyInAnyOrderElementsOf(rows.keySet());
    }

    @TestFactory
    Stream<DynamicTest> every_operation_answers_everybody_as_it_should() {
        return operations().stream()
                .filter(operation -> rows.containsKey(operation.name()))
                .map(operation ->
                        DynamicTest.dynamicTest(
                                operation.name(),
                                () ->
                                        tryAs(
                                                operation,
                                                rows.getOrDefault(operation.name(), Row.of("/")))));
    }

    private void tryAs(Operation operation, Row row) {
        var method = operation.method();
        var scope = operation.scope();
        var anonymous = call(method, row, row.path().get(), null);
        if (scope == null) {
            assertThat(anonymous.status()).as("nobody").isIn(row.ok());
            assertThat(call(method, row, row.path().get(), revoked).status())
                    .as("revoked key at an open door")
                    .isIn(row.ok());
            return;
        }
        assertThat(anonymous.status()).as("nobody").isEqualTo(401);
        assertThat(anonymous.at("/code")).isEqualTo("unauthenticated");

        var gone = call(method, row, row.path().get(), revoked);
        assertThat(gone.status()).as("revoked key").isEqualTo(401);
        assertThat(gone.at("/code")).isEqualTo("api_key_revoked");

        var lacking = call(method, row, row.path().get(), without(scope));
        assertThat(lacking.status()).as("without %s", scope).isEqualTo(403);
        assertThat(lacking.at("/code")).isEqualTo("scope_missing");
        assertThat(lacking.at("/params/scope")).isEqualTo(scope.wire());

        var otherRole = call(method, row, row.path().get(), viewer);
        if (Role.VIEWER.scopes().contains(scope)) {
            assertThat(otherRole.status()).as("viewer").isIn(row.ok());
        } else {
            assertThat(otherRole.status()).as("viewer").isEqualTo(403);
        }

        if (scope.isForOperators()) {
            assertThat(call(method, row, row.path().get(), ours.owner()).status())
                    .as("the tenant's owner")
                    .isEqualTo(403);
        }
        tryAsOtherTenant(method, row, scope);

        var owner = scope.isForOperators() ? accounts.operator : ours.owner();
        var path = row.path().get();
        long noted = noted();
        var answer = call(method, row, path, owner);
        assertThat(answer.status()).as("owner").isIn(row.ok());
        if (answer.status() < 300) {
            assertThat(noted() > noted)
                    .as("whether the audit log has it")
                    .isEqualTo(!method.equals("GET") && isNoted(operation.path()));
        }
    }

    private long noted() {
        return api.jdbc().sql("SELECT count(*) FROM audit_log").query(Long.class).single();
    }

    /// Changes of keys, tenants, limits, webhooks, workers and policies; not of jobs and files.
    private static boolean isNoted(String path) {
        return Stream.of("/api-keys", "/tenants", "/users", "/invitations", "/webhook-", "/admin/")
                        .anyMatch(kind -> path.startsWith("/api/v1" + kind))
                && Stream.of("/test", "/replay", "/requeue").noneMatch(path::endsWith);
    }

    /// What is another tenant's is answered exactly as what does not exist, and lists do not show
    /// it.
    private void tryAsOtherTenant(String method, Row row, Scope scope) {
        var path = row.path().get();
        var answer = call(method, row, path, theirs.owner());
        if (scope.isForOperators()) {
            assertThat(answer.status()).as("another tenant").isEqualTo(403);
        } else if (row.missing() != null) {
            var nothing = call(method, row, row.missing(), theirs.owner());
            assertThat(answer.status()).as("another tenant").isEqualTo(404);
            assertThat(shape(answer)).isEqualTo(shape(nothing));
        } else if (method.equals("GET")) {
            var job = job();
            var key = keyId();
            var asset = asset();
            assertThat(call(method, row, path, theirs.owner()).text())
                    .as("what another tenant reads")
                    .doesNotContain(job, key, asset, ours.id());
        }
    }

    /// A problem without what is different in every answer.
    private static String shape(Api.Answer answer) {
        return answer.text()
                .replaceAll("\"request_id\":\"[^\"]*\"", "")
                .replaceAll("[0-9a-f]{8}-[0-9a-f-]{27}|msg_[0-9a-f]{32}", "ID");
    }

    private Api.Answer call(String method, Row row, String path, @Nullable String key) {
        var request = api.request(path);
        if (key != null) {
            request.header("Authorization", "Bearer " + key);
        }
        if (row.body() == null) {
            request.method(method, BodyPublishers.noBody());
        } else {
            // The same name twice would be a conflict of another kind.
            var body =
                    row.body()
                            .replaceAll(
                                    "\"t [0-9a-f-]{36}\"", "\"t %s\"".formatted(UUID.randomUUID()));
            request.header("Content-Type", row.type())
                    .method(method, BodyPublishers.ofString(body));
        }
        return api.send(request);
    }

    @Test
    void an_idempotency_key_means_nothing_to_another_tenant() {
        var key = UUID.randomUUID().toString();
        var first = submit(ours.owner(), key);
        var again = submit(ours.owner(), key);
        var other = submit(theirs.owner(), key);

        assertThat(again.header("Idempotency-Replayed")).isEqualTo("true");
        assertThat(again.at("/job_id")).isEqualTo(first.at("/job_id"));
        assertThat(other.header("Idempotency-Replayed")).isNull();
        assertThat(other.at("/job_id")).isNotEqualTo(first.at("/job_id"));
    }

    private Api.Answer submit(String owner, String key) {
        return api.post(
                "/api/v1/jobs",
                Api.aPrompt(),
                "Authorization",
                "Bearer " + owner,
                "Idempotency-Key",
                key);
    }

    @Test
    void a_cursor_is_good_for_its_own_tenant_only() {
        for (int i = 0; i < 3; i++) {
            var _ = job();
        }
        var cursor = api.get("/api/v1/jobs?limit=1", bearer(ours.owner())).at("/next_cursor");

        var stolen = api.get("/api/v1/jobs?cursor=" + cursor, bearer(theirs.owner()));

        assertThat(stolen.status()).isEqualTo(400);
        assertThat(stolen.at("/code")).isEqualTo("bad_cursor");
    }

    @Test
    void an_asset_of_another_tenant_cannot_be_named_in_a_job() {
        var refused =
                api.post(
                        "/api/v1/jobs",
                        Api.aPrompt("\"init_image\": \"asset://%s\"".formatted(asset())),
                        bearer(theirs.owner()));

        assertThat(refused.status()).isEqualTo(422);
        assertThat(refused.errors()).anyMatch(error -> error.endsWith("#/init_image"));
    }
}
