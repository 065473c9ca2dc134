package dev.comfyapi.api.submit;

import static dev.comfyapi.api.Api.aPrompt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.api.Api;
import dev.comfyapi.model.job.JobId;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;

/// What a tenant may submit.
class LimitsTest {

    private static final String PATH = "/api/v1/jobs";

    private final Api api = Api.fresh();

    @AfterEach
    void close() {
        api.close();
    }

    /// Before the first submit: what is known of a tenant is kept for a second.
    private void limit(String column, int value) {
        int _ =
                api.jdbc()
                        .sql("UPDATE tenant SET %s = :value WHERE id = 1".formatted(column))
                        .param("value", value)
                        .update();
    }

    @Test
    void when_too_many_jobs_wait_a_submit_is_refused_until_there_are_fewer() {
        limit("max_queued", 2);
        var key = UUID.randomUUID().toString();
        var first = api.post(PATH, aPrompt(), "Idempotency-Key", key);
        var later = Instant.now().plusSeconds(3_600);
        var scheduled = api.post(PATH, aPrompt("\"run_after\": \"%s\"".formatted(later)));
        var otherKey = UUID.randomUUID().toString();

        var third = api.post(PATH, aPrompt(), "Idempotency-Key", otherKey);
        var replayed = api.post(PATH, aPrompt(), "Idempotency-Key", key);
        assertThat(scheduled.status()).isEqualTo(202);
        assertThat(third.status()).isEqualTo(429);
        assertThat(third.at("/code")).isEqualTo("queue_full");
        assertThat(third.at("/params/max")).isEqualTo("2");
        assertThat(third.header("Retry-After")).isEqualTo("5");
        assertThat(third.json().path("retryable").booleanValue()).isTrue();
        assertThat(replayed.job()).isEqualTo(first.job());
        assertThat(api.storedJobs()).isEqualTo(2);

        api.delete(PATH + "/" + first.job());
        // What is known is kept for a second, and a key is not used up by a refusal.
        await().atMost(Duration.ofSeconds(20))
                .untilAsserted(() ->
                        assertThat(api.post(PATH, aPrompt(), "Idempotency-Key", otherKey).status())
                                .isEqualTo(202));
        assertThat(api.storedJobs()).isEqualTo(3);
    }

    @Test
    void a_batch_counts_with_all_its_items_and_a_retry_counts_as_well() {
        limit("max_queued", 3);
        JobId ended = api.submitted();
        api.delete(PATH + "/" + ended);

        var three =
                api.post(
                        "/api/v1/generate/batch",
                        "{\"requests\": [%s, %s, %s]}".formatted(aPrompt(), aPrompt(), aPrompt()),
                        "Prefer",
                        "respond-async");
        var two =
                api.post(
                        "/api/v1/generate/batch",
                        "{\"requests\": [%s, %s]}".formatted(aPrompt(), aPrompt()),
                        "Prefer",
                        "respond-async");
        var retry = api.post("%s/%s/retry".formatted(PATH, ended), "{}");

        assertThat(three.status()).isEqualTo(429);
        assertThat(two.status()).isEqualTo(202);
        assertThat(retry.status()).isEqualTo(429);
        assertThat(api.storedJobs()).isEqualTo(3);
    }

    @Test
    void a_priority_above_the_tenants_best_is_forbidden_wherever_it_is_asked_for() {
        var urgent = api.post(PATH, aPrompt("\"priority\": 2")).job();
        api.delete(PATH + "/" + urgent);
        limit("best_band", 2);
        await().atMost(Duration.ofSeconds(20))
                .untilAsserted(() ->
                        assertThat(api.post(PATH, aPrompt("\"priority\": 1")).status())
                                .isEqualTo(403));

        var submit = api.post(PATH, aPrompt("\"priority\": 1"));
        var batch =
                api.post(
                        "/api/v1/generate/batch",
                        "{\"requests\": [%s, %s]}"
                                .formatted(aPrompt(), aPrompt("\"priority\": 1")));
        var mixed = api.post(PATH, aPrompt("\"priority\": 1, \"width\": 7"));
        var allowed = api.post(PATH, aPrompt("\"priority\": 0"));
        var patched =
                api.send(
                        api.request(PATH + "/" + allowed.job())
                                .setHeader("Content-Type", "application/json")
                                .method("PATCH", BodyPublishers.ofString("{\"priority\": 1}")));
        var retried = api.post("%s/%s/retry".formatted(PATH, urgent), "{}");

        assertThat(submit.status()).isEqualTo(403);
        assertThat(submit.at("/code")).isEqualTo("forbidden");
        assertThat(submit.errors()).containsExactly("forbidden #/priority");
        assertThat(batch.status()).isEqualTo(403);
        assertThat(batch.errors()).containsExactly("forbidden #/requests/1/priority");
        assertThat(mixed.status()).isEqualTo(422);
        assertThat(mixed.errors()).contains("forbidden #/priority");
        assertThat(allowed.status()).isEqualTo(202);
        assertThat(patched.status()).isEqualTo(403);
        assertThat(retried.status()).isEqualTo(403);
    }
}
