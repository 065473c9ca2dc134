package dev.comfyapi.api.dispatch;

import static dev.comfyapi.api.Api.aPrompt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.api.Api;
import dev.comfyapi.db.lease.LeaseStore;
import dev.comfyapi.db.queue.LeaderStore;
import dev.comfyapi.messaging.MessageReader;
import dev.comfyapi.messaging.MessageSender;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.JobState;
import dev.comfyapi.model.message.JobEvent;
import dev.comfyapi.model.message.LaneMessage;

import org.junit.jupiter.api.Test;
import org.springframework.kafka.core.ConsumerFactory;

import java.time.Duration;
import java.util.concurrent.ConcurrentLinkedQueue;

/// The leader's duty, with a real queue, a real lane and a client who looks.
class ExpireTest {

    private final Api api = Api.shared();
    private final LeaderStore store = new LeaderStore(api.jdbc());
    private final Expire expire = new Expire(api.bean(MessageSender.class));

    /// A second is the shortest deadline, and the clock is Postgres'.
    private void runUntilExpired(JobId job) {
        await().atMost(Duration.ofSeconds(20))
                .untilAsserted(() -> {
                    expire.run(store);
                    assertThat(api.get("/api/v1/jobs/" + job).at("/status")).isEqualTo("expired");
                });
    }

    @Test
    void a_waiting_job_expires() {
        var job = api.post("/api/v1/jobs", aPrompt("\"finish_within_s\": 1")).job();

        runUntilExpired(job);

        var expired = api.get("/api/v1/jobs/" + job);
        assertThat(expired.at("/error/code")).isEqualTo("deadline_exceeded");
        assertThat(expired.at("/error/fault")).isEqualTo("client");
        assertThat(expired.at("/error/message")).contains("finish deadline");
        assertThat(api.get("/api/v1/jobs/%s/attempts".formatted(job)).json().path("attempts"))
                .isEmpty();
    }

    @Test
    void a_running_job_expires_and_its_worker_is_told_to_stop() {
        var worker = api.aWorker("gpu-expire", "checkpoints/" + Api.CHECKPOINT);
        var heard = new ConcurrentLinkedQueue<LaneMessage>();
        var lane = MessageReader.ofLane(consumers(), worker.lane(), heard::add);
        lane.start();
        await().until(lane::isConnected);
        var job = api.post("/api/v1/jobs", aPrompt("\"finish_within_s\": 5")).job();
        var lease = api.assign(job, worker);

        runUntilExpired(job);

        await().untilAsserted(() -> assertThat(heard).contains(new LaneMessage.Cancel(lease)));
        await().untilAsserted(() ->
                assertThat(api.heard()).contains(new JobEvent.Finished(job, JobState.EXPIRED)));
        lane.stop();
        var attempts = api.get("/api/v1/jobs/%s/attempts".formatted(job));
        assertThat(attempts.at("/attempts/0/outcome")).isEqualTo("expired");
        assertThat(attempts.at("/attempts/0/worker")).isEqualTo("gpu-expire");
        assertThat(attempts.at("/attempts/0/error/code")).isEqualTo("deadline_exceeded");
        new LeaseStore(api.jdbc(), Duration.ofSeconds(1)).release(lease);
        assertThat(api.get("/api/v1/jobs/" + job).at("/status")).isEqualTo("expired");
        assertThat(api.brokenInvariants()).isEmpty();
        api.leave(worker);
    }

    @SuppressWarnings("unchecked")
    private ConsumerFactory<byte[], byte[]> consumers() {
        return (ConsumerFactory<byte[], byte[]>) api.bean(ConsumerFactory.class);
    }
}
