package dev.comfyapi.api.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.api.Api;
import dev.comfyapi.api.contract.Messages;
import dev.comfyapi.api.http.OpenStreams;
import dev.comfyapi.db.worker.WorkerStore;
import dev.comfyapi.model.message.JobEvent;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;

/// One job as those hear of it who follow it over a WebSocket.
class SocketTest {

    private static final JsonMapper JSON = JsonMapper.shared();

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

    private static final class Reader implements WebSocket.Listener {

        private final List<JsonNode> messages = new CopyOnWriteArrayList<>();
        private final CompletableFuture<Integer> closed = new CompletableFuture<>();
        private final StringBuilder text = new StringBuilder();

        @Override
        public @Nullable CompletionStage<?> onText(
                WebSocket socket, CharSequence part, boolean last) {
            text.append(part);
            if (last) {
                var message = JSON.readTree(text.toString());
                Messages.hear("jobSocket", message);
                messages.add(message);
                text.setLength(0);
            }
            socket.request(1);
            return null;
        }

        @Override
        public @Nullable CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
            closed.complete(code);
            return null;
        }

        @Override
        public void onError(WebSocket socket, Throwable failure) {
            closed.completeExceptionally(failure);
        }

        List<String> types() {
            return messages.stream().map(m -> m.path("type").stringValue()).toList();
        }

        int code() {
            return closed.orTimeout(20, TimeUnit.SECONDS).join();
        }
    }

    private WebSocket connect(Api to, String path, Reader reader) {
        return http.newWebSocketBuilder()
                .buildAsync(URI.create("ws://127.0.0.1:" + to.port() + path), reader)
                .join();
    }

    @Test
    void a_job_is_followed_to_its_end_and_the_connection_closed() {
        var job = api.submitted();
        var reader = new Reader();
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
        assertThat(reader.messages.getFirst().path("status").stringValue()).isEqualTo("queued");
        assertThat(reader.messages.getLast().path("result").path("artifacts")).hasSize(1);
        assertThat(api.get("/api/v1/jobs/" + job).at("/urls/websocket"))
                .isEqualTo("/ws/jobs/" + job);
    }

    @Test
    void a_finished_job_is_told_at_once_and_an_unknown_one_is_closed_with_4404() {
        var job = api.submitted();
        api.delete("/api/v1/jobs/" + job);
        var finished = new Reader();
        var unknown = new Reader();
        var malformed = new Reader();

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
                                        new Reader())
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
        var stays = new Reader();
        connect(other, "/ws/jobs/" + job, stays);
        var leaves = connect(other, "/ws/jobs/" + job, new Reader());
        await().until(() -> other.bean(OpenStreams.class).count() == 2);
        leaves.abort();
        await().until(() -> other.bean(OpenStreams.class).count() == 1);

        other.close();

        assertThat(stays.code()).isEqualTo(1001);
    }
}
