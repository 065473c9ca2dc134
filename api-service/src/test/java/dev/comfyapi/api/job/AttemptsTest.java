package dev.comfyapi.api.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.api.Api;
import dev.comfyapi.db.lease.LeaseStore;
import dev.comfyapi.db.queue.LeaderStore;
import dev.comfyapi.model.job.ErrorCode;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.UUID;

class AttemptsTest {

    private final Api api = Api.shared();
    private final LeaderStore leader = new LeaderStore(api.jdbc());
    private final LeaseStore leases = new LeaseStore(api.jdbc(), Duration.ofMillis(1));

    @Test
    void each_attempt_is_told_with_its_worker_its_times_and_what_went_wrong() {
        var lost = api.aWorker("gpu-lost", "checkpoints/" + Api.CHECKPOINT);
        var failing = api.aWorker("gpu-failing", "checkpoints/" + Api.CHECKPOINT);
        var job = api.submitted();
        var path = "/api/v1/jobs/%s/attempts".formatted(job);
        assertThat(api.get(path).json().path("attempts")).isEmpty();

        api.assign(job, lost);
        api.leave(lost);
        leader.reap("{}");
        leader.promote(1_000);
        var second = api.assign(job, failing);
        leases.fail(second, ErrorCode.NODE_EXECUTION_ERROR, "{\"message\": \"broken\"}");
        api.leave(failing);
        var answer = api.get(path);

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.json().path("attempts")).hasSize(2);
        assertThat(answer.at("/attempts/0/worker")).isEqualTo("gpu-lost");
        assertThat(answer.at("/attempts/0/outcome")).isEqualTo("lost");
        assertThat(answer.at("/attempts/0/error/code")).isEqualTo("worker_lost");
        assertThat(answer.at("/attempts/0/error/message")).isEqualTo("The worker was lost.");
        assertThat(answer.at("/attempts/0/assigned_at")).isNotEmpty();
        assertThat(answer.at("/attempts/0/ended_at")).isNotEmpty();
        assertThat(answer.at("/attempts/1/number")).isEqualTo("2");
        assertThat(answer.at("/attempts/1/attempt_id")).isEqualTo(second.attemptId().toString());
        assertThat(answer.at("/attempts/1/outcome")).isEqualTo("failed");
        assertThat(answer.at("/attempts/1/error/message")).isEqualTo("broken");
        assertThat(answer.at("/attempts/1/error/attempt")).isEqualTo("2");
    }

    @Test
    void what_is_no_job_has_no_attempts() {
        for (var id : new String[] {UUID.randomUUID().toString(), "x"}) {
            var answer = api.get("/api/v1/jobs/%s/attempts".formatted(id));

            assertThat(answer.status()).isEqualTo(404);
            assertThat(answer.at("/code")).isEqualTo("not_found");
        }
    }
}
