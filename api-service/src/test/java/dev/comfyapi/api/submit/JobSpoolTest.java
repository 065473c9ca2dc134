package dev.comfyapi.api.submit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.db.job.NewJob;
import dev.comfyapi.db.webhook.JobWebhook;
import dev.comfyapi.db.webhook.WebhookEvent;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.Priority;
import dev.comfyapi.model.workflow.Graph;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/// Jobs that were put aside come back as they were.
class JobSpoolTest {

    private static NewJob job(int number, @Nullable String text, int priority) {
        @Nullable Instant time = text == null ? null : Instant.parse("2026-01-01T00:00:00.123456Z");
        return new NewJob(
                new JobId(new UUID(7, number)),
                number,
                new Priority(priority),
                graph("a ü " + number),
                text,
                "{\"order\": \"%d\"}".formatted(number),
                text == null ? List.of() : List.of(text, "two, words"),
                text == null ? null : new UUID(8, number),
                text == null ? null : new UUID(9, number),
                text,
                time,
                time,
                time,
                time,
                1 + number % 10,
                60_000 + number,
                number % 2 == 0,
                text == null
                        ? null
                        : JobWebhook.of(
                                "https://app.example/", WebhookEvent.BATCH_COMPLETED.code()),
                text,
                number % 3 == 0);
    }

    private static Graph graph(String prompt) {
        return Graph.parse(
                "{\"1\": {\"class_type\": \"A\", \"inputs\": {\"text\": \"%s\", \"seed\": 18446744073709551615, \"cfg\": 7.50}}}"
                        .formatted(prompt)
                        .getBytes(StandardCharsets.UTF_8));
    }

    private static List<NewJob> back(JobSpool spool) {
        var jobs = new ArrayList<NewJob>();
        spool.forEachChunk(chunk -> {
            assertThat(chunk).hasSizeLessThanOrEqualTo(500);
            jobs.addAll(chunk);
        });
        return jobs;
    }

    @Test
    void many_jobs_come_back_in_their_order_with_all_that_they_were() throws IOException {
        var jobs = new ArrayList<NewJob>();
        for (int i = 0; i < 1_234; i++) {
            jobs.add(job(i, i % 5 == 0 ? null : "text 😀 " + i, 0));
        }
        try (var spool = new JobSpool()) {
            jobs.forEach(spool::add);

            assertThat(spool.count()).isEqualTo(1_234);
            assertThat(spool.isHurried()).isFalse();
            assertThat(spool.first()).hasSize(100).startsWith(jobs.getFirst().id());
            assertThat(back(spool)).isEqualTo(jobs);
        }
    }

    @Test
    void a_few_jobs_need_no_file_and_one_that_hurries_is_noted() throws IOException {
        var jobs = List.of(job(1, "x", 0), job(2, null, 1));
        try (var spool = new JobSpool()) {
            jobs.forEach(spool::add);

            assertThat(spool.isHurried()).isTrue();
            assertThat(back(spool)).isEqualTo(jobs);
        }
    }

    @Test
    void graphs_that_are_too_large_together_are_refused() throws IOException {
        try (var spool = new JobSpool(1_000)) {
            for (int i = 0; i < 11; i++) {
                spool.add(job(i, null, 0));
            }

            assertThatThrownBy(() -> spool.add(job(12, null, 0))).isInstanceOf(ApiProblem.class);
        }
    }
}
