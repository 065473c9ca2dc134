package dev.comfyapi.api.deadletter;

import static dev.comfyapi.api.Api.aPrompt;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.api.Api;
import dev.comfyapi.db.lease.LeaseStore;
import dev.comfyapi.model.job.ErrorCode;
import dev.comfyapi.model.job.JobId;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

import java.time.Duration;
import java.util.UUID;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DeadLetterTest {

    private static final String PATH = "/api/v1/admin/dead-letters";

    private final Api api = Api.fresh();

    @AfterAll
    void close() {
        api.close();
    }

    private JobId failedFor(ErrorCode code) {
        var worker = api.aWorker("gpu-dead", "checkpoints/" + Api.CHECKPOINT);
        var job = api.post("/api/v1/jobs", aPrompt("\"max_attempts\": 1")).job();
        new LeaseStore(api.jdbc(), Duration.ofSeconds(1))
                .fail(api.assign(job, worker), code, "{\"message\": \"no disk\"}");
        api.leave(worker);
        return job;
    }

    @Test
    void what_the_platform_failed_is_listed_newest_first_and_can_be_run_again() {
        var client = failedFor(ErrorCode.NODE_EXECUTION_ERROR);
        var older = failedFor(ErrorCode.TRANSIENT);
        var newer = failedFor(ErrorCode.OUTPUT_UPLOAD_FAILED);

        var first = api.get(PATH + "?limit=1");
        var second = api.get(PATH + "?limit=1&cursor=" + first.at("/next_cursor"));
        assertThat(first.at("/dead_letters/0/job_id")).isEqualTo(newer.toString());
        assertThat(first.at("/dead_letters/0/tenant_id")).isEqualTo("1");
        assertThat(first.at("/dead_letters/0/error/code")).isEqualTo("output_upload_failed");
        assertThat(first.at("/dead_letters/0/error/message")).isEqualTo("no disk");
        assertThat(first.at("/dead_letters/0/worker")).isEqualTo("gpu-dead");
        assertThat(first.text()).doesNotContain("red fox");
        assertThat(second.at("/dead_letters/0/job_id")).isEqualTo(older.toString());
        assertThat(second.json().path("next_cursor").isNull()).isTrue();

        var key = UUID.randomUUID().toString();
        var again = api.post("%s/%s/requeue".formatted(PATH, older), "{}", "Idempotency-Key", key);
        var repeated =
                api.post("%s/%s/requeue".formatted(PATH, older), "{}", "Idempotency-Key", key);
        assertThat(again.status()).isEqualTo(202);
        assertThat(again.at("/retry_of")).isEqualTo(older.toString());
        assertThat(again.at("/status")).isEqualTo("queued");
        assertThat(api.get(String.valueOf(again.header("Location"))).job()).isEqualTo(again.job());
        assertThat(repeated.job()).isEqualTo(again.job());

        for (var no : new Object[] {client, again.job(), UUID.randomUUID(), "x"}) {
            assertThat(api.post("%s/%s/requeue".formatted(PATH, no), "{}").status())
                    .as("%s", no)
                    .isEqualTo(404);
        }
        assertThat(api.brokenInvariants()).isEmpty();
    }

    @Test
    void a_parameter_that_makes_no_sense_is_refused() {
        assertThat(api.get(PATH + "?limit=0").at("/code")).isEqualTo("bad_parameter");
        assertThat(api.get(PATH + "?limit=x").at("/code")).isEqualTo("bad_parameter");
        assertThat(api.get(PATH + "?cursor=x").at("/code")).isEqualTo("bad_cursor");
    }
}
