package dev.comfyapi.api.job;

import static dev.comfyapi.api.Api.aPrompt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.api.Api;
import dev.comfyapi.messaging.MessageReader;
import dev.comfyapi.model.message.LaneMessage;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.kafka.core.ConsumerFactory;

import java.time.Instant;
import java.util.concurrent.ConcurrentLinkedQueue;

/// `POST /api/v1/jobs/cancel`.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BulkCancelTest {

    private static final String PATH = "/api/v1/jobs/cancel";

    private final Api api = Api.fresh();

    @AfterAll
    void close() {
        api.close();
    }

    @AfterEach
    void cancel_the_rest() {
        api.post(PATH, "{\"filter\": {\"status\": [\"scheduled\", \"queued\", \"running\"]}}");
        assertThat(api.brokenInvariants()).isEmpty();
    }

    private String tagged(String tag, String more) {
        return api.post("/api/v1/jobs", aPrompt("\"tags\": [\"%s\"]%s".formatted(tag, more)))
                .job()
                .toString();
    }

    private String status(String job) {
        return api.get("/api/v1/jobs/" + job).at("/status");
    }

    @Test
    void the_live_jobs_that_fit_are_canceled_and_no_others() {
        var one = tagged("shop", "");
        var two =
                tagged("shop", ", \"run_after\": \"%s\"".formatted(Instant.now().plusSeconds(900)));
        var other = tagged("other", "");
        var ended = tagged("shop", "");
        api.delete("/api/v1/jobs/" + ended);

        var tried = api.post(PATH, "{\"filter\": {\"tag\": \"shop\"}, \"dry_run\": true}");
        var statusOfOne = status(one);
        var done = api.post(PATH, "{\"filter\": {\"tag\": \"shop\"}}");
        var again = api.post(PATH, "{\"filter\": {\"tag\": \"shop\"}}");

        assertThat(tried.status()).isEqualTo(202);
        assertThat(tried.text()).isEqualTo("{\"matched\":2,\"canceled\":0}");
        assertThat(statusOfOne).isEqualTo("queued");
        assertThat(done.status()).isEqualTo(202);
        assertThat(done.text()).isEqualTo("{\"matched\":2,\"canceled\":2}");
        assertThat(again.text()).isEqualTo("{\"matched\":0,\"canceled\":0}");
        assertThat(status(one)).isEqualTo("canceled");
        assertThat(status(two)).isEqualTo("canceled");
        assertThat(status(other)).isEqualTo("queued");
    }

    @Test
    void a_batch_and_a_status_are_filters_too() {
        var batch =
                api.post(
                        "/api/v1/generate/batch",
                        "{\"requests\": [%s, %s]}".formatted(aPrompt(), aPrompt()),
                        "Prefer",
                        "respond-async");
        var single = tagged("single", "");

        var ofBatch =
                api.post(
                        PATH,
                        "{\"filter\": {\"batch_id\": \"%s\"}}".formatted(batch.at("/batch_id")));
        var scheduled = api.post(PATH, "{\"filter\": {\"status\": [\"scheduled\"]}}");
        var ended = api.post(PATH, "{\"filter\": {\"status\": [\"canceled\"]}}");
        var queued = api.post(PATH, "{\"filter\": {\"status\": [\"queued\"]}}");

        assertThat(ofBatch.text()).isEqualTo("{\"matched\":2,\"canceled\":2}");
        assertThat(scheduled.text()).isEqualTo("{\"matched\":0,\"canceled\":0}");
        assertThat(ended.text()).isEqualTo("{\"matched\":0,\"canceled\":0}");
        assertThat(queued.text()).isEqualTo("{\"matched\":1,\"canceled\":1}");
        assertThat(status(single)).isEqualTo("canceled");
    }

    @Test
    void the_worker_of_a_canceled_job_is_told_to_stop() {
        var worker = api.aWorker("gpu-bulk", "checkpoints/" + Api.CHECKPOINT);
        var heard = new ConcurrentLinkedQueue<LaneMessage>();
        var lane = MessageReader.ofLane(consumers(), worker.lane(), heard::add);
        lane.start();
        await().until(lane::isConnected);
        var job = api.submitted();
        var lease = api.assign(job, worker);

        var answer = api.post(PATH, "{\"filter\": {\"worker\": \"gpu-bulk\"}}");

        assertThat(answer.text()).isEqualTo("{\"matched\":1,\"canceled\":1}");
        await().untilAsserted(() -> assertThat(heard).contains(new LaneMessage.Cancel(lease)));
        lane.stop();
        api.leave(worker);
    }

    @SuppressWarnings("unchecked")
    private ConsumerFactory<byte[], byte[]> consumers() {
        return (ConsumerFactory<byte[], byte[]>) api.bean(ConsumerFactory.class);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    {}                                              | required #/filter
                    {"filter": {}}                                  | too_few #/filter
                    {"filter": {"tag": null}}                       | too_few #/filter
                    {"filter": {"status": []}}                      | too_few #/filter/status
                    {"filter": {"status": ["done"]}}                | invalid_value #/filter/status/0
                    {"filter": {"status": "queued"}}                | invalid_type #/filter/status
                    {"filter": {"batch_id": "x"}}                   | invalid_value #/filter/batch_id
                    {"filter": {"created_after": "today"}}          | invalid_value #/filter/created_after
                    {"filter": {"tags": "x"}}                       | unknown_field #/filter/tags
                    {"filter": {"tag": "x"}, "dry_run": "yes"}      | invalid_type #/dry_run
                    {"filter": []}                                  | invalid_type #/filter
                    """)
    void a_body_that_is_not_valid_cancels_nothing(String body, String error) {
        var job = tagged("stays", "");

        var answer = api.post(PATH, body);

        assertThat(answer.status()).isEqualTo(422);
        assertThat(answer.errors()).containsExactly(error);
        assertThat(status(job)).isEqualTo("queued");
    }
}
