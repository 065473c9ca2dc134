package dev.comfyapi.api.stream;

import static dev.comfyapi.api.Api.aPrompt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.api.Api;
import dev.comfyapi.api.http.OpenStreams;
import dev.comfyapi.embedded.FreePort;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.message.JobEvent;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;

/// Who waits: what it may cost, and what becomes of it when somebody goes away.
class WaitTest {

    @Test
    void one_caller_has_so_many_places_and_gets_each_of_them_back() throws Exception {
        try (var api = Api.fresh("--comfyapi.max-streams=3")) {
            api.aWorker("w", "checkpoints/" + Api.CHECKPOINT);
            var job = api.submitted();
            var path = "/api/v1/jobs/%s".formatted(job);
            var open = new ArrayList<EventClient>();
            open.add(EventClient.of(api, path + "/events"));
            open.add(EventClient.of(api, path + "/events"));
            var waiting = CompletableFuture.supplyAsync(() -> api.get(path + "?wait_s=20"));
            await().until(() -> api.bean(OpenStreams.class).count() == 3);

            var stream = api.get(path + "/events");
            var wait = api.get(path + "?wait_s=20");
            var generate = api.post("/api/v1/generate", aPrompt());
            var poll = api.get(path);
            long stored = api.storedJobs();
            open.getFirst().close();
            await().atMost(Duration.ofSeconds(10))
                    .until(() -> api.bean(OpenStreams.class).count() == 2);
            var unknown = api.get("/api/v1/jobs/%s?wait_s=5".formatted(UUID.randomUUID()));
            api.delete(path);

            assertThat(stream.status()).isEqualTo(429);
            assertThat(stream.at("/code")).isEqualTo("too_many_streams");
            assertThat(stream.at("/params/max")).isEqualTo("3");
            assertThat(stream.header("Retry-After")).isEqualTo("1");
            assertThat(wait.status()).isEqualTo(429);
            assertThat(generate.status()).isEqualTo(429);
            assertThat(stored).as("nothing is stored of what is refused").isEqualTo(1);
            assertThat(poll.status()).isEqualTo(200);
            assertThat(unknown.status()).isEqualTo(404);
            assertThat(waiting.join().at("/status")).isEqualTo("canceled");
            open.getLast().await("done");
            await().until(() -> api.bean(OpenStreams.class).count() == 0);
            assertThat(api.bean(JobWatch.class).listeners()).isZero();
        }
    }

    @Test
    void a_client_that_leaves_cancels_its_job_only_if_it_said_so() throws Exception {
        var api = Api.shared();
        int before = api.bean(OpenStreams.class).count();

        var canceled = submitAndLeave(api, "leaves", "X-Cancel-On-Disconnect: true\r\n");
        var kept = submitAndLeave(api, "stays", "");

        await().atMost(Duration.ofSeconds(10))
                .untilAsserted(() ->
                        assertThat(api.get("/api/v1/jobs/" + canceled).at("/status"))
                                .isEqualTo("canceled"));
        await().atMost(Duration.ofSeconds(10))
                .until(() -> api.bean(OpenStreams.class).count() == before);
        assertThat(api.get("/api/v1/jobs/" + kept).at("/status")).isEqualTo("queued");
        assertThat(api.delete("/api/v1/jobs/" + kept).status()).isEqualTo(202);
    }

    private static JobId submitAndLeave(Api api, String tag, String header) throws IOException {
        var body = aPrompt("\"tags\": [\"%s\"]".formatted(tag));
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), api.port())) {
            socket.getOutputStream()
                    .write(
                            """
                            POST /api/v1/generate HTTP/1.1\r
                            Host: localhost\r
                            Content-Type: application/json\r
                            Content-Length: %d\r
                            %s\r
                            %s\
                            """
                                    .formatted(body.length(), header, body)
                                    .getBytes(StandardCharsets.US_ASCII));
            return await().until(
                            () ->
                                    api.jdbc()
                                            .sql("SELECT id FROM job WHERE :tag = ANY (tags)")
                                            .param("tag", tag)
                                            .query((rs, _) ->
                                                    new JobId(rs.getObject("id", UUID.class)))
                                            .list(),
                            jobs -> !jobs.isEmpty())
                    .getFirst();
        }
    }

    @Test
    void without_kafka_the_end_arrives_within_seconds() {
        try (var api = Api.fresh("--comfyapi.kafka.servers=127.0.0.1:" + FreePort.find())) {
            var worker = api.aWorker("w", "checkpoints/" + Api.CHECKPOINT);
            var job = api.submitted();
            try (var client = EventClient.of(api, "/api/v1/jobs/%s/events".formatted(job))) {
                client.await("status");
                api.succeed(api.assign(job, worker), new byte[] {1});

                var done = client.await("done", Duration.ofSeconds(6));

                assertThat(done.at("/status")).isEqualTo("succeeded");
            }
        }
    }

    @Test
    void a_stream_goes_on_at_another_instance_and_misses_nothing() {
        try (var one = Api.fresh()) {
            var worker = one.aWorker("w", "checkpoints/" + Api.CHECKPOINT);
            var two = one.another();
            var job = one.submitted();
            var path = "/api/v1/jobs/%s".formatted(job);
            var stream = EventClient.of(two, path + "/events");
            stream.await("status");
            var lease = one.assign(job, worker);
            var progress =
                    new JobEvent.Progress(
                            job, lease.epoch(), 0.5, "executing", 1, 2, "3", "KSampler", 5, 10);
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> {
                        // Until the new instance hears.
                        one.publish(progress);
                        return stream.types().contains("progress");
                    });
            var waiting = CompletableFuture.supplyAsync(() -> two.get(path + "?wait_s=30"));
            await().until(() -> two.bean(OpenStreams.class).count() == 2);

            long began = System.nanoTime();
            two.close();
            var took = Duration.ofNanos(System.nanoTime() - began);
            await().until(stream::isOver);
            one.succeed(lease, new byte[] {1});

            assertThat(stream.others()).contains("retry: 500");
            assertThat(waiting.join().status()).isEqualTo(200);
            assertThat(waiting.join().at("/status")).isEqualTo("running");
            assertThat(took).isLessThan(Duration.ofSeconds(10));
            try (var again =
                    EventClient.of(one, path + "/events", "Last-Event-ID", stream.lastId())) {
                again.await("done");
                assertThat(again.types()).containsExactly("status", "artifact", "done");
            }
        }
    }
}
