package dev.comfyapi.api.job;

import static dev.comfyapi.api.Api.aPrompt;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.api.Api;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;
import java.time.Instant;

/// `finish_within_s` and `Cancel-After`.
class DeadlineTest {

    private static final String PATH = "/api/v1/jobs";

    private final Api api = Api.shared();

    @AfterEach
    void no_invariant_is_broken() {
        assertThat(api.brokenInvariants()).isEmpty();
    }

    private static Duration given(Api.Answer job) {
        return Duration.between(
                Instant.parse(job.at("/created_at")), Instant.parse(job.at("/finish_by")));
    }

    @Test
    void the_time_to_finish_counts_from_the_submit_and_is_shown() {
        var answer = api.post(PATH, aPrompt("\"finish_within_s\": 300"));

        assertThat(answer.status()).isEqualTo(202);
        assertThat(given(answer)).isBetween(Duration.ofSeconds(295), Duration.ofSeconds(300));
        assertThat(answer.json().path("start_by").isNull()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({"30s, 30", "5m, 300", "1h1m1s, 3661", "45, 45"})
    void the_header_says_the_same(String header, int seconds) {
        var answer = api.post(PATH, aPrompt(), "Cancel-After", header);

        assertThat(answer.status()).isEqualTo(202);
        assertThat(given(answer))
                .isBetween(Duration.ofSeconds(seconds - 5), Duration.ofSeconds(seconds));
    }

    @Test
    void the_header_counts_for_all_jobs_of_a_batch() {
        var batch =
                api.post(
                        "/api/v1/generate/batch",
                        "{\"requests\": [%s, %s]}".formatted(aPrompt(), aPrompt()),
                        "Cancel-After",
                        "60s",
                        "Prefer",
                        "respond-async");

        assertThat(batch.status()).isEqualTo(202);
        assertThat(batch.at("/jobs/0/finish_by")).isNotEmpty();
        assertThat(batch.at("/jobs/1/finish_by")).isNotEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "0", "0s", "s", "-1", "1.5s", "30 s", "1d", "999999h", "30s, 40s"})
    void a_header_that_makes_no_sense_is_refused(String header) {
        long before = api.storedJobs();

        var answer = api.post(PATH, aPrompt(), "Cancel-After", header);

        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.at("/code")).isEqualTo("bad_parameter");
        assertThat(answer.at("/params/parameter")).isEqualTo("Cancel-After");
        assertThat(api.storedJobs()).isEqualTo(before);
    }

    @Test
    void deadlines_that_no_job_could_keep_are_refused() {
        var later = Instant.now().plusSeconds(3_600);
        var beforeStart =
                api.post(
                        PATH,
                        aPrompt("\"run_after\": \"%s\", \"finish_within_s\": 60".formatted(later)));
        var beforeStarted =
                api.post(PATH, aPrompt("\"start_within_s\": 61, \"finish_within_s\": 60"));
        var headerBeforeStart =
                api.post(
                        PATH,
                        aPrompt("\"run_after\": \"%s\"".formatted(later)),
                        "Cancel-After",
                        "1m");
        var twoWords = api.post(PATH, aPrompt("\"finish_within_s\": 60"), "Cancel-After", "61s");
        var alike = api.post(PATH, aPrompt("\"finish_within_s\": 60"), "Cancel-After", "1m");

        for (var refused : new Api.Answer[] {beforeStart, beforeStarted}) {
            assertThat(refused.status()).isEqualTo(422);
            assertThat(refused.at("/code")).isEqualTo("conflicting_deadlines");
            assertThat(refused.errors()).containsExactly("conflicting_deadlines #/finish_within_s");
        }
        for (var refused : new Api.Answer[] {headerBeforeStart, twoWords}) {
            assertThat(refused.status()).isEqualTo(422);
            assertThat(refused.at("/code")).isEqualTo("conflicting_deadlines");
        }
        assertThat(alike.status()).isEqualTo(202);
    }
}
