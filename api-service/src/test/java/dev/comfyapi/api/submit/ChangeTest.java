package dev.comfyapi.api.submit;

import static dev.comfyapi.api.Api.aPrompt;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.api.Api;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

/// `PATCH /api/v1/jobs/{job_id}`.
class ChangeTest {

    private final Api api = Api.shared();

    @AfterEach
    void no_invariant_is_broken() {
        assertThat(api.brokenInvariants()).isEmpty();
    }

    private Api.Answer patch(Object job, String body, String... headers) {
        return api.send(
                api.request("/api/v1/jobs/" + job, headers)
                        .setHeader("Content-Type", "application/json")
                        .method("PATCH", BodyPublishers.ofString(body)));
    }

    @Test
    void what_is_named_is_changed_and_the_rest_stays() {
        var job =
                api.post(
                                "/api/v1/jobs",
                                aPrompt(
                                        "\"tags\": [\"a\"], \"metadata\": {\"k\": \"v\"},"
                                                + " \"start_within_s\": 60"))
                        .job();

        var first = patch(job, "{\"priority\": -2, \"metadata\": {\"other\": \"w\"}}");
        var second = patch(job, "{\"finish_within_s\": 600, \"tags\": [\"b\", \"c\"]}");
        var third = patch(job, "{\"start_within_s\": null}");

        assertThat(first.status()).isEqualTo(200);
        assertThat(first.at("/priority")).isEqualTo("-2");
        assertThat(first.json().path("metadata").toString()).isEqualTo("{\"other\":\"w\"}");
        assertThat(first.json().path("tags").toString()).isEqualTo("[\"a\"]");
        assertThat(second.at("/priority")).isEqualTo("-2");
        assertThat(second.json().path("tags").toString()).isEqualTo("[\"b\",\"c\"]");
        assertThat(second.at("/start_by")).isNotEmpty();
        assertThat(Duration.between(Instant.now(), Instant.parse(second.at("/finish_by"))))
                .isBetween(Duration.ofSeconds(590), Duration.ofSeconds(600));
        assertThat(third.at("/start_by")).isEmpty();
        assertThat(third.at("/finish_by")).isEqualTo(second.at("/finish_by"));
        assertThat(third.header("ETag")).isEqualTo("\"r5003\"");
        assertThat(api.get("/api/v1/jobs/" + job).json()).isEqualTo(third.json());
    }

    @Test
    void a_job_with_a_worker_is_changed_as_well_and_one_that_has_ended_is_not() {
        var worker = api.aWorker("gpu-change", "checkpoints/" + Api.CHECKPOINT);
        var job = api.submitted();
        var lease = api.assign(job, worker);

        var assigned = patch(job, "{\"priority\": 2, \"finish_within_s\": 60}");
        api.succeed(lease, new byte[] {1});
        var ended = patch(job, "{\"priority\": 1}");
        api.leave(worker);

        assertThat(assigned.status()).isEqualTo(200);
        assertThat(assigned.at("/phase")).isEqualTo("assigned");
        assertThat(assigned.at("/priority")).isEqualTo("2");
        assertThat(ended.status()).isEqualTo(409);
        assertThat(ended.at("/code")).isEqualTo("job_terminal");
    }

    @Test
    void a_change_of_what_the_client_has_not_seen_is_refused() {
        var job = api.submitted();
        var tag = String.valueOf(api.get("/api/v1/jobs/" + job).header("ETag"));

        var first = patch(job, "{\"priority\": 1}", "If-Match", tag);
        var stale = patch(job, "{\"priority\": 2}", "If-Match", tag);
        var weak = patch(job, "{\"priority\": 2}", "If-Match", "W/" + first.header("ETag"));
        var any = patch(job, "{\"priority\": 2}", "If-Match", "*");
        var listed = patch(job, "{\"priority\": 0}", "If-Match", "\"x\", " + any.header("ETag"));

        assertThat(first.status()).isEqualTo(200);
        assertThat(stale.status()).isEqualTo(412);
        assertThat(stale.at("/code")).isEqualTo("precondition_failed");
        assertThat(weak.status()).isEqualTo(412);
        assertThat(any.status()).isEqualTo(200);
        assertThat(listed.at("/priority")).isEqualTo("0");
    }

    @Test
    void of_two_who_change_what_they_have_seen_at_one_time_one_succeeds() {
        var job = api.submitted();
        var tag = String.valueOf(api.get("/api/v1/jobs/" + job).header("ETag"));

        var answers =
                IntStream.range(0, 8)
                        .mapToObj(i ->
                                CompletableFuture.supplyAsync(() ->
                                        patch(
                                                job,
                                                "{\"tags\": [\"t%d\"]}".formatted(i),
                                                "If-Match",
                                                tag)))
                        .toList()
                        .stream()
                        .map(CompletableFuture::join)
                        .map(Api.Answer::status)
                        .toList();

        assertThat(answers).containsOnly(200, 412).containsOnlyOnce(200);
    }

    @Test
    void a_change_that_changes_nothing_leaves_the_job_as_it_is() {
        var job = api.submitted();

        assertThat(patch(job, "{}").header("ETag")).isEqualTo("\"r5000\"");
        assertThat(patch(job, "{\"priority\": 0}").header("ETag")).isEqualTo("\"r5000\"");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    {"priority": 3}                                 | out_of_range #/priority
                    {"start_within_s": 0}                           | out_of_range #/start_within_s
                    {"finish_within_s": "x"}                        | invalid_type #/finish_within_s
                    {"tags": [1]}                                   | invalid_type #/tags/0
                    {"metadata": {"k": 1}}                          | invalid_type #/metadata/k
                    {"state": 1}                                    | unknown_field #/state
                    {"start_within_s": 61, "finish_within_s": 60}   | conflicting_deadlines #/finish_within_s
                    """)
    void a_body_that_is_not_valid_changes_nothing(String body, String error) {
        var job = api.submitted();

        var answer = patch(job, body);

        assertThat(answer.status()).isEqualTo(422);
        assertThat(answer.errors()).containsExactly(error);
        assertThat(api.get("/api/v1/jobs/" + job).header("ETag")).isEqualTo("\"r5000\"");
    }

    @Test
    void a_scheduled_job_keeps_the_time_of_its_start() {
        var job =
                api.post(
                                "/api/v1/jobs",
                                aPrompt(
                                        "\"run_after\": \"%s\""
                                                .formatted(Instant.now().plusSeconds(3_600))))
                        .job();

        assertThat(patch(job, "{\"start_within_s\": 60}").errors())
                .containsExactly("conflicting_deadlines #/start_within_s");
        assertThat(patch(job, "{\"finish_within_s\": 60}").errors())
                .containsExactly("conflicting_deadlines #/finish_within_s");
        assertThat(patch(job, "{\"priority\": 1}").at("/status")).isEqualTo("scheduled");
    }

    @Test
    void what_is_no_job_is_not_found() {
        assertThat(patch(UUID.randomUUID(), "{\"priority\": 1}").status()).isEqualTo(404);
        assertThat(patch("x", "{\"priority\": 1}").status()).isEqualTo(404);
        assertThat(patch(api.submitted(), "[]").status()).isEqualTo(422);
        assertThat(patch(api.submitted(), "{").status()).isEqualTo(400);
    }
}
