package dev.comfyapi.api.submit;

import static dev.comfyapi.api.Api.aPrompt;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.api.Api;
import dev.comfyapi.model.job.JobId;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.time.Instant;
import java.util.UUID;

/// `POST /api/v1/jobs/{job_id}/retry`.
class RetryTest {

    private final Api api = Api.shared();

    @AfterEach
    void no_invariant_is_broken() {
        assertThat(api.brokenInvariants()).isEmpty();
    }

    private static String path(Object job) {
        return "/api/v1/jobs/%s/retry".formatted(job);
    }

    private JobId ended(String body) {
        var job = api.post("/api/v1/jobs", body).job();
        api.delete("/api/v1/jobs/" + job);
        return job;
    }

    private String graph(JobId job) {
        return api.get("/api/v1/jobs/%s/workflow".formatted(job)).json().toString();
    }

    @Test
    void a_job_that_has_ended_runs_again_as_a_new_one_on_the_same_terms() {
        var old =
                ended(
                        aPrompt(
                                "\"seed\": \"18446744073709551615\", \"tags\": [\"a\"],"
                                        + " \"metadata\": {\"k\": \"v\"}, \"priority\": -1,"
                                        + " \"finish_within_s\": 300, \"max_attempts\": 2,"
                                        + " \"output\": {\"retention_s\": 3600}"));

        var answer =
                api.send(
                        api.request(path(old))
                                .POST(java.net.http.HttpRequest.BodyPublishers.noBody()));

        assertThat(answer.status()).isEqualTo(202);
        assertThat(answer.header("Location")).isEqualTo("/api/v1/jobs/" + answer.job());
        assertThat(answer.job()).isNotEqualTo(old);
        assertThat(answer.at("/retry_of")).isEqualTo(old.toString());
        assertThat(answer.at("/status")).isEqualTo("queued");
        assertThat(answer.at("/priority")).isEqualTo("-1");
        assertThat(answer.at("/metadata/k")).isEqualTo("v");
        assertThat(answer.at("/tags/0")).isEqualTo("a");
        assertThat(answer.json().path("params"))
                .isEqualTo(api.get("/api/v1/jobs/" + old).json().path("params"));
        assertThat(graph(answer.job())).isEqualTo(graph(old));
        var created = Instant.parse(answer.at("/created_at"));
        assertThat(Duration.between(created, Instant.parse(answer.at("/finish_by"))))
                .isBetween(Duration.ofSeconds(295), Duration.ofSeconds(301));
        assertThat(Duration.between(created, Instant.parse(answer.at("/expires_at"))))
                .isBetween(Duration.ofSeconds(3_595), Duration.ofSeconds(3_601));
    }

    @Test
    void another_seed_is_drawn_in_the_graph_and_in_the_parameters() {
        var old = ended(aPrompt("\"seed\": 42, \"upscale\": {\"factor\": 1.5}"));

        var answer = api.post(path(old), "{\"seed\": \"random\", \"inputs\": {}}");

        var seed = answer.at("/params/seed");
        assertThat(seed).matches("[0-9]+").isNotEqualTo("42");
        assertThat(graph(answer.job()))
                .isEqualTo(graph(old).replace("\"seed\":42", "\"seed\":" + seed));
    }

    @Test
    void another_seed_is_drawn_in_a_graph_of_the_client() {
        var old =
                ended(
                        """
                        {"workflow": {
                          "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd15.safetensors"}},
                          "2": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["1", 1], "text": "a fox"}},
                          "3": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
                          "4": {"class_type": "KSampler", "inputs": {"model": ["1", 0], "positive": ["2", 0],
                                "negative": ["2", 0], "latent_image": ["3", 0], "seed": 7, "steps": 1, "cfg": 1.0,
                                "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0}},
                          "5": {"class_type": "VAEDecode", "inputs": {"samples": ["4", 0], "vae": ["1", 2]}},
                          "6": {"class_type": "SaveImage", "inputs": {"images": ["5", 0], "filename_prefix": "x"}}}}
                        """);

        var same = api.post(path(old), "{\"seed\": \"same\"}");
        var random = api.post(path(old), "{\"seed\": \"random\"}");

        assertThat(graph(same.job())).isEqualTo(graph(old)).contains("\"seed\":7,");
        assertThat(graph(random.job()))
                .isNotEqualTo(graph(old))
                .matches(".*\"seed\":[0-9]{1,10},.*");
        assertThat(random.json().path("params").isNull()).isTrue();
    }

    @Test
    void a_run_past_the_cache_goes_past_it_again() {
        var old = ended(aPrompt("\"cache\": \"bypass\""));

        var again = api.post(path(old), "{}").job();

        assertThat(graph(again)).contains("cache_salt").isNotEqualTo(graph(old));
    }

    @Test
    void a_job_that_has_not_ended_cannot_be_retried() {
        var answer = api.post(path(api.submitted()), "{}");

        assertThat(answer.status()).isEqualTo(409);
        assertThat(answer.at("/code")).isEqualTo("job_not_terminal");
    }

    @Test
    void a_repeated_request_makes_one_job() {
        var old = ended(aPrompt());
        var key = UUID.randomUUID().toString();

        var first = api.post(path(old), "{}", "Idempotency-Key", key);
        var again = api.post(path(old), "{}", "Idempotency-Key", key);
        var otherBody = api.post(path(old), "{\"seed\": \"random\"}", "Idempotency-Key", key);
        var otherJob = api.post(path(ended(aPrompt())), "{}", "Idempotency-Key", key);

        assertThat(again.status()).isEqualTo(202);
        assertThat(again.job()).isEqualTo(first.job());
        assertThat(again.header("Idempotency-Replayed")).isEqualTo("true");
        assertThat(otherBody.at("/code")).isEqualTo("idempotency_key_reused");
        assertThat(otherJob.at("/code")).isEqualTo("idempotency_key_reused");
    }

    @Test
    void a_body_that_is_not_valid_makes_no_job() {
        var old = ended(aPrompt());
        long before = api.storedJobs();

        assertThat(api.post(path(old), "{\"seed\": \"other\"}").errors())
                .containsExactly("invalid_value #/seed");
        assertThat(api.post(path(old), "{\"seed\": 5}").errors())
                .containsExactly("invalid_type #/seed");
        assertThat(api.post(path(old), "{\"inputs\": {\"prompt\": \"x\"}}").errors())
                .containsExactly("not_supported #/inputs");
        assertThat(api.post(path(old), "{\"priority\": 1}").errors())
                .containsExactly("unknown_field #/priority");
        assertThat(api.post(path(UUID.randomUUID()), "{}").status()).isEqualTo(404);
        assertThat(api.post(path("x"), "{}").status()).isEqualTo(404);
        assertThat(api.storedJobs()).isEqualTo(before);
    }
}
