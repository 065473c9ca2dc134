package dev.comfyapi.api.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.api.Api;
import dev.comfyapi.messaging.MessageReader;
import dev.comfyapi.model.message.LaneMessage;

import org.junit.jupiter.api.Test;
import org.springframework.kafka.core.ConsumerFactory;

import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;

class CancelTest {

    private final Api api = Api.shared();

    @Test
    void a_waiting_job_is_canceled_at_once_and_again_without_effect() {
        var job = api.submitted();

        var deleted = api.delete("/api/v1/jobs/" + job);
        var again = api.post("/api/v1/jobs/%s/cancel".formatted(job), "");

        assertThat(deleted.status()).isEqualTo(202);
        assertThat(deleted.at("/status")).isEqualTo("canceled");
        assertThat(deleted.at("/message")).isEqualTo("The job is canceled.");
        assertThat(deleted.at("/job_id")).isEqualTo(job.toString());
        assertThat(again.status()).isEqualTo(200);
        assertThat(again.at("/status")).isEqualTo("canceled");
        assertThat(again.at("/message")).contains("had ended before");
        assertThat(again.at("/finished_at")).isEqualTo(deleted.at("/finished_at"));
        assertThat(api.brokenInvariants()).isEmpty();
    }

    @Test
    void the_worker_of_a_running_job_is_told_on_its_lane_and_waiting_clients_are_answered() {
        var worker = api.aWorker("gpu-cancel", "checkpoints/" + Api.CHECKPOINT);
        var heard = new ConcurrentLinkedQueue<LaneMessage>();
        var lane = MessageReader.ofLane(consumers(), worker.lane(), heard::add);
        lane.start();
        await().until(lane::isConnected);
        var job = api.submitted();
        var lease = api.assign(job, worker);
        var waiting =
                CompletableFuture.supplyAsync(
                        () -> api.get("/api/v1/jobs/%s?wait_s=30".formatted(job)));

        var canceled = api.post("/api/v1/jobs/%s/cancel".formatted(job), "");

        assertThat(canceled.at("/status")).isEqualTo("canceled");
        assertThat(waiting.join().at("/status")).isEqualTo("canceled");
        await().untilAsserted(() -> assertThat(heard).contains(new LaneMessage.Cancel(lease)));
        lane.stop();
        api.leave(worker);
    }

    @SuppressWarnings("unchecked")
    private ConsumerFactory<byte[], byte[]> consumers() {
        return (ConsumerFactory<byte[], byte[]>) api.bean(ConsumerFactory.class);
    }

    @Test
    void a_finished_job_stays_what_it_is() {
        var worker = api.aWorker("gpu-done", "checkpoints/" + Api.CHECKPOINT);
        var job = api.submitted();
        api.succeed(api.assign(job, worker), new byte[] {1});

        var answer = api.delete("/api/v1/jobs/" + job);
        api.leave(worker);

        assertThat(answer.status()).isEqualTo(202);
        assertThat(answer.at("/status")).isEqualTo("succeeded");
        assertThat(answer.at("/message")).contains("succeeded");
    }

    @Test
    void what_is_no_job_is_not_found() {
        for (var id : new String[] {UUID.randomUUID().toString(), "x", "%00", "..%2f", "a;b"}) {
            assertThat(api.get("/api/v1/jobs/" + id).status()).as(id).isBetween(400, 404);
            assertThat(api.delete("/api/v1/jobs/" + id).header("Content-Type"))
                    .as(id)
                    .isEqualTo("application/problem+json");
        }
        var upper = api.submitted().toString().toUpperCase(java.util.Locale.ROOT);
        assertThat(api.get("/api/v1/jobs/" + upper).at("/code")).isEqualTo("not_found");
    }
}
