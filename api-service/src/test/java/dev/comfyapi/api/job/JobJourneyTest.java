package dev.comfyapi.api.job;

import static dev.comfyapi.api.Api.aPrompt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.api.Api;
import dev.comfyapi.db.worker.WorkerStore;
import dev.comfyapi.model.job.LeaseStage;
import dev.comfyapi.model.message.JobEvent;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/// One job from acceptance to its end, as its client sees it.
class JobJourneyTest {

    private static final byte[] PICTURE = "not really a picture".getBytes(StandardCharsets.UTF_8);

    private final Api api = Api.shared();
    private WorkerStore.Registered worker = api.aWorker("gpu-7", "checkpoints/" + Api.CHECKPOINT);

    @BeforeEach
    void register() {
        worker = api.aWorker("gpu-7", "checkpoints/" + Api.CHECKPOINT);
    }

    @AfterEach
    void leave() {
        api.leave(worker);
        assertThat(api.brokenInvariants()).isEmpty();
    }

    @Test
    void a_submit_answers_at_once_with_the_job_and_where_to_read_it() {
        var answer =
                api.post(
                        "/api/v1/jobs",
                        aPrompt("\"seed\": 8675309, \"metadata\": {\"order\": \"A-17\"}"));

        assertThat(answer.status()).isEqualTo(202);
        assertThat(answer.header("Location")).isEqualTo("/api/v1/jobs/" + answer.job());
        assertThat(answer.at("/location")).isEqualTo("/api/v1/jobs/" + answer.job());
        assertThat(answer.header("Retry-After")).isEqualTo("1");
        assertThat(answer.at("/status")).isEqualTo("queued");
        assertThat(answer.at("/params/seed")).isEqualTo("8675309");
        assertThat(answer.at("/metadata/order")).isEqualTo("A-17");
        assertThat(answer.at("/queued_at"))
                .matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z");
        assertThat(answer.json().path("queue").path("feasible").booleanValue()).isTrue();
        assertThat(answer.json().has("image_url")).isTrue();
        assertThat(answer.json().path("image_url").isNull()).isTrue();
        assertThat(answer.header("Cache-Control")).isEqualTo("no-store");
    }

    @Test
    void a_job_is_shown_through_all_of_its_life() {
        var job = api.submitted();
        var path = "/api/v1/jobs/" + job;

        var queued = api.get(path);
        var lease = api.assign(job, worker);
        var assigned = api.get(path);
        api.publish(new JobEvent.Started(job, lease.epoch(), worker.id()));
        api.publish(
                new JobEvent.Progress(
                        job, lease.epoch(), 0.42, "executing", 4, 7, "3", "KSampler", 21, 50));
        await().untilAsserted(() -> assertThat(api.get(path).at("/progress")).isEqualTo("0.42"));
        var running = api.get(path);
        new WorkerStore(api.jdbc())
                .heartbeat(
                        worker.id(),
                        new WorkerStore.Standing(true, null, null),
                        List.of(
                                new WorkerStore.LeaseReport(
                                        lease, LeaseStage.RUNNING, 0.3, null, 100)));
        var afterHeartbeat = api.get(path);
        api.succeed(lease, PICTURE);
        var succeeded = api.get(path);

        assertThat(queued.at("/phase")).isEqualTo("waiting_capacity");
        assertThat(assigned.at("/phase")).isEqualTo("assigned");
        assertThat(assigned.at("/attempt/worker")).isEqualTo("gpu-7");
        assertThat(assigned.at("/attempt/attempt_id")).isEqualTo(lease.attemptId().toString());
        assertThat(running.at("/status")).isEqualTo("running");
        assertThat(running.at("/progress_detail/current_node_class")).isEqualTo("KSampler");
        assertThat(afterHeartbeat.at("/progress")).isEqualTo("0.42");
        assertThat(afterHeartbeat.at("/started_at")).isNotEmpty();
        assertThat(succeeded.at("/status")).isEqualTo("succeeded");
        assertThat(succeeded.at("/result/generation_time")).isEqualTo("1.234");
        assertThat(succeeded.at("/timings/execution_ms")).isEqualTo("1234");
        assertThat(succeeded.at("/image_url"))
                .startsWith("http://127.0.0.1:" + api.port() + "/files/");
        assertThat(succeeded.at("/result/artifacts/0/filename")).isEqualTo("picture_00001_.png");
        assertThat(List.of(queued, assigned, running, afterHeartbeat, succeeded))
                .extracting(answer -> Long.parseLong(answer.at("/revision")))
                .isSorted()
                .startsWith(5_000L, 10_000L)
                .endsWith(19_999L);
        assertThat(api.get(succeeded.at("/image_url")).response().body()).isEqualTo(PICTURE);
    }

