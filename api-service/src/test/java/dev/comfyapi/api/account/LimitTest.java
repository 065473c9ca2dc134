package dev.comfyapi.api.account;

import static dev.comfyapi.api.account.Accounts.bearer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.comfyapi.api.Api;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntFunction;

import javax.sql.DataSource;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LimitTest {

    private static final String POLL = "/api/v1/samplers";

    private final Accounts accounts = new Accounts("--comfyapi.limits.quota-age=1ms");
    private final Api api = accounts.api;

    @AfterAll
    void close() {
        accounts.close();
    }

    private Accounts.Tenant limited(String limits) {
        return accounts.tenant(", \"tier\": \"internal\", \"limits\": {%s}".formatted(limits));
    }

    private static List<Api.Answer> parallel(int count, IntFunction<Api.Answer> call)
            throws Exception {
        var answers = new ArrayList<Api.Answer>();
        try (var threads = Executors.newFixedThreadPool(32)) {
            var calls = new ArrayList<Future<Api.Answer>>();
            for (int i = 0; i < count; i++) {
                int number = i;
                calls.add(threads.submit(() -> call.apply(number)));
            }
            for (var answer : calls) {
                answers.add(answer.get());
            }
        }
        return answers;
    }

    private static long count(List<Api.Answer> answers, int status) {
        return answers.stream().filter(answer -> answer.status() == status).count();
    }

    @Test
    void exactly_as_many_requests_pass_as_may_on_one_instance() throws Exception {
        var tenant = limited("\"polls_per_minute\": 60");

        var answers = parallel(600, _ -> api.get(POLL, bearer(tenant.owner())));

        assertThat(count(answers, 200)).isEqualTo(60);
        assertThat(count(answers, 429)).isEqualTo(540);
    }

    @Test
    void exactly_as_many_requests_pass_as_may_on_two_instances() throws Exception {
        var tenant = limited("\"polls_per_minute\": 100");
        try (var twin = api.another("--comfyapi.auth.mode=keys")) {
            var answers =
                    parallel(
                            1_000,
                            i -> (i % 2 == 0 ? api : twin).get(POLL, bearer(tenant.owner())));

            assertThat(count(answers, 200)).isEqualTo(100);
            assertThat(count(answers, 429)).isEqualTo(900);
        }
    }

    @Test
    void polling_never_eats_what_is_for_submits() throws Exception {
        var tenant = limited("\"polls_per_minute\": 200, \"submits_per_minute\": 2");
        var answers = parallel(400, _ -> api.get(POLL, bearer(tenant.owner())));
        assertThat(count(answers, 200)).isEqualTo(200);

        var first = api.post("/api/v1/jobs", Api.aPrompt(), bearer(tenant.owner()));
        var second = api.post("/api/v1/jobs", Api.aPrompt(), bearer(tenant.owner()));
        var third = api.post("/api/v1/jobs", Api.aPrompt(), bearer(tenant.owner()));

        assertThat(first.status()).isEqualTo(202);
        assertThat(second.status()).isEqualTo(202);
        assertThat(third.status()).isEqualTo(429);
    }

    @Test
    void an_answer_says_how_much_is_left_and_a_refusal_why_and_when_to_come_back() {
        var tenant = limited("\"polls_per_minute\": 1");

        var passed = api.get(POLL, bearer(tenant.owner()));
        var refused = api.get(POLL, bearer(tenant.owner()));

        assertThat(passed.header("RateLimit-Policy"))
                .matches("\"poll\";q=1;w=60;pk=:[A-Za-z0-9+/=]+:");
        assertThat(passed.header("RateLimit")).matches("\"poll\";r=0;t=\\d+;pk=:[A-Za-z0-9+/=]+:");
        assertThat(passed.header("X-RateLimit-Limit")).isEqualTo("1");
        assertThat(passed.header("X-RateLimit-Remaining")).isEqualTo("0");
        assertThat(passed.header("X-RateLimit-Reset")).matches("\\d{10}");
        assertThat(refused.status()).isEqualTo(429);
        assertThat(refused.at("/type"))
                .isEqualTo("https://iana.org/assignments/http-problem-types#quota-exceeded");
        assertThat(refused.at("/code")).isEqualTo("rate_limited");
        assertThat(refused.at("/violated-policies/0")).isEqualTo("poll");
        assertThat(refused.at("/params/limit")).isEqualTo("1");
        assertThat(refused.at("/params/remaining")).isEqualTo("0");
        assertThat(Integer.parseInt(String.valueOf(refused.header("Retry-After"))))
                .isBetween(1, 60)
                .isGreaterThanOrEqualTo(refused.json().at("/params/reset_s").intValue());
        assertThat(refused.header("RateLimit")).contains("r=0");
    }

    @Test
    void what_may_not_be_asked_does_not_count() {
        var tenant = limited("\"polls_per_minute\": 1");
        var blind = accounts.key(tenant.owner(), "\"scopes\": [\"jobs:read\"]");

        for (int i = 0; i < 5; i++) {
            assertThat(api.get(POLL, bearer(blind)).status()).isEqualTo(403);
        }

        assertThat(api.get(POLL, bearer(tenant.owner())).status()).isEqualTo(200);
    }

    @Test
    void jobs_of_a_day_are_counted_all_or_none_and_repeats_are_not() {
        var tenant = limited("\"jobs_per_day\": 3");
        var owner = tenant.owner();
        var two = "{\"requests\": [%s, %s]}".formatted(Api.aPrompt(), Api.aPrompt());
        var key = UUID.randomUUID().toString();

        for (int i = 0; i < 3; i++) {
            var repeated =
                    api.post(
                            "/api/v1/jobs",
                            Api.aPrompt(),
                            "Authorization",
                            "Bearer " + owner,
                            "Idempotency-Key",
                            key);
            assertThat(repeated.status()).isEqualTo(202);
        }
        var both = api.post("/api/v1/generate/batch?wait_s=0", two, bearer(owner));
        var tooMany = api.post("/api/v1/jobs", Api.aPrompt(), bearer(owner));
        var replayed =
                api.post(
                        "/api/v1/jobs",
                        Api.aPrompt(),
                        "Authorization",
                        "Bearer " + owner,
                        "Idempotency-Key",
                        key);
        var list = api.get("/api/v1/jobs", bearer(owner));

        assertThat(both.status()).isEqualTo(202);
        assertThat(tooMany.status()).isEqualTo(429);
        assertThat(tooMany.at("/violated-policies/0")).isEqualTo("jobs-day");
        assertThat(replayed.status()).isEqualTo(202);
        assertThat(list.json().path("jobs")).hasSize(3);
    }

    @Test
    void exactly_as_many_jobs_of_a_day_pass_as_may_on_two_instances() throws Exception {
        var tenant = limited("\"jobs_per_day\": 20");
        try (var twin = api.another("--comfyapi.auth.mode=keys")) {
            var answers =
                    parallel(
                            200,
                            i ->
                                    (i % 2 == 0 ? api : twin)
                                            .post(
                                                    "/api/v1/jobs",
                                                    Api.aPrompt(),
                                                    bearer(tenant.owner())));

            assertThat(count(answers, 202)).isEqualTo(20);
            assertThat(count(answers, 429)).isEqualTo(180);
        }
    }

    @Test
    void an_instance_keeps_none_of_the_jobs_of_a_day_to_itself() {
        var tenant = limited("\"jobs_per_day\": 100");
        var owner = bearer(tenant.owner());
        assertThat(api.post("/api/v1/jobs", Api.aPrompt(), owner).status()).isEqualTo(202);

        try (var twin = api.another("--comfyapi.auth.mode=keys")) {
            assertThat(limit(twin, owner, "jobs-day").path("remaining").intValue()).isEqualTo(99);
        }
    }

    @Test
    void a_job_that_is_refused_does_not_count_for_the_day() {
        var tenant = limited("\"jobs_per_day\": 2, \"max_queued_jobs\": 1");
        var owner = bearer(tenant.owner());

        var first = api.post("/api/v1/jobs", Api.aPrompt(), owner);
        for (int i = 0; i < 5; i++) {
            var full = api.post("/api/v1/jobs", Api.aPrompt(), owner);
            assertThat(full.at("/code")).isEqualTo("queue_full");
            assertThat(full.at("/violated-policies/0")).isEqualTo("jobs-queued");
            assertThat(full.at("/params/limit")).isEqualTo("1");
        }
        api.delete("/api/v1/jobs/" + first.at("/job_id"), owner);

        await().untilAsserted(() ->
                assertThat(api.post("/api/v1/jobs", Api.aPrompt(), owner).status()).isEqualTo(202));
    }

    private static JsonNode limit(Api instance, String[] owner, String policy) {
        for (var limit : instance.get("/api/v1/limits", owner).json().path("limits")) {
            if (limit.path("policy").stringValue().equals(policy)) {
                return limit;
            }
        }
        throw new AssertionError("there is no limit " + policy);
    }

    @Test
    void who_may_not_even_ask_for_normal_priority_gets_less() {
        var tenant = limited("\"max_priority\": -1");
        var developer = bearer(accounts.key(tenant.owner(), "\"role\": \"developer\""));

        var job = api.post("/api/v1/jobs", Api.aPrompt(), developer);
        var path = "/api/v1/jobs/" + job.at("/job_id");

        assertThat(api.get(path, developer).at("/priority")).isEqualTo("-1");
        assertThat(api.patch(path, "{\"priority\": 0}", developer).status()).isEqualTo(403);
        assertThat(api.patch(path, "{\"priority\": -2}", developer).status()).isEqualTo(200);
    }

    @Test
    void gpu_time_that_is_used_up_ends_submits_with_402() {
        for (var limit : List.of("day", "month")) {
            var tenant = limited("\"gpu_seconds_per_%s\": 10".formatted(limit));
            assertThat(api.post("/api/v1/jobs", Api.aPrompt(), bearer(tenant.owner())).status())
                    .isEqualTo(202);
            int _ =
                    api.jdbc()
                            .sql(
                                    """
                                    INSERT INTO tenant_usage (tenant_id, day, gpu_ms)
                                    SELECT id, (now() AT TIME ZONE 'UTC')::date, 10000 FROM tenant
                                    WHERE uid = :tenant::uuid
                                    """)
                            .param("tenant", tenant.id())
                            .update();

            await().untilAsserted(() -> {
                var refused = api.post("/api/v1/jobs", Api.aPrompt(), bearer(tenant.owner()));
                assertThat(refused.status()).isEqualTo(402);
                assertThat(refused.at("/code")).isEqualTo("budget_exhausted");
                assertThat(refused.at("/violated-policies/0")).isEqualTo("gpu-seconds-" + limit);
                assertThat(refused.header("Retry-After")).isNotNull();
            });
        }
    }

    @Test
    void a_priority_needs_its_scope_and_a_tenant_that_may() {
        var tenant = limited("\"max_priority\": 1");
        var developer = accounts.key(tenant.owner(), "\"role\": \"developer\"");
        var high = Api.aPrompt("\"priority\": 1");

        assertThat(api.post("/api/v1/jobs", high, bearer(developer)).at("/code"))
                .isEqualTo("scope_missing");
        assertThat(api.post("/api/v1/jobs", high, bearer(tenant.owner())).status()).isEqualTo(202);
        assertThat(
                        api.post(
                                        "/api/v1/jobs",
                                        Api.aPrompt("\"priority\": 2"),
                                        bearer(tenant.owner()))
                                .status())
                .isEqualTo(403);
    }

    @Test
    void limits_can_be_read() {
        var tenant = limited("\"polls_per_minute\": 50, \"jobs_per_day\": 7");
        api.post("/api/v1/jobs", Api.aPrompt(), bearer(tenant.owner()));

        var limits = api.get("/api/v1/limits", bearer(tenant.owner())).json().path("limits");

        var seen = new ArrayList<String>();
        for (var limit : limits) {
            seen.add(
                    "%s %s %s"
                            .formatted(
                                    limit.path("policy").stringValue(),
                                    limit.path("limit"),
                                    limit.path("remaining")));
        }
        assertThat(seen)
                .contains(
                        "jobs-day 7 6",
                        "submit null null",
                        "jobs-queued 100000 99999",
                        "jobs-running 100 100",
                        "gpu-seconds-day null null");
    }

    @Test
    void exactly_as_many_requests_without_a_good_key_pass_as_may_come_from_one_address()
            throws Exception {
        try (var own = new Accounts("--comfyapi.limits.per-address=50")) {
            var owner = own.tenant().owner();
            for (int i = 0; i < 100; i++) {
                assertThat(own.api.get(POLL, bearer(owner)).status()).isEqualTo(200);
            }

            var answers =
                    parallel(
                            500,
                            i ->
                                    own.api.get(
                                            POLL,
                                            "X-Forwarded-For",
                                            "10.0.0." + i,
                                            "Authorization",
                                            "Bearer " + ApiKey.random("live").text()));

            assertThat(count(answers, 401)).isEqualTo(50);
            assertThat(count(answers, 429)).isEqualTo(450);
            assertThat(answers.stream().filter(a -> a.status() == 429))
                    .allMatch(a -> a.header("Retry-After") != null)
                    .allMatch(a -> a.at("/violated-policies/0").equals("address"));
        }
    }

    @Test
    void what_is_too_much_for_an_instance_is_refused_at_the_door() throws Exception {
        try (var own = Api.fresh("--comfyapi.limits.in-flight=2")) {
            try (var _ = halfARequest(own);
                    var _ = halfARequest(own)) {
                await().untilAsserted(() -> {
                    var refused = own.get("/api/v1/jobs");
                    assertThat(refused.status()).isEqualTo(503);
                    assertThat(refused.at("/code")).isEqualTo("temporarily_overloaded");
                    assertThat(refused.at("/type")).endsWith("#temporary-reduced-capacity");
                    assertThat(refused.header("Retry-After")).isEqualTo("1");
                });
                assertThat(own.get("/health").status()).isEqualTo(200);
            }
            await().untilAsserted(
                            () -> assertThat(own.get("/api/v1/jobs").status()).isEqualTo(200));
        }
    }

    @Test
    void who_does_not_get_a_turn_in_time_is_refused() throws Exception {
        try (var own =
                Api.fresh("--comfyapi.limits.at-work=1", "--comfyapi.limits.patience=50ms")) {
            try (var connection = own.bean(DataSource.class).getConnection();
                    var threads = Executors.newSingleThreadExecutor()) {
                connection.setAutoCommit(false);
                connection.createStatement().execute("LOCK TABLE batch");
                var stuck = threads.submit(() -> own.get("/api/v1/batches"));

                await().untilAsserted(() -> {
                    var refused = own.get(POLL);
                    assertThat(refused.status()).isEqualTo(503);
                    assertThat(refused.at("/code")).isEqualTo("temporarily_overloaded");
                    assertThat(refused.header("Retry-After")).isEqualTo("1");
                });
                assertThat(own.get("/health").status()).isEqualTo(200);

                connection.rollback();
                var _ = stuck.get();
            }
            assertThat(own.get(POLL).status()).isEqualTo(200);
        }
    }

    @Test
    void a_slow_client_keeps_nobody_else_from_a_turn() throws Exception {
        try (var own =
                        Api.fresh(
                                "--comfyapi.limits.at-work=1", "--comfyapi.limits.patience=200ms");
                var _ = halfARequest(own);
                var _ = halfARequest(own)) {
            for (int i = 0; i < 20; i++) {
                assertThat(own.post("/api/v1/jobs", Api.aPrompt()).status()).isEqualTo(202);
            }
        }
    }

    /// A submit whose body does not come.
    private static Socket halfARequest(Api api) throws IOException {
        var socket = new Socket(InetAddress.getLoopbackAddress(), api.port());
        socket.getOutputStream()
                .write(
                        """
                        POST /api/v1/jobs HTTP/1.1\r
                        Host: localhost\r
                        Content-Type: application/json\r
                        Content-Length: 1048576\r
                        \r
                        {
                        """
                                .getBytes(StandardCharsets.US_ASCII));
        socket.getOutputStream().flush();
        return socket;
    }

    private static String padded(int bytes) {
        return " ".repeat(bytes) + Api.aPrompt();
    }

    @Test
    void a_body_that_comes_too_slowly_is_refused_in_the_end() throws Exception {
        try (var own =
                Api.fresh(
                        "--comfyapi.body-time=1ms",
                        "--server.tomcat.connection-timeout=500ms",
                        "--comfyapi.limits.in-flight=2")) {
            try (var drips = halfARequest(own);
                    var stops = halfARequest(own)) {
                await().untilAsserted(() -> {
                    if (drips.getInputStream().available() == 0) {
                        drips.getOutputStream().write(' ');
                    }
                    assertThat(drips.getInputStream().available()).isPositive();
                });
                await().untilAsserted(
                                () -> assertThat(stops.getInputStream().available()).isPositive());

                for (var slow : List.of(drips, stops)) {
                    var in = slow.getInputStream();
                    var answer = new String(in.readNBytes(in.available()), UTF_8);
                    assertThat(answer).startsWith("HTTP/1.1 408").contains("body_too_slow");
                }
            }
            assertThat(own.get("/api/v1/jobs").status()).isEqualTo(200);
        }
    }

    @Test
    void bodies_that_are_too_many_at_one_time_are_refused_until_some_are_done() throws Exception {
        try (var own = Api.fresh("--comfyapi.max-body=1MB", "--comfyapi.body-room=1MB")) {
            assertThat(own.post("/api/v1/jobs", Api.aPrompt()).status()).isEqualTo(202);
            try (var large = halfARequest(own)) {
                assertThat(own.post("/api/v1/jobs", padded(100_000)).status())
                        .as("a body that is only announced holds no room")
                        .isEqualTo(202);
                large.getOutputStream().write(new byte[1_000_000]);
                large.getOutputStream().flush();
                await().untilAsserted(() -> {
                    var refused = own.post("/api/v1/jobs", padded(100_000));
                    assertThat(refused.status()).isEqualTo(503);
                    assertThat(refused.header("Retry-After")).isEqualTo("1");
                });
            }
            await().untilAsserted(() ->
                    assertThat(own.post("/api/v1/jobs", padded(100_000)).status()).isEqualTo(202));
        }
    }
}
