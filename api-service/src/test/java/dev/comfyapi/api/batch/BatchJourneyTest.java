package dev.comfyapi.api.batch;

import static dev.comfyapi.api.Api.aPrompt;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.api.Api;
import dev.comfyapi.api.Api.Answer;
import dev.comfyapi.db.job.BatchStore;
import dev.comfyapi.db.lease.LeaseStore;
import dev.comfyapi.db.worker.WorkerStore;
import dev.comfyapi.messaging.MessageReader;
import dev.comfyapi.model.job.ErrorCode;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.LeaseKey;
import dev.comfyapi.model.message.LaneMessage;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.springframework.kafka.core.ConsumerFactory;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// What becomes of a batch. The test has the part of the leader: it looks when it likes.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BatchJourneyTest {

    private static final String PATH = "/api/v1/batches";
    private static final byte[] PICTURE = {1};
    private static final JsonMapper JSON = JsonMapper.shared();

    private final Api api = Api.fresh();
    private final WorkerStore.Registered worker =
            api.aWorker("gpu-batch", "checkpoints/" + Api.CHECKPOINT);

    @AfterAll
    void close() {
        api.close();
    }

    @AfterEach
    void no_invariant_is_broken() {
        assertThat(api.brokenInvariants()).isEmpty();
    }

    private void look() {
        api.bean(BatchKeeper.class).look();
    }

    private Answer submitted(int jobs, String more) {
        var items =
                IntStream.range(0, jobs)
                        .mapToObj(i -> aPrompt("\"custom_id\": \"row-%d\"".formatted(i)))
                        .collect(Collectors.joining(", "));
        var answer = api.post(PATH, "{\"items\": [%s]%s}".formatted(items, more));
        assertThat(answer.status()).as(answer.text()).isEqualTo(202);
        return answer;
    }

    private static String self(Answer batch) {
        return PATH + "/" + batch.at("/batch_id");
    }

    private Answer read(Answer batch) {
        return api.get(self(batch));
    }

    /// In order of submission.
    private List<JobId> jobs(Answer batch) {
        return api.jdbc()
                .sql("SELECT id FROM job WHERE batch_id = :batch::uuid ORDER BY id")
                .param("batch", batch.at("/batch_id"))
                .query((rs, _) -> new JobId(rs.getObject(1, UUID.class)))
                .list();
    }

    private void succeed(JobId job) {
        api.succeed(api.assign(job, worker), PICTURE);
    }

    private void fail(JobId job) {
        new LeaseStore(api.jdbc(), Duration.ofSeconds(1))
                .fail(
                        api.assign(job, worker),
                        ErrorCode.NODE_EXECUTION_ERROR,
                        "{\"message\": \"it burnt\"}");
    }

    private static List<JsonNode> lines(Answer answer) {
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.header("Content-Type")).startsWith("application/jsonl");
        var lines = new ArrayList<JsonNode>();
        answer.text().lines().forEach(line -> lines.add(JSON.readTree(line)));
        return lines;
    }

    private static List<String> customIds(List<JsonNode> lines) {
        return lines.stream().map(line -> line.path("custom_id").asString("")).toList();
    }

    @Test
    void a_batch_is_followed_from_its_submit_to_its_results() {
        var batch = submitted(3, ", \"name\": \"night run\", \"metadata\": {\"order\": \"A-17\"}");
        var jobs = jobs(batch);

        assertThat(batch.header("Location"))
                .isEqualTo(self(batch))
                .isEqualTo(batch.at("/location"));
        assertThat(batch.at("/status")).isEqualTo("running");
        assertThat(batch.json().path("counts").toString())
                .isEqualTo(
                        "{\"total\":3,\"queued\":3,\"running\":0,\"succeeded\":0,\"failed\":0,\"canceled\":0,\"expired\":0}");
        var job = api.get("/api/v1/jobs/" + jobs.get(1));
        assertThat(job.at("/custom_id")).isEqualTo("row-1");
        assertThat(job.at("/batch_id")).isEqualTo(batch.at("/batch_id"));
        assertThat(api.get(batch.at("/urls/jobs")).json().path("jobs")).hasSize(3);

        succeed(jobs.get(2));
        fail(jobs.get(0));
        look();
        var half = read(batch);
        assertThat(half.at("/status")).isEqualTo("running");
        assertThat(half.json().path("progress").doubleValue()).isBetween(0.66, 0.67);
        assertThat(half.header("Retry-After")).isEqualTo("1");
        succeed(jobs.get(1));
        assertThat(read(batch).at("/status")).isEqualTo("running");
        look();

        var end = read(batch);
        assertThat(end.at("/status")).isEqualTo("partially_succeeded");
        assertThat(end.json().path("counts").toString())
                .isEqualTo(
                        "{\"total\":3,\"queued\":0,\"running\":0,\"succeeded\":2,\"failed\":1,\"canceled\":0,\"expired\":0}");
        assertThat(end.at("/name")).isEqualTo("night run");
        assertThat(end.at("/metadata/order")).isEqualTo("A-17");
        assertThat(end.json().path("progress").doubleValue()).isEqualTo(1.0);
        assertThat(end.json().path("expires_at").isNull()).isFalse();

        var results = lines(api.get(end.at("/urls/results")));
        assertThat(customIds(results)).containsExactly("row-2", "row-1");
        assertThat(results.getFirst().path("status").asString()).isEqualTo("succeeded");
        assertThat(results.getFirst().path("error").isNull()).isTrue();
        assertThat(api.get(results.getFirst().at("/artifacts/0/url").asString()).response().body())
                .isEqualTo(PICTURE);
        var errors = lines(api.get(end.at("/urls/errors")));
        assertThat(customIds(errors)).containsExactly("row-0");
        assertThat(errors.getFirst().at("/error/code").asString())
                .isEqualTo("node_execution_error");
        assertThat(errors.getFirst().at("/error/message").asString()).isEqualTo("it burnt");
    }

    @Test
    void results_go_on_after_any_job_that_has_ended() {
        var batch = submitted(4, "");
        var jobs = jobs(batch);
        var results = self(batch) + "/results.jsonl";
        succeed(jobs.get(3));
        fail(jobs.get(1));
        succeed(jobs.get(0));
        assertThat(lines(api.get(results))).as("too fresh to be shown").isEmpty();
        int _ =
                api.jdbc()
                        .sql(
                                "UPDATE job SET finished_at = finished_at - interval '6 s' WHERE id = :id")
                        .param("id", jobs.get(3).value())
                        .update();
        assertThat(customIds(lines(api.get(results)))).containsExactly("row-3");
        api.delete("/api/v1/jobs/" + jobs.get(2));
        look();

        assertThat(customIds(lines(api.get(results)))).containsExactly("row-3", "row-0");
        assertThat(customIds(lines(api.get(results + "?after=" + jobs.get(3)))))
                .containsExactly("row-0");
        assertThat(customIds(lines(api.get(results + "?after=" + jobs.get(1)))))
                .containsExactly("row-0");
        assertThat(lines(api.get(results + "?after=" + jobs.get(2)))).isEmpty();
        assertThat(customIds(lines(api.get(self(batch) + "/errors.jsonl"))))
                .containsExactly("row-1", "row-2");
        for (var wrong : List.of("x", UUID.randomUUID().toString(), api.submitted().toString())) {
            var answer = api.get(results + "?after=" + wrong);
            assertThat(answer.status()).isEqualTo(400);
            assertThat(answer.at("/code")).isEqualTo("bad_parameter");
        }
    }

    @Test
    void a_canceled_batch_is_final_at_once_and_its_workers_are_told() {
        var batch = submitted(3, "");
        var jobs = jobs(batch);
        var heard = new ConcurrentLinkedQueue<LaneMessage>();
        var lane = MessageReader.ofLane(consumers(), worker.lane(), heard::add);
        lane.start();
        Awaitility.await().until(lane::isConnected);
        succeed(jobs.get(0));
        var lease = api.assign(jobs.get(1), worker);

        var canceled = api.post(self(batch) + "/cancel", "");
        var again = api.post(self(batch) + "/cancel", "");

        assertThat(canceled.status()).isEqualTo(200);
        assertThat(canceled.at("/status")).isEqualTo("partially_succeeded");
        assertThat(canceled.at("/counts/canceled")).isEqualTo("2");
        assertThat(canceled.json().path("canceled_at").isNull()).isFalse();
        assertThat(again.text()).isEqualTo(canceled.text());
        Awaitility.await()
                .untilAsserted(() -> assertThat(heard).contains(new LaneMessage.Cancel(lease)));
        lane.stop();
    }

    @SuppressWarnings("unchecked")
    private ConsumerFactory<byte[], byte[]> consumers() {
        return (ConsumerFactory<byte[], byte[]>) api.bean(ConsumerFactory.class);
    }

    @Test
    void what_a_dead_process_has_not_canceled_the_leader_cancels() {
        var batch = submitted(2, "");
        new BatchStore(api.jdbc()).cancel(Api.TENANT, UUID.fromString(batch.at("/batch_id")));

        look();
        look();

        assertThat(read(batch).at("/status")).isEqualTo("canceled");
        assertThat(read(batch).at("/counts/canceled")).isEqualTo("2");
    }

    @Test
    void the_first_failure_cancels_the_rest_of_a_batch_that_fails_fast() {
        var batch = submitted(4, ", \"fail_fast\": true");
        var jobs = jobs(batch);
        succeed(jobs.get(0));
        look();
        assertThat(read(batch).at("/counts/queued")).isEqualTo("3");
        fail(jobs.get(2));

        look();
        look();

        var end = read(batch);
        assertThat(end.at("/status")).isEqualTo("partially_succeeded");
        assertThat(end.at("/counts/failed")).isEqualTo("1");
        assertThat(end.at("/counts/canceled")).isEqualTo("2");
        assertThat(end.json().path("canceled_at").isNull()).isTrue();
    }

    @Test
    void with_a_limit_the_jobs_of_a_batch_come_into_the_queue_as_others_end() {
        var batch = submitted(3, ", \"max_concurrency\": 1");
        var jobs = jobs(batch);
        var held = api.get("/api/v1/jobs/" + jobs.get(1));
        assertThat(held.at("/status")).isEqualTo("queued");
        assertThat(held.at("/phase")).isEqualTo("waiting_concurrency");
        assertThat(held.at("/queue/reason")).isEqualTo("waiting_concurrency");
        assertThat(
                        api.get("/api/v1/jobs?status=queued&batch_id=" + batch.at("/batch_id"))
                                .json()
                                .path("jobs"))
                .hasSize(3);
        assertThat(waiting(batch)).isZero();

        for (var job : jobs) {
            look();
            look();
            assertThat(waiting(batch)).isEqualTo(1);
            succeed(job);
        }
        look();

        assertThat(read(batch).at("/status")).isEqualTo("succeeded");
        assertThat(read(batch).at("/max_concurrency")).isEqualTo("1");
    }

    private int waiting(Answer batch) {
        return api.jdbc()
                .sql(
                        "SELECT count(*) FROM queue q JOIN job j ON j.id = q.job_id WHERE j.batch_id = :batch::uuid")
                .param("batch", batch.at("/batch_id"))
                .query(Integer.class)
                .single();
    }

    @Test
    void what_has_not_ended_within_the_window_expires() {
        var batch =
                submitted(
                        2,
                        ", \"completion_window_s\": 60, \"defaults\": {\"finish_within_s\": 3600}");
        var shorter =
                api.post(
                        PATH,
                        "{\"completion_window_s\": 3600, \"items\": [%s]}"
                                .formatted(aPrompt("\"finish_within_s\": 60")));
        var job = api.get("/api/v1/jobs/" + jobs(batch).getFirst());
        var own = api.get("/api/v1/jobs/" + jobs(shorter).getFirst());

        assertThat(Duration.between(time(job, "/created_at"), time(job, "/finish_by")))
                .isLessThanOrEqualTo(Duration.ofSeconds(60));
        assertThat(Duration.between(time(own, "/created_at"), time(own, "/finish_by")))
                .isLessThanOrEqualTo(Duration.ofSeconds(60));
        assertThat(batch.json().path("finish_by").isNull()).isFalse();
        var conflict =
                api.post(
                        PATH,
                        "{\"completion_window_s\": 60, \"items\": [%s]}"
                                .formatted(aPrompt("\"run_after\": \"2126-01-01T00:00:00Z\"")));
        assertThat(conflict.status()).isEqualTo(422);
        api.post(self(batch) + "/cancel", "");
        api.post(self(shorter) + "/cancel", "");
    }

    private static Instant time(Answer answer, String pointer) {
        return Instant.parse(answer.at(pointer));
    }

    @Test
    void a_client_can_wait_for_the_end() {
        var batch = submitted(1, "");
        var waiting = CompletableFuture.supplyAsync(() -> api.get(self(batch) + "?wait_s=20"));
        var short_ = api.get(self(batch) + "?wait_s=1");
        succeed(jobs(batch).getFirst());
        look();

        assertThat(short_.at("/status")).isEqualTo("running");
        assertThat(waiting.join().at("/status")).isEqualTo("succeeded");
        assertThat(waiting.join().header("Preference-Applied")).isEqualTo("wait=20");
        assertThat(api.get(self(batch) + "?wait_s=20").at("/status")).isEqualTo("succeeded");
    }

    @Test
    void the_end_is_seen_once_by_two_leaders() {
        try (var twin = api.another()) {
            var batches = new ArrayList<Answer>();
            for (int i = 0; i < 5; i++) {
                batches.add(
                        submitted(
                                1,
                                ", \"webhook\": {\"url\": \"https://1.1.1.1/%d\"}".formatted(i)));
            }
            for (var batch : batches) {
                succeed(jobs(batch).getFirst());
                var both =
                        CompletableFuture.allOf(
                                CompletableFuture.runAsync(this::look),
                                CompletableFuture.runAsync(
                                        () -> twin.bean(BatchKeeper.class).look()));
                both.join();
                assertThat(told(batch)).containsExactly("8");
                assertThat(read(batch).at("/status")).isEqualTo("succeeded");
            }
        }
    }

    private List<String> told(Answer batch) {
        return api.jdbc()
                .sql("SELECT event::text FROM webhook_delivery WHERE subject_id = :batch::uuid")
                .param("batch", batch.at("/batch_id"))
                .query((rs, _) -> rs.getString(1))
                .list();
    }

    @Test
    void the_leader_brings_a_batch_with_a_limit_to_its_end_without_being_asked() {
        try (var led = Api.fresh("--comfyapi.dispatch.enabled=true")) {
            led.aWorker("gpu-led", "checkpoints/" + Api.CHECKPOINT);
            var batch =
                    led.post(
                            PATH,
                            "{\"max_concurrency\": 1, \"items\": [%s, %s, %s]}"
                                    .formatted(aPrompt(), aPrompt(), aPrompt()));
            for (int i = 0; i < 3; i++) {
                var leases =
                        Awaitility.await()
                                .atMost(Duration.ofSeconds(20))
                                .until(() -> leases(led), found -> !found.isEmpty());
                assertThat(leases).hasSize(1);
                assertThat(led.brokenInvariants()).isEmpty();
                led.succeed(leases.getFirst(), PICTURE);
            }

            Awaitility.await()
                    .atMost(Duration.ofSeconds(20))
                    .untilAsserted(() ->
                            assertThat(led.get(self(batch)).at("/status")).isEqualTo("succeeded"));
        }
    }

    private static List<LeaseKey> leases(Api led) {
        return led.jdbc()
                .sql("SELECT job_id, epoch, worker_id FROM lease")
                .query((rs, _) ->
                        new LeaseKey(
                                new JobId(rs.getObject("job_id", UUID.class)),
                                rs.getInt("epoch"),
                                rs.getLong("worker_id")))
                .list();
    }

    @Test
    void batches_are_listed_newest_first_and_by_status() {
        var one = submitted(1, "");
        var two = submitted(1, "");
        api.post(self(one) + "/cancel", "");

        var page = api.get(PATH + "?limit=1");
        var next = api.get(PATH + "?limit=1&cursor=" + page.at("/next_cursor"));
        var running = api.get(PATH + "?status=running");
        var ended = api.get(PATH + "?status=canceled,succeeded&limit=1");

        assertThat(page.at("/batches/0/batch_id")).isEqualTo(two.at("/batch_id"));
        assertThat(page.json().at("/batches/0/counts").isNull()).isTrue();
        assertThat(next.at("/batches/0/batch_id")).isEqualTo(one.at("/batch_id"));
        assertThat(next.at("/batches/0/counts/canceled")).isEqualTo("1");
        assertThat(running.json().path("batches").findValuesAsString("batch_id"))
                .contains(two.at("/batch_id"))
                .doesNotContain(one.at("/batch_id"));
        assertThat(ended.at("/batches/0/batch_id")).isEqualTo(one.at("/batch_id"));
        assertThat(api.get(PATH + "?status=done").status()).isEqualTo(400);
        assertThat(api.get(PATH + "?limit=0").status()).isEqualTo(400);
        assertThat(api.get(PATH + "?status=running&cursor=" + page.at("/next_cursor")).at("/code"))
                .isEqualTo("bad_cursor");
        api.post(self(two) + "/cancel", "");
    }

    @Test
    void what_was_generated_in_one_call_is_a_batch_too() {
        var made =
                api.post(
                        "/api/v1/generate/batch?wait_s=0",
                        "{\"requests\": [%s, %s], \"webhook\": {\"url\": \"https://1.1.1.1/\", \"events\": [\"batch.completed\", \"job.completed\"]}}"
                                .formatted(aPrompt(), aPrompt()));
        assertThat(made.status()).as(made.text()).isEqualTo(202);
        assertThat(read(made).at("/counts/queued")).isEqualTo("2");

        var canceled = api.post(self(made) + "/cancel", "");

        assertThat(canceled.at("/status")).isEqualTo("canceled");
        assertThat(told(made)).containsExactly("8");
        assertThat(
                        api.jdbc()
                                .sql(
                                        "SELECT count(*) FROM webhook_delivery d JOIN job j ON j.id = d.subject_id"
                                                + " WHERE d.event = 3 AND j.batch_id = :batch::uuid")
                                .param("batch", made.at("/batch_id"))
                                .query(Integer.class)
                                .single())
                .isEqualTo(2);
    }

    @Test
    void an_erased_job_has_lost_its_name_too() {
        var batch = submitted(1, "");
        var job = jobs(batch).getFirst();
        succeed(job);
        look();

        assertThat(api.delete("/api/v1/jobs/" + job + "/content").status()).isEqualTo(204);

        var line = lines(api.get(self(batch) + "/results.jsonl")).getFirst();
        assertThat(line.path("custom_id").isNull()).isTrue();
        assertThat(line.path("artifacts")).isEmpty();
    }
}
