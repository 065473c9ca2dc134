package dev.comfyapi.api.submit;

import static dev.comfyapi.api.Api.aPrompt;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.api.Api;
import dev.comfyapi.model.job.JobId;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

import java.util.UUID;
import java.util.concurrent.CompletableFuture;

class BatchTest {

    private static final String PATH = "/api/v1/generate/batch";
    private static final String BAD = "{\"prompt\": \"a\", \"model\": \"m\", \"width\": 9}";

    private final Api api = Api.shared();

    @Test
    void all_items_become_jobs_of_one_batch_in_their_order() {
        var answer =
                api.post(
                        PATH + "?wait_s=0",
                        "{\"requests\": [%s, %s]}"
                                .formatted(aPrompt("\"seed\": 1"), aPrompt("\"seed\": 2")));

        assertThat(answer.status()).isEqualTo(202);
        assertThat(answer.at("/status")).isEqualTo("queued");
        assertThat(answer.at("/total")).isEqualTo("2");
        assertThat(answer.at("/queued")).isEqualTo("2");
        assertThat(answer.at("/jobs/0/params/seed")).isEqualTo("1");
        assertThat(answer.at("/jobs/1/params/seed")).isEqualTo("2");
        assertThat(answer.at("/jobs/0/batch_id")).isEqualTo(answer.at("/batch_id"));
    }

    @Test
    void one_invalid_item_refuses_the_whole_call() {
        long before = api.storedJobs();

        var answer =
                api.post(
                        PATH,
                        "{\"requests\": [%s, %s, {\"prompt\": 7}], \"webhok\": 1}"
                                .formatted(aPrompt(), BAD));

        assertThat(answer.status()).isEqualTo(422);
        assertThat(answer.errors())
                .contains(
                        "out_of_range #/requests/1/width",
                        "invalid_type #/requests/2/prompt",
                        "unknown_field #/webhok");
        assertThat(api.storedJobs()).isEqualTo(before);
    }

    @Test
    void with_partial_the_valid_items_run_and_the_others_are_shown_as_failed() {
        var key = UUID.randomUUID().toString();
        var body = "{\"partial\": true, \"requests\": [%s, %s]}".formatted(BAD, aPrompt());

        var answer = api.post(PATH + "?wait_s=0", body, "Idempotency-Key", key);
        var again = api.post(PATH + "?wait_s=0", body, "Idempotency-Key", key);

        assertThat(answer.status()).isEqualTo(202);
        assertThat(answer.at("/failed")).isEqualTo("1");
        assertThat(answer.at("/queued")).isEqualTo("1");
        assertThat(answer.at("/jobs/0/status")).isEqualTo("failed");
        assertThat(answer.at("/jobs/0/error/errors/0/pointer")).isEqualTo("#/requests/0/width");
        assertThat(answer.at("/jobs/1/status")).isEqualTo("queued");
        assertThat(again.header("Idempotency-Replayed")).isEqualTo("true");
        assertThat(again.at("/batch_id")).isEqualTo(answer.at("/batch_id"));
        assertThat(again.at("/jobs/1/job_id")).isEqualTo(answer.at("/jobs/1/job_id"));
    }

    @Test
    void a_batch_has_one_to_ten_items_of_which_one_must_be_valid() {
        var eleven = String.join(",", java.util.Collections.nCopies(11, aPrompt()));

        assertThat(api.post(PATH, "{}").errors()).containsExactly("required #/requests");
        assertThat(api.post(PATH, "{\"requests\": []}").errors())
                .containsExactly("too_few #/requests");
        assertThat(api.post(PATH, "{\"requests\": [%s]}".formatted(eleven)).errors())
                .containsExactly("too_many #/requests");
        assertThat(
                        api.post(PATH, "{\"partial\": true, \"requests\": [%s]}".formatted(BAD))
                                .errors())
                .containsExactly("out_of_range #/requests/0/width");
        assertThat(
                        api.post(
                                        PATH,
                                        "{\"requests\": [%s, {\"prompt\": \"\\u0000\", \"model\": \"m\"}]}"
                                                .formatted(aPrompt()))
                                .errors())
                .containsExactly("invalid_text #/requests/1/prompt");
    }

    @Test
    void the_call_waits_until_all_jobs_have_ended() {
        var worker = api.aWorker("gpu-batch", "checkpoints/" + Api.CHECKPOINT);
        var waiting =
                CompletableFuture.supplyAsync(() ->
                        api.post(
                                PATH,
                                "{\"requests\": [%s, %s]}"
                                        .formatted(
                                                aPrompt("\"tags\": [\"whole-batch\"]"),
                                                aPrompt("\"tags\": [\"whole-batch\"]"))));
        var jobs =
                Awaitility.await()
                        .until(
                                () ->
                                        api.jdbc()
                                                .sql(
                                                        "SELECT id FROM job WHERE 'whole-batch' ="
                                                                + " ANY (tags)")
                                                .query(UUID.class)
                                                .list(),
                                found -> found.size() == 2);

        api.succeed(api.assign(new JobId(jobs.get(0)), worker), new byte[] {1});
        api.delete("/api/v1/jobs/" + jobs.get(1));
        var answer = waiting.join();
        api.leave(worker);

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.at("/status")).isEqualTo("completed");
        assertThat(answer.at("/completed")).isEqualTo("1");
        assertThat(answer.at("/canceled")).isEqualTo("1");
    }
}
