package dev.comfyapi.api.webhook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.standardwebhooks.Webhook;

import dev.comfyapi.api.Api;
import dev.comfyapi.api.Api.Answer;
import dev.comfyapi.db.job.BatchStore;
import dev.comfyapi.db.worker.WorkerStore;
import dev.comfyapi.model.job.JobId;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.net.http.HttpHeaders;
import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/// From the end of a job to somebody who is told of it, over real sockets. Time is stepped by what
/// the database keeps of it.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class WebhookJourneyTest {

    private static final JsonMapper JSON = JsonMapper.shared();
    private static final byte[] PICTURE = {1, 2, 3};

    private Api api = Api.shared();
    private WorkerStore.Registered worker = new WorkerStore.Registered(0, 0, 0);
    private final List<Receiver> receivers = new ArrayList<>();

    @BeforeAll
    void start() {
        api =
                Api.fresh(
                        "--comfyapi.webhooks.allowed-hosts=127.0.0.1",
                        "--comfyapi.webhooks.poll=50ms",
                        "--comfyapi.webhooks.timeout=3s",
                        "--comfyapi.webhooks.schedule=1h,2h,3h",
                        "--comfyapi.secrets.key=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
        worker = api.aWorker("gpu-hooks", "checkpoints/" + Api.CHECKPOINT);
    }

    @AfterAll
    void stop() {
        api.close();
    }

    @BeforeEach
    void forget() {
        int _ = api.jdbc().sql("DELETE FROM webhook_delivery").update();
        int _ = api.jdbc().sql("DELETE FROM webhook_endpoint").update();
        int _ = api.jdbc().sql("DELETE FROM webhook_lane").update();
    }

    @AfterEach
    void close() {
        receivers.forEach(Receiver::close);
        receivers.forEach(receiver -> assertThat(receiver.wrong).isEmpty());
        assertThat(api.brokenInvariants()).isEmpty();
    }

    private Receiver keep(Receiver receiver) {
        receivers.add(receiver);
        return receiver;
    }

    private Answer anEndpoint(String url, String members) {
        var answer =
                api.post(
                        "/api/v1/webhook-endpoints",
                        "{\"url\": \"%s\"%s}"
                                .formatted(url, members.isEmpty() ? "" : ", " + members));
        assertThat(answer.status()).as(answer.text()).isEqualTo(201);
        return answer;
    }

    private static String path(Answer endpoint) {
        return "/api/v1/webhook-endpoints/" + endpoint.at("/webhook_endpoint_id");
    }

    private JobId aJob(String members) {
        var answer = api.post("/api/v1/jobs", Api.aPrompt(members));
        assertThat(answer.status()).as(answer.text()).isEqualTo(202);
        return answer.job();
    }

    private JobId aSucceededJob(String members) {
        var job = aJob(members);
        api.succeed(api.assign(job, worker), PICTURE);
        return job;
    }

    private JobId aCanceledJob() {
        var job = aJob("\"tags\": []");
        api.delete("/api/v1/jobs/" + job);
        return job;
    }

    private Answer patch(String path, String body) {
        return api.send(
                api.request(path)
                        .header("Content-Type", "application/json")
                        .method("PATCH", BodyPublishers.ofString(body)));
    }

    private JsonNode only(Answer endpoint) {
        return api.get(path(endpoint) + "/deliveries").json().at("/webhook_deliveries/0");
    }

    private Answer read(JsonNode delivery) {
        return api.get(
                "/api/v1/webhook-deliveries/" + delivery.path("webhook_delivery_id").asString());
    }

    private void awaitStatus(Answer endpoint, String status) {
        await().untilAsserted(() ->
                assertThat(only(endpoint).path("status").asString()).isEqualTo(status));
    }

    private void awaitAttempts(Answer endpoint, int count) {
        await().untilAsserted(() ->
                assertThat(only(endpoint).path("attempt_count").asInt()).isEqualTo(count));
    }

    private void letTimePass() {
        int _ =
                api.jdbc()
                        .sql(
                                "UPDATE webhook_delivery SET next_at = now() WHERE state = 0 AND NOT sending")
                        .update();
        int _ = api.jdbc().sql("UPDATE webhook_lane SET open_until = now()").update();
    }

    private static void verify(String secret, Receiver.Message message) throws Exception {
        var headers =
                message.headers().entrySet().stream()
                        .collect(
                                Collectors.toMap(
                                        Map.Entry::getKey, header -> List.of(header.getValue())));
        new Webhook(secret).verify(message.body(), HttpHeaders.of(headers, (_, _) -> true));
    }

    @Test
    void an_endpoint_is_told_once_with_a_signature_that_others_verify() throws Exception {
        var receiver = keep(Receiver.answering(204));
        var endpoint = anEndpoint(receiver.url("/hook?a=1"), "\"description\": \"mine\"");

        var job = aSucceededJob("\"metadata\": {\"order\": \"Ä-17\"}");
        awaitStatus(endpoint, "delivered");

        assertThat(receiver.messages).hasSize(1);
        var message = receiver.messages.getFirst();
        verify(endpoint.at("/secret"), message);
        assertThat(message.path()).isEqualTo("/hook?a=1");
        assertThat(message.id()).matches("msg_[0-9a-f]{32}");
        assertThat(message.headers().get("content-type")).isEqualTo("application/json");
        assertThat(message.headers().get("user-agent")).startsWith("ComfyUI-API-Service/");
        var body = JSON.readTree(message.body());
        var seen = api.get("/api/v1/jobs/" + job).json();
        assertThat(body.path("type").asString()).isEqualTo("job.succeeded");
        assertThat(body.path("timestamp").asString())
                .isEqualTo(seen.path("finished_at").asString());
        assertThat(body.at("/data/job_id").asString()).isEqualTo(job.toString());
        assertThat(body.at("/data/metadata/order").asString()).isEqualTo("Ä-17");
        assertThat(body.at("/data/revision")).isEqualTo(seen.path("revision"));
        assertThat(api.get(body.at("/data/image_url").asString()).response().body())
                .isEqualTo(PICTURE);

        var log = read(only(endpoint));
        assertThat(log.at("/webhook_delivery_id")).isEqualTo(message.id());
        assertThat(log.at("/job_id")).isEqualTo(job.toString());
        assertThat(log.at("/body")).isEqualTo(message.body());
        assertThat(log.at("/attempts/0/status")).isEqualTo("204");
        assertThat(log.at("/attempts/0/request_headers/webhook-signature"))
                .isEqualTo(message.headers().get("webhook-signature"));
        assertThat(endpoint.header("Location")).isEqualTo(path(endpoint));
        assertThat(api.get(path(endpoint)).json().has("secret")).isFalse();
        assertThat(
                        api.jdbc()
                                .sql(
                                        "SELECT secret FROM webhook_secret WHERE endpoint_id IS NOT NULL")
                                .query(String.class)
                                .single())
                .startsWith("v1.");
    }

    @Test
    void the_end_of_a_batch_is_told_to_endpoints_and_to_the_address_that_came_with_it()
            throws Exception {
        var receiver = keep(Receiver.answering(204));
        var own = keep(Receiver.answering(200));
        var endpoint = anEndpoint(receiver.url(), "\"events\": [\"batch.completed\"]");
        var batch =
                api.post(
                        "/api/v1/batches",
                        "{\"items\": [%s], \"metadata\": {\"order\": \"A-17\"}, \"webhook\": {\"url\": \"%s\"}}"
                                .formatted(Api.aPrompt(), own.url()));
        var job = batch.at("/urls/jobs");
        api.succeed(
                api.assign(JobId.parse(api.get(job).at("/jobs/0/job_id")).orElseThrow(), worker),
                PICTURE);

        var ended = new BatchStore(api.jdbc()).finish(UUID.fromString(batch.at("/batch_id")));
        awaitStatus(endpoint, "delivered");
        await().until(() -> own.messages.size() == 1);

        assertThat(ended).isTrue();
        verify(endpoint.at("/secret"), receiver.messages.getFirst());
        verify(api.get("/api/v1/webhook-secret").at("/secret"), own.messages.getFirst());
        var body = JSON.readTree(own.messages.getFirst().body());
        assertThat(body.path("type").asString()).isEqualTo("batch.completed");
        assertThat(body.at("/data/batch_id").asString()).isEqualTo(batch.at("/batch_id"));
        assertThat(body.at("/data/status").asString()).isEqualTo("succeeded");
        assertThat(body.at("/data/counts/succeeded").asInt()).isEqualTo(1);
        assertThat(body.at("/data/metadata/order").asString()).isEqualTo("A-17");
        assertThat(body.path("timestamp").asString())
                .isEqualTo(api.get(batch.at("/urls/self")).at("/finished_at"));
        assertThat(read(only(endpoint)).at("/batch_id")).isEqualTo(batch.at("/batch_id"));
        assertThat(own.messages).hasSize(1);
    }

    @Test
    void an_address_that_came_with_the_job_is_told_under_the_tenants_own_secret() throws Exception {
        var receiver = keep(Receiver.answering(200));
        var secret = api.get("/api/v1/webhook-secret").at("/secret");

        var job =
                aSucceededJob(
                        "\"webhook\": {\"url\": \"%s\", \"events\": [\"job.started\", \"job.completed\"]}"
                                .formatted(receiver.url()));
        await().until(() -> receiver.messages.size() == 2);
        var quiet =
                aSucceededJob(
                        "\"webhook\": {\"url\": \"%s\", \"events\": [\"job.failed\"]}"
                                .formatted(receiver.url()));
        var log = api.get("/api/v1/webhook-deliveries?job_id=" + job);

        assertThat(secret).startsWith("whsec_");
        for (var message : receiver.messages) {
            verify(secret, message);
        }
        assertThat(log.json().path("webhook_deliveries").findValuesAsString("event"))
                .containsExactlyInAnyOrder("job.started", "job.succeeded");
        assertThat(log.at("/webhook_deliveries/0/url")).isEqualTo(receiver.url());
        assertThat(
                        api.get("/api/v1/webhook-deliveries?job_id=" + quiet)
                                .json()
                                .path("webhook_deliveries"))
                .isEmpty();
        assertThat(api.get("/api/v1/webhook-deliveries?job_id=x").at("/code"))
                .isEqualTo("bad_parameter");
    }

    @Test
    void an_endpoint_hears_only_what_it_asked_for() {
        var receiver = keep(Receiver.answering(200));
        var canceled = anEndpoint(receiver.url("/canceled"), "\"events\": [\"job.canceled\"]");
        anEndpoint(receiver.url("/shop"), "\"filter\": {\"tags\": [\"shop\"]}");
        anEndpoint(receiver.url("/off"), "\"enabled\": false");

        aSucceededJob("\"tags\": [\"shop\", \"b\"]");
        aSucceededJob("\"tags\": [\"b\"]");
        aCanceledJob();
        await().until(() -> receiver.messages.size() == 2);

        assertThat(receiver.messages)
                .extracting(Receiver.Message::path)
                .containsExactlyInAnyOrder("/shop", "/canceled");
        assertThat(canceled.json().path("events").toString()).isEqualTo("[\"job.canceled\"]");
    }

    @Test
    void a_message_is_repeated_as_it_was_until_the_schedule_ends_and_can_be_replayed()
            throws Exception {
        var working = new java.util.concurrent.atomic.AtomicBoolean();
        var receiver =
                keep(
                        new Receiver((_, socket) ->
                                Receiver.reply(socket, working.get() ? 200 : 500, "no")));
        var endpoint = anEndpoint(receiver.url(), "");
        aCanceledJob();
        for (int attempt = 1; attempt <= 4; attempt++) {
            awaitAttempts(endpoint, attempt);
            letTimePass();
        }
        awaitStatus(endpoint, "failed");
        var failed = read(only(endpoint));
        working.set(true);

        assertThat(
                        api.post(
                                        path(endpoint) + "/replay",
                                        "{\"since\": \"2020-01-01T00:00:00Z\"}")
                                .at("/replayed"))
                .isEqualTo("1");
        awaitStatus(endpoint, "delivered");
        var replay =
                api.post(
                        "/api/v1/webhook-deliveries/%s/replay"
                                .formatted(failed.at("/webhook_delivery_id")),
                        "");
        awaitAttempts(endpoint, 6);

        assertThat(failed.at("/failure")).isEqualTo("status_500");
        assertThat(failed.json().path("attempts")).hasSize(4);
        assertThat(failed.at("/attempts/0/response_body")).isEqualTo("no");
        assertThat(replay.status()).isEqualTo(202);
        assertThat(receiver.messages).hasSize(6);
        assertThat(receiver.messages)
                .extracting(Receiver.Message::id)
                .containsOnly(receiver.messages.getFirst().id());
        assertThat(receiver.messages)
                .extracting(Receiver.Message::body)
                .containsOnly(receiver.messages.getFirst().body());
        for (var message : receiver.messages) {
            verify(endpoint.at("/secret"), message);
        }
    }

    @Test
    void the_next_try_keeps_to_the_schedule_and_to_what_the_receiver_asks() {
        var plain = anEndpoint(keep(Receiver.answering(500)).url(), "");
        var asking = anEndpoint(keep(Receiver.answering(429, "Retry-After", "7200")).url(), "");
        aCanceledJob();
        awaitAttempts(plain, 1);
        awaitAttempts(asking, 1);

        assertThat(untilNext(plain)).isBetween(Duration.ofMinutes(47), Duration.ofMinutes(73));
        assertThat(untilNext(asking)).isBetween(Duration.ofMinutes(119), Duration.ofMinutes(121));
    }

    private Duration untilNext(Answer endpoint) {
        return Duration.between(
                Instant.now(), Instant.parse(only(endpoint).path("next_attempt_at").asString()));
    }

    @Test
    void an_endpoint_that_is_gone_is_disabled_and_the_others_are_told() {
        var gone = anEndpoint(keep(Receiver.answering(410)).url(), "");
        var other = keep(Receiver.answering(200));
        anEndpoint(other.url(), "\"events\": [\"job.failed\"]");

        aCanceledJob();
        await().until(() -> other.messages.size() == 1);
        aCanceledJob();

        var news = JSON.readTree(other.messages.getFirst().body());
        assertThat(news.path("type").asString()).isEqualTo("webhook_endpoint.disabled");
        assertThat(news.at("/data/webhook_endpoint_id").asString())
                .isEqualTo(gone.at("/webhook_endpoint_id"));
        assertThat(news.at("/data/disabled_reason").asString()).isEqualTo("gone");
        assertThat(api.get(path(gone)).at("/enabled")).isEqualTo("false");
        assertThat(api.get(path(gone) + "/deliveries").json().path("webhook_deliveries"))
                .hasSize(1);
        assertThat(api.post(path(gone) + "/test", "").at("/code"))
                .isEqualTo("webhook_endpoint_disabled");
        assertThat(
                        api.post(
                                        "/api/v1/webhook-deliveries/%s/replay"
                                                .formatted(
                                                        only(gone)
                                                                .path("webhook_delivery_id")
                                                                .asString()),
                                        "")
                                .status())
                .isEqualTo(409);

        var enabled = patch(path(gone), "{\"enabled\": true}");
        assertThat(enabled.at("/enabled")).isEqualTo("true");
        assertThat(enabled.json().path("disabled_reason").isNull()).isTrue();
        assertThat(api.post(path(gone) + "/test", "").status()).isEqualTo(202);
    }

    @Test
    void one_that_hangs_delays_no_other_and_has_at_most_eight() {
        var slow = new Receiver[1];
        slow[0] = keep(new Receiver((_, _) -> slow[0].hang()));
        anEndpoint(slow[0].url(), "");
        for (int i = 0; i < 12; i++) {
            aCanceledJob();
        }
        await().until(() -> slow[0].open.get() == 8);
        var quick = keep(Receiver.answering(200));
        var endpoint = anEndpoint(quick.url(), "");

        aCanceledJob();
        await().until(() -> quick.messages.size() == 1);

        assertThat(slow[0].open).hasValueBetween(1, 8);
        awaitStatus(endpoint, "delivered");
        assertThat(slow[0].connections).hasValueLessThanOrEqualTo(16);
    }

    @Test
    void of_a_slow_or_endless_answer_only_the_status_counts() {
        var slow = new Receiver[1];
        slow[0] = keep(new Receiver((_, socket) -> slow[0].slow(socket)));
        var endless = new Receiver[1];
        endless[0] = keep(new Receiver((_, socket) -> endless[0].endless(socket)));
        var first = anEndpoint(slow[0].url(), "");
        var second = anEndpoint(endless[0].url(), "");

        aCanceledJob();
        awaitStatus(first, "delivered");
        awaitStatus(second, "delivered");

        assertThat(read(only(second)).at("/attempts/0/response_body")).hasSize(2_048);
        // What was on its way in the buffers of both sides is not read.
        assertThat(endless[0].written).hasValueLessThan(16 << 20);
    }

    @Test
    void broken_connections_hangs_and_redirects_are_failures_with_a_name() {
        var hanging = new Receiver[1];
        hanging[0] = keep(new Receiver((_, _) -> hanging[0].hang()));
        var trap = keep(Receiver.answering(200));
        var all =
                List.of(
                        anEndpoint(hanging[0].url(), ""),
                        anEndpoint(keep(new Receiver((_, s) -> Receiver.reset(s))).url(), ""),
                        anEndpoint(keep(Receiver.answering(307, "Location", trap.url())).url(), ""),
                        anEndpoint("http://127.0.0.1:1/", ""));

        aCanceledJob();
        all.forEach(endpoint -> awaitAttempts(endpoint, 1));

        assertThat(all)
                .extracting(endpoint -> read(only(endpoint)).at("/attempts/0/error"))
                .containsExactly(
                        "timeout",
                        "connection_failed",
                        "redirect_not_followed",
                        "connection_failed");
        assertThat(trap.connections).hasValue(0);
    }

    @Test
    void while_keys_change_both_sign_newest_first() throws Exception {
        var receiver = keep(Receiver.answering(200));
        var endpoint = anEndpoint(receiver.url(), "");

        var rotated = api.post(path(endpoint) + "/rotate-secret", "{\"overlap_s\": 60}");
        aCanceledJob();
        await().until(() -> receiver.messages.size() == 1);
        var again =
                api.send(
                        api.request(path(endpoint) + "/rotate-secret")
                                .POST(BodyPublishers.noBody()));
        var tooLong = api.post(path(endpoint) + "/rotate-secret", "{\"overlap_s\": 604801}");

        var message = receiver.messages.getFirst();
        verify(rotated.at("/secret"), message);
        verify(endpoint.at("/secret"), message);
        var signatures = String.valueOf(message.headers().get("webhook-signature")).split(" ", -1);
        assertThat(signatures).hasSize(2);
        var first = new HashMap<>(message.headers());
        first.put("webhook-signature", signatures[0]);
        verify(rotated.at("/secret"), new Receiver.Message(message.path(), first, message.body()));
        assertThat(again.at("/secret")).startsWith("whsec_").isNotEqualTo(rotated.at("/secret"));
        assertThat(tooLong.errors()).containsExactly("out_of_range #/overlap_s");
        var before = api.get("/api/v1/webhook-secret").at("/secret");
        var after = api.post("/api/v1/webhook-secret/rotate", "{}").at("/secret");
        assertThat(after).startsWith("whsec_").isNotEqualTo(before);
        assertThat(api.get("/api/v1/webhook-secret").at("/secret")).isEqualTo(after);
    }

    @Test
    void with_ed25519_anybody_can_verify_by_the_well_known_key() throws Exception {
        var receiver = keep(Receiver.answering(200));
        var endpoint = anEndpoint(receiver.url(), "\"signature\": \"ed25519\"");

        var test = api.post(path(endpoint) + "/test", "");
        await().until(() -> receiver.messages.size() == 1);

        var message = receiver.messages.getFirst();
        var key = endpoint.at("/public_key");
        assertThat(api.get("/.well-known/webhook-keys.json").at("/keys/0/key")).isEqualTo(key);
        assertThat(test.status()).isEqualTo(202);
        assertThat(test.at("/webhook_delivery_id")).isEqualTo(message.id());
        assertThat(message.body()).contains("webhook_endpoint.test").doesNotContain("secret");
        assertThat(
                        SigningKeyTest.verifies(
                                key,
                                String.valueOf(message.headers().get("webhook-signature")),
                                message.id()
                                        + "."
                                        + message.headers().get("webhook-timestamp")
                                        + "."
                                        + message.body()))
                .isTrue();
    }

    @Test
    void whatever_a_receiver_does_everything_arrives_under_one_id() throws Exception {
        var random = new Random(7);
        var ids = new ConcurrentHashMap<String, String>();
        var taken = ConcurrentHashMap.<String>newKeySet();
        var receiver = new Receiver[1];
        receiver[0] =
                keep(
                        new Receiver((message, socket) -> {
                            var before = ids.putIfAbsent(message.id(), message.body());
                            assertThat(before).isIn(null, message.body());
                            int luck;
                            synchronized (random) {
                                luck = random.nextInt(100);
                            }
                            if (luck < 30) {
                                Receiver.reply(socket, 500, "");
                            } else if (luck < 40) {
                                receiver[0].hang();
                            } else if (luck < 45) {
                                Receiver.reset(socket);
                            } else {
                                taken.add(message.id());
                                Receiver.reply(socket, 200, "");
                            }
                        }));
        var endpoint = anEndpoint(receiver[0].url(), "");
        var jobs = new TreeSet<String>();
        for (int i = 0; i < 40; i++) {
            jobs.add(aCanceledJob().toString());
        }
        await().atMost(Duration.ofSeconds(90))
                .pollInterval(Duration.ofMillis(200))
                .until(() -> {
                    // The schedule of this class is shorter than this luck may last.
                    int _ =
                            api.jdbc()
                                    .sql("UPDATE webhook_delivery SET tries = 0 WHERE state = 0")
                                    .update();
                    letTimePass();
                    return taken.size() == 40;
                });

        var told = new TreeSet<String>();
        for (var message : receiver[0].messages) {
            verify(endpoint.at("/secret"), message);
            told.add(JSON.readTree(message.body()).at("/data/job_id").asString());
        }
        assertThat(ids).hasSize(40);
        assertThat(told).isEqualTo(jobs);
    }

    @Test
    void what_is_wrong_with_a_request_is_said_and_nothing_is_stored() {
        var bad =
                Map.of(
                        "{}",
                        "required #/url",
                        "{\"url\": \"http://1.1.1.1/\"}",
                        "url_not_allowed #/url",
                        "{\"url\": \"https://1.1.1.1/\", \"events\": [\"x\"]}",
                        "invalid_value #/events/0",
                        "{\"url\": \"https://1.1.1.1/\", \"signature\": \"rsa\"}",
                        "invalid_value #/signature",
                        "{\"url\": \"https://1.1.1.1/\", \"filter\": {\"tag\": 1}}",
                        "unknown_field #/filter/tag",
                        "{\"url\": \"https://1.1.1.1/\", \"secret\": \"x\"}",
                        "unknown_field #/secret");
        bad.forEach((body, error) -> {
            var answer = api.post("/api/v1/webhook-endpoints", body);
            assertThat(answer.status()).as(body).isEqualTo(422);
            assertThat(answer.errors()).as(body).containsExactly(error);
        });
        assertThat(api.get("/api/v1/webhook-endpoints").json().path("webhook_endpoints")).isEmpty();
        for (var path :
                List.of(
                        "/api/v1/webhook-endpoints/x",
                        "/api/v1/webhook-endpoints/0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f",
                        "/api/v1/webhook-deliveries/x",
                        "/api/v1/webhook-deliveries/msg_0198f3c27d417c559a3e5b0f6c1d2e40")) {
            assertThat(api.get(path).status()).as(path).isEqualTo(404);
            assertThat(api.post(path + "/replay", "{\"since\": \"2020-01-01T00:00:00Z\"}").status())
                    .as(path)
                    .isEqualTo(404);
        }
    }

    @Test
    void endpoints_are_listed_changed_and_deleted() {
        var receiver = keep(Receiver.answering(200));
        var first = anEndpoint(receiver.url("/1"), "");
        var second = anEndpoint(receiver.url("/2"), "");

        var page = api.get("/api/v1/webhook-endpoints?limit=1");
        var rest = api.get("/api/v1/webhook-endpoints?limit=1&cursor=" + page.at("/next_cursor"));
        var changed =
                patch(
                        path(first),
                        "{\"url\": \"%s\", \"events\": [\"job.expired\"], \"description\": \"new\"}"
                                .formatted(receiver.url("/3")));
        var deleted = api.delete(path(second));
        var again = api.delete(path(second));
        var badStatus = api.get(path(first) + "/deliveries?status=lost");

        assertThat(page.at("/webhook_endpoints/0/url")).endsWith("/2");
        assertThat(rest.at("/webhook_endpoints/0/url")).endsWith("/1");
        assertThat(rest.json().path("next_cursor").isNull()).isTrue();
        assertThat(changed.at("/url")).endsWith("/3");
        assertThat(changed.at("/events/0")).isEqualTo("job.expired");
        assertThat(api.get(path(first)).at("/description")).isEqualTo("new");
        assertThat(patch(path(first), "{\"signature\": \"hmac\"}").errors())
                .containsExactly("unknown_field #/signature");
        assertThat(deleted.status()).isEqualTo(204);
        assertThat(again.status()).isEqualTo(404);
        assertThat(badStatus.at("/code")).isEqualTo("bad_parameter");
    }

    @Test
    void a_tenant_has_at_most_fifty() {
        int _ =
                api.jdbc()
                        .sql(
                                """
                                INSERT INTO webhook_endpoint (id, tenant_id, url, events)
                                SELECT gen_random_uuid(), 1, 'https://1.1.1.1/', 2 FROM generate_series(1, 50)
                                """)
                        .update();

        var answer = api.post("/api/v1/webhook-endpoints", "{\"url\": \"https://1.1.1.1/\"}");

        assertThat(answer.status()).isEqualTo(422);
        assertThat(answer.errors()).containsExactly("too_many #");
    }
}
