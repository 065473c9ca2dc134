package dev.comfyapi.api.submit;

import static dev.comfyapi.api.Api.aPrompt;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.api.Api;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;

/// One key, one job.
class IdempotencyTest {

    private static final String PATH = "/api/v1/jobs";

    private final Api api = Api.shared();
    private final String key = UUID.randomUUID().toString();

    @Test
    void a_repeated_request_is_answered_with_the_same_job() {
        var first = api.post(PATH, aPrompt("\"width\": 512"), "Idempotency-Key", key);
        var again =
                api.post(
                        PATH,
                        "{\"width\":512,  \"model\":\"%s\", \"prompt\":\"a red fox\"}"
                                .formatted(Api.CHECKPOINT),
                        "Idempotency-Key",
                        "\"" + key + "\"");

        assertThat(again.status()).isEqualTo(202);
        assertThat(again.job()).isEqualTo(first.job());
        assertThat(again.header("Location")).isEqualTo(first.header("Location"));
        assertThat(again.header("Idempotency-Replayed")).isEqualTo("true");
        assertThat(first.header("Idempotency-Replayed")).isNull();
        assertThat(again.at("/params/seed")).isEqualTo(first.at("/params/seed"));
    }

    @Test
    void the_same_key_with_another_body_is_refused() {
        api.post(PATH, aPrompt("\"seed\": 18446744073709551614"), "Idempotency-Key", key);

        var other =
                api.post(PATH, aPrompt("\"seed\": 18446744073709551615"), "Idempotency-Key", key);
        var invalid = api.post(PATH, aPrompt("\"width\": 7"), "Idempotency-Key", key);

        assertThat(other.status()).isEqualTo(422);
        assertThat(other.at("/code")).isEqualTo("idempotency_key_reused");
        assertThat(invalid.at("/code")).isEqualTo("idempotency_key_reused");
    }

    @Test
    void a_refused_request_does_not_use_up_its_key() {
        var refused = api.post(PATH, aPrompt("\"width\": 7"), "Idempotency-Key", key);
        var corrected = api.post(PATH, aPrompt(), "Idempotency-Key", key);

        assertThat(refused.status()).isEqualTo(422);
        assertThat(corrected.status()).isEqualTo(202);
        assertThat(corrected.header("Idempotency-Replayed")).isNull();
    }

    @Test
    void a_key_belongs_to_its_route() {
        var job = api.post(PATH, aPrompt(), "Idempotency-Key", key);
        var other = api.post("/api/v1/generate?wait_s=0", aPrompt(), "Idempotency-Key", key);

        assertThat(other.status()).isEqualTo(202);
        assertThat(other.job()).isNotEqualTo(job.job());
    }

    @Test
    void what_was_accepted_once_stays_accepted_when_its_model_is_gone() {
        try (var own = Api.fresh()) {
            var worker = own.aWorker("w", "checkpoints/one");
            var body = "{\"prompt\": \"a fox\", \"model\": \"one\"}";
            var first = own.post(PATH, body, "Idempotency-Key", key);
            own.leave(worker);
            own.aWorker("w", "checkpoints/two");

            var again = own.post(PATH, body, "Idempotency-Key", key);
            var without = own.post(PATH, body);

            assertThat(again.job()).isEqualTo(first.job());
            assertThat(without.errors()).containsExactly("model_not_available #/model");
        }
    }

    @Test
    void a_hundred_at_once_make_one_job() throws Exception {
        long before = api.storedJobs();
        var answers = new ArrayList<Api.Answer>();

        try (var clients = Executors.newVirtualThreadPerTaskExecutor()) {
            var calls = new ArrayList<Callable<Api.Answer>>();
            for (int i = 0; i < 100; i++) {
                calls.add(() -> api.post(PATH, aPrompt(), "Idempotency-Key", key));
            }
            for (var call : clients.invokeAll(calls)) {
                answers.add(call.get());
            }
        }

        assertThat(answers).extracting(Api.Answer::status).containsOnly(202);
        assertThat(answers.stream().map(Api.Answer::job).distinct()).hasSize(1);
        assertThat(answers.stream().filter(a -> a.header("Idempotency-Replayed") == null))
                .hasSize(1);
        assertThat(api.storedJobs()).isEqualTo(before + 1);
    }

    @Test
    void a_key_whose_first_request_hangs_is_answered_with_a_conflict() throws Exception {
        var source = api.bean(javax.sql.DataSource.class);
        try (var connection = source.getConnection()) {
            connection.setAutoCommit(false);
            try (var claim =
                    connection.prepareStatement(
                            "INSERT INTO idempotency (tenant_id, route, key, resource_id,"
                                    + " request_hash) VALUES (1, 'POST /api/v1/jobs', ?,"
                                    + " gen_random_uuid(), '')")) {
                claim.setString(1, key);
                claim.execute();
            }

            var answer = api.post(PATH, aPrompt(), "Idempotency-Key", key);
            connection.rollback();

            assertThat(answer.status()).isEqualTo(409);
            assertThat(answer.at("/code")).isEqualTo("idempotency_in_progress");
            assertThat(answer.header("Retry-After")).isEqualTo("1");
            assertThat(answer.json().path("retryable").booleanValue()).isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a b", "\"\"", "\"a b\"", "too long"})
    void a_key_that_has_no_valid_form_is_refused(String form) {
        var sent = form.equals("too long") ? "k".repeat(256) : form;

        var answer = api.post(PATH, aPrompt(), "Idempotency-Key", sent);

        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.at("/code")).isEqualTo("idempotency_key_invalid");
    }

    /// Each of them took a frame of the stack once.
    @Test
    void a_quoted_key_as_long_as_headers_may_be_is_refused_as_any_other() {
        var answer = api.post(PATH, aPrompt(), "Idempotency-Key", '"' + "k".repeat(7_000) + '"');

        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.at("/code")).isEqualTo("idempotency_key_invalid");
    }
}
