package dev.comfyapi.api.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.api.Api;
import dev.comfyapi.api.http.OpenStreams;
import dev.comfyapi.db.worker.WorkerStore;
import dev.comfyapi.model.message.JobEvent;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.util.concurrent.CompletionException;

/// One job as those hear of it who follow it over a WebSocket.
class SocketTest {

    private final Api api = Api.shared();
    private final HttpClient http = HttpClient.newHttpClient();
    private WorkerStore.Registered worker = api.aWorker("gpu-7", "checkpoints/" + Api.CHECKPOINT);

    @BeforeEach
    void register() {
        worker = api.aWorker("gpu-7", "checkpoints/" + Api.CHECKPOINT);
    }

    @AfterEach
    void leave() {
        http.close();
        api.leave(worker);
        assertThat(api.brokenInvariants()).isEmpty();
    }

    private WebSocket connect(Api to, String path, SocketReader reader) {
        return http.newWebSocketBuilder()
                .buildAsync(URI.create("ws://127.0.0.1:" + to.port() + path), reader)
                .join();
    }

    @Test
    void a_job_is_followed_to_its_end_and_the_connection_closed() {
        var job = api.submitted();
        var reader = new SocketReader();
        var socket = connect(api, "/ws/jobs/" + job, reader);
        await().until(() -> reader.types().contains("status"));
        socket.sendText("x".repeat(100_000), true).join();
        var lease = api.assign(job, worker);
        api.publish(
                new JobEvent.Progress(
                        job, lease.epoch(), 0.5, "executing", 1, 2, "3", "KSampler", 5, 10));
        await().until(() -> reader.types().contains("progress"));
        api.publish(new JobEvent.Preview(job, lease.epoch(), "3", "image/png", "iVBO"));
        await().until(() -> reader.types().contains("preview"));
        api.succeed(lease, new byte[] {1});

        assertThat(reader.code()).isEqualTo(1000);
        assertThat(reader.types()).startsWith("status").endsWith("status", "artifact", "done");
        assertThat(reader.messages().getFirst().path("status").stringValue()).isEqualTo("queued");
        assertThat(reader.messages().getLast().path("result").path("artifacts")).hasSize(1);
        assertThat(api.get("/api/v1/jobs/" + job).at("/urls/websocket"))
                .isEqualTo("/ws/jobs/" + job);
    }

    @Test
    void a_finished_job_is_told_at_once_and_an_unknown_one_is_closed_with_4404() {
        var job = api.submitted();
        api.delete("/api/v1/jobs/" + job);
        var finished = new SocketReader();
        var unknown = new SocketReader();
        var malformed = new SocketReader();

        connect(api, "/ws/jobs/" + job, finished);
        connect(api, "/ws/jobs/0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f", unknown);
        connect(api, "/ws/jobs/nonsense", malformed);

        assertThat(finished.code()).isEqualTo(1000);
        assertThat(finished.types()).containsExactly("status", "done");
        assertThat(unknown.code()).isEqualTo(4404);
        assertThat(malformed.code()).isEqualTo(4404);
        await().until(() -> api.bean(OpenStreams.class).count() == 0);
    }

    @Test
    void pages_of_other_origins_and_plain_requests_are_refused() {
        var job = api.submitted();
        var plain = api.get("/ws/jobs/" + job);

        assertThat(plain.status()).isEqualTo(400);
        assertThat(plain.at("/code")).isEqualTo("bad_request");
        assertThatThrownBy(() ->
                        http.newWebSocketBuilder()
                                .header("Origin", "https://elsewhere.example")
                                .buildAsync(
                                        URI.create(
                                                "ws://127.0.0.1:%d/ws/jobs/%s"
                                                        .formatted(api.port(), job)),
                                        new SocketReader())
                                .join())
                .isInstanceOf(CompletionException.class)
                .cause()
                .isInstanceOfSatisfying(
                        WebSocketHandshakeException.class,
                        e -> assertThat(e.getResponse().statusCode()).isEqualTo(403));
        assertThat(api.delete("/api/v1/jobs/" + job).status()).isEqualTo(202);
    }

    @Test
    void an_instance_that_stops_says_so_and_a_client_that_leaves_gives_its_place_back() {
        var other = Api.fresh();
        other.aWorker("w", "checkpoints/" + Api.CHECKPOINT);
        var job = other.submitted();
        var stays = new SocketReader();
        connect(other, "/ws/jobs/" + job, stays);
        var leaves = connect(other, "/ws/jobs/" + job, new SocketReader());
        await().until(() -> other.bean(OpenStreams.class).count() == 2);
        leaves.abort();
        await().until(() -> other.bean(OpenStreams.class).count() == 1);

        other.close();

        assertThat(stays.code()).isEqualTo(1001);
    }
}