    @Test
    void generate_waits_for_the_pictures() {
        var waiting =
                CompletableFuture.supplyAsync(
                        () -> api.post("/api/v1/generate", aPrompt("\"tags\": [\"waits\"]")));
        await().untilAsserted(() -> assertThat(tagged("waits")).hasSize(1));
        var job = tagged("waits").getFirst();

        api.succeed(api.assign(job, worker), PICTURE);
        var answer = waiting.join();

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.at("/status")).isEqualTo("succeeded");
        assertThat(answer.at("/image_url")).isNotEmpty();
    }

    private List<dev.comfyapi.model.job.JobId> tagged(String tag) {
        return api.jdbc()
                .sql("SELECT id FROM job WHERE :tag = ANY (tags)")
                .param("tag", tag)
                .query((rs, _) ->
                        new dev.comfyapi.model.job.JobId(rs.getObject("id", java.util.UUID.class)))
                .list();
    }

    @Test
    void generate_hands_over_to_polling_when_the_wait_is_over() {
        var waited = api.post("/api/v1/generate", aPrompt(), "Prefer", "wait=1");
        var atOnce = api.post("/api/v1/generate", aPrompt(), "Prefer", "respond-async");

        assertThat(waited.status()).isEqualTo(202);
        assertThat(waited.header("Preference-Applied")).isEqualTo("wait=1");
        assertThat(waited.header("Location")).isEqualTo("/api/v1/jobs/" + waited.job());
        assertThat(atOnce.status()).isEqualTo(202);
        assertThat(atOnce.header("Preference-Applied")).isEqualTo("respond-async");
    }

    @Test
    void an_unchanged_job_is_304_and_a_wait_ends_with_the_change() {
        var job = api.submitted();
        var path = "/api/v1/jobs/" + job;
        var tag = String.valueOf(api.get(path).header("ETag"));

        var unchanged = api.get(path, "If-None-Match", tag);
        var waited = api.get(path, "If-None-Match", tag, "Prefer", "wait=1");
        var waiting =
                CompletableFuture.supplyAsync(
                        () -> api.get(path, "If-None-Match", tag, "Prefer", "wait=20"));
        var lease = api.assign(job, worker);
        api.publish(new JobEvent.Started(job, lease.epoch(), worker.id()));
        var changed = waiting.orTimeout(15, java.util.concurrent.TimeUnit.SECONDS).join();

        assertThat(tag).isEqualTo("\"r5000\"");
        assertThat(unchanged.status()).isEqualTo(304);
        assertThat(unchanged.header("ETag")).isEqualTo(tag);
        assertThat(waited.status()).isEqualTo(304);
        assertThat(waited.header("Preference-Applied")).isEqualTo("wait=1");
        assertThat(changed.status()).isEqualTo(200);
        assertThat(changed.header("ETag")).isNotEqualTo(tag);
    }

    @Test
    void a_wait_for_the_status_takes_no_notice_of_progress() {
        var job = api.submitted();
        var path = "/api/v1/jobs/" + job;
        var lease = api.assign(job, worker);
        progress(lease, 0.1);
        await().untilAsserted(() -> assertThat(api.get(path).at("/progress")).isEqualTo("0.1"));
        var tag = String.valueOf(api.get(path).header("ETag"));

        var waiting =
                CompletableFuture.supplyAsync(
                        () -> api.get(path + "?wait_for=status&wait_s=20", "If-None-Match", tag));
        progress(lease, 0.5);
        await().untilAsserted(() -> assertThat(api.get(path).at("/progress")).isEqualTo("0.5"));
        boolean stillWaiting = !waiting.isDone();
        api.succeed(lease, PICTURE);
        var ended = waiting.join();

        assertThat(stillWaiting).isTrue();
        assertThat(ended.status()).isEqualTo(200);
        assertThat(ended.at("/status")).isEqualTo("succeeded");
    }

    private void progress(dev.comfyapi.model.job.LeaseKey lease, double fraction) {
        api.publish(
                new JobEvent.Progress(
                        lease.job(), lease.epoch(), fraction, "executing", 1, 7, null, null, 0, 0));
    }

    @Test
    void what_is_heard_late_or_of_an_old_attempt_takes_nothing_back() {
        var job = api.submitted();
        var path = "/api/v1/jobs/" + job;
        var lease = api.assign(job, worker);
        progress(lease, 0.5);
        await().untilAsserted(() -> assertThat(api.get(path).at("/progress")).isEqualTo("0.5"));
        var before = Long.parseLong(api.get(path).at("/revision"));

        progress(lease, 0.2);
        progress(new dev.comfyapi.model.job.LeaseKey(job, 0, worker.id()), 0.9);
        api.publish(new JobEvent.Freed(job, lease.epoch(), worker.id()));
        await().untilAsserted(() -> assertThat(api.get(path).at("/phase")).isEqualTo("storing"));
        var after = api.get(path);

        assertThat(after.at("/progress")).isEqualTo("0.5");
        assertThat(Long.parseLong(after.at("/revision"))).isGreaterThan(before);
    }

    @Test
    void a_submit_and_a_cancel_ring_the_bell_and_are_heard_by_listeners() {
        int before = api.rings();
        var job = api.submitted();
        int afterSubmit = api.rings();
        api.delete("/api/v1/jobs/" + job);

        assertThat(afterSubmit).isEqualTo(before + 1);
        assertThat(api.rings()).isEqualTo(before + 2);
        await().untilAsserted(() ->
                assertThat(api.heard())
                        .contains(
                                new JobEvent.Submitted(job),
                                new JobEvent.Finished(
                                        job, dev.comfyapi.model.job.JobState.CANCELED)));
    }
}
