package dev.comfyapi.api.queue;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.api.Api;
import dev.comfyapi.api.Api.Answer;
import dev.comfyapi.model.job.JobId;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.time.Instant;

/// What a queued job says of itself, through HTTP.
class QueueAdviceTest {

    private static final String MODEL = "checkpoints/" + Api.CHECKPOINT;

    private Api api;

    @BeforeEach
    void start() {
        api = Api.fresh();
    }

    @AfterEach
    void stop() {
        api.close();
    }

    private Answer read(JobId job) {
        return api.get("/api/v1/jobs/" + job);
    }

    @Test
    void a_job_is_told_its_place_and_when_it_may_start() {
        api.aWorker("w", MODEL);
        var first = read(api.submitted());
        api.submitted();
        var third = api.submitted();
        var now = Instant.now();
        var told = read(third);
        var urgent = api.post("/api/v1/jobs", Api.aPrompt("\"priority\": 2"));
        var after = read(third);

        assertThat(first.at("/queue/position_in_tenant")).isEqualTo("1");
        assertThat(first.at("/queue/detail")).isEqualTo("A worker is free; it is about to start.");
        assertThat(told.at("/queue/position_in_tenant")).isEqualTo("3");
        assertThat(told.at("/queue/capable_workers")).isEqualTo("1");
        assertThat(told.at("/queue/reason")).isEqualTo("waiting_capacity");
        assertThat(told.at("/phase")).isEqualTo("waiting_capacity");
        // Two jobs of ten seconds are before it, as far as anybody knows.
        assertThat(Duration.between(now, Instant.parse(told.at("/queue/estimated_start_at"))))
                .isBetween(Duration.ofSeconds(18), Duration.ofSeconds(25));
        assertThat(Instant.parse(told.at("/queue/estimated_start_p90_at")))
                .isAfter(Instant.parse(told.at("/queue/estimated_start_at")));
        assertThat(urgent.at("/queue/position_in_tenant")).isEqualTo("1");
        assertThat(after.at("/queue/position_in_tenant")).isEqualTo("3");
        assertThat(Instant.parse(after.at("/queue/estimated_start_at")))
                .isAfter(Instant.parse(told.at("/queue/estimated_start_at")));
    }

    @Test
    void a_tenant_at_its_limit_is_told_so() {
        var worker = api.aWorker("w", MODEL);
        int _ = api.jdbc().sql("UPDATE tenant SET max_running = 2 WHERE id = 1").update();
        api.assign(api.submitted(), worker);
        api.assign(api.submitted(), worker);
        var told = read(api.submitted());

        assertThat(told.at("/queue/reason")).isEqualTo("waiting_concurrency");
        assertThat(told.at("/queue/detail"))
                .isEqualTo("2 of your jobs are running; your limit is 2.");
        assertThat(told.at("/queue/estimated_start_at")).isNotEmpty();
    }

    @Test
    void a_job_that_nobody_can_run_says_what_is_missing_at_once() {
        var able = api.aWorker("able", MODEL);
        api.aWorker("other", "checkpoints/other.safetensors");
        var job = api.submitted();
        var feasible = read(job);
        api.leave(able);
        var told = read(job);

        assertThat(feasible.json().at("/queue/feasible").booleanValue()).isTrue();
        assertThat(told.json().at("/queue/feasible").booleanValue()).isFalse();
        assertThat(told.at("/queue/reason")).isEqualTo("waiting_capable_worker");
        assertThat(told.at("/queue/detail"))
                .isEqualTo("No live worker in the pool default has %s.".formatted(MODEL));
        assertThat(told.at("/queue/capable_workers")).isEqualTo("0");
        assertThat(told.json().at("/queue/estimated_start_at").isNull()).isTrue();
    }

    @Test
    void an_assigned_job_and_one_that_waits_to_be_tried_again_say_so() {
        var worker = api.aWorker("w", MODEL);
        var assigned = api.submitted();
        var lease = api.assign(assigned, worker);
        var told = read(assigned);
        new dev.comfyapi.db.lease.LeaseStore(api.jdbc(), Duration.ofSeconds(40))
                .fail(lease, dev.comfyapi.model.job.ErrorCode.TRANSIENT, "{}");
        var backoff = read(assigned);

        assertThat(told.at("/queue/reason")).isEqualTo("assigned");
        assertThat(told.json().at("/queue/position_in_tenant").isNull()).isTrue();
        assertThat(told.at("/queue/estimated_start_at")).isNotEmpty();
        assertThat(backoff.at("/queue/reason")).isEqualTo("backoff");
        assertThat(backoff.at("/phase")).isEqualTo("backoff");
        assertThat(Instant.parse(backoff.at("/queue/estimated_start_at")))
                .isAfter(Instant.now().plusSeconds(25));
    }

    @Test
    void positions_are_counted_to_a_thousand_and_lists_do_not_count() {
        api.aWorker("w", MODEL);
        var job = api.submitted();
        int _ =
                api.jdbc()
                        .sql(
                                """
                                INSERT INTO queue (tenant_id, class_id, band, job_id)
                                SELECT q.tenant_id, q.class_id, q.band,
                                       ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid
                                FROM queue q, generate_series(1, 1000) n
                                """)
                        .update();
        var told = read(job);
        var listed = api.get("/api/v1/jobs");

        assertThat(told.at("/queue/position_in_tenant")).isEqualTo("1000+");
        assertThat(listed.at("/jobs/0/queue/reason")).isEqualTo("waiting_capacity");
        assertThat(listed.json().at("/jobs/0/queue/position_in_tenant").isNull()).isTrue();
    }

    @Test
    void a_job_that_runs_or_has_ended_has_no_queue() {
        var worker = api.aWorker("w", MODEL);
        var job = api.submitted();
        api.delete("/api/v1/jobs/" + job);

        assertThat(read(job).json().path("queue").isNull()).isTrue();
        assertThat(worker.id()).isPositive();
    }
}
