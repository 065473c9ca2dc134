package dev.comfyapi.api.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.api.Api;
import dev.comfyapi.api.stream.EventClient.Event;
import dev.comfyapi.db.worker.WorkerStore;
import dev.comfyapi.model.job.LeaseKey;
import dev.comfyapi.model.message.JobEvent;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;

/// One job as those hear of it who follow it by server-sent events.
class StreamTest {

    private static final byte[] PICTURE = "not really a picture".getBytes(StandardCharsets.UTF_8);

    private final Api api = Api.shared();
    private WorkerStore.Registered worker = api.aWorker("gpu-7", "checkpoints/" + Api.CHECKPOINT);

    @BeforeEach
    void register() {
        worker = api.aWorker("gpu-7", "checkpoints/" + Api.CHECKPOINT);
    }

    @AfterEach
    void leave() {
        api.leave(worker);
        assertThat(api.brokenInvariants()).isEmpty();
    }

    private void progress(LeaseKey lease, double fraction, int step) {
        api.publish(
                new JobEvent.Progress(
                        lease.job(),
                        lease.epoch(),
                        fraction,
                        "executing",
                        4,
                        7,
                        "3",
                        "KSampler",
                        step,
                        50));
    }

    @Test
    void a_job_is_followed_from_the_queue_to_its_end() {
        var job = api.submitted();
        try (var client = EventClient.of(api, "/api/v1/jobs/%s/events".formatted(job))) {
            var queued = client.await("status");
            var lease = api.assign(job, worker);
            api.publish(new JobEvent.Started(job, lease.epoch(), worker.id()));
            progress(lease, 0.42, 21);
            var progress = client.await("progress");
            api.publish(new JobEvent.Preview(job, lease.epoch(), "3", "image/png", "AAAA"));
            api.publish(new JobEvent.Freed(job, lease.epoch(), worker.id()));
            api.succeed(lease, PICTURE);
            var done = client.await("done");
            await().until(client::isOver);

            assertThat(client.response().statusCode()).isEqualTo(200);
            assertThat(client.response().headers().firstValue("Content-Type"))
                    .hasValueSatisfying(type -> assertThat(type).startsWith("text/event-stream"));
            assertThat(client.response().headers().firstValue("Cache-Control"))
                    .hasValue("no-store");
            assertThat(client.response().headers().firstValue("X-Accel-Buffering")).hasValue("no");
            assertThat(client.others()).containsExactly("retry: 2000");
            assertThat(queued.id()).isEqualTo("5000");
            assertThat(queued.at("/type")).isEqualTo("status");
            assertThat(queued.at("/status")).isEqualTo("queued");
            assertThat(queued.at("/revision")).isEqualTo("5000");
            assertThat(progress.at("/progress")).isEqualTo("0.42");
            assertThat(progress.at("/message")).isEqualTo("KSampler 21/50");
            assertThat(progress.at("/progress_detail/current_node_class")).isEqualTo("KSampler");
            assertThat(client.types()).doesNotContain("preview").endsWith("artifact", "done");
            assertThat(client.events())
                    .filteredOn(event -> event.type().equals("status"))
                    .extracting(event -> event.at("/status"))
                    .startsWith("queued")
                    .contains("running")
                    .endsWith("succeeded");
            assertThat(client.await("artifact").at("/url"))
                    .startsWith("http://127.0.0.1:%d/files/".formatted(api.port()));
            assertThat(done.at("/status")).isEqualTo("succeeded");
            assertThat(done.at("/result/artifacts/0/filename")).isEqualTo("picture_00001_.png");
            assertThat(done.id()).isEqualTo(api.get("/api/v1/jobs/" + job).at("/revision"));
            assertThat(client.events()).extracting(event -> Long.parseLong(event.id())).isSorted();
        }
    }

    @Test
    void a_reconnect_gets_what_it_has_not_seen_and_nothing_after_the_end() {
        var job = api.submitted();
        var path = "/api/v1/jobs/%s/events".formatted(job);
        api.succeed(api.assign(job, worker), PICTURE);

        List<Event> all;
        try (var client = EventClient.of(api, path)) {
            client.await("done");
            all = client.events();
        }
        var artifact = all.get(1).id();
        var end = all.get(2).id();

        assertThat(all).extracting(Event::type).containsExactly("status", "artifact", "done");
        assertThat(all).extracting(Event::id).doesNotHaveDuplicates();
        try (var rest = EventClient.of(api, path, "Last-Event-ID", artifact)) {
            rest.await("done");
            assertThat(rest.types()).containsExactly("done");
        }
        try (var rest = EventClient.of(api, path + "?after=" + all.get(0).id())) {
            rest.await("done");
            assertThat(rest.types()).containsExactly("artifact", "done");
        }
        assertThat(api.get(path, "Last-Event-ID", end).status()).isEqualTo(204);
        assertThat(api.get(path + "?after=" + end).status()).isEqualTo(204);
        assertThat(
                        api.send(
                                        api.request(path)
                                                .method(
                                                        "HEAD",
                                                        java.net.http.HttpRequest.BodyPublishers
                                                                .noBody()))
                                .status())
                .isEqualTo(200);
    }

    @Test
    void a_reconnect_while_it_runs_waits_for_what_is_newer() {
        var job = api.submitted();
        var path = "/api/v1/jobs/%s/events".formatted(job);
        var lease = api.assign(job, worker);
        progress(lease, 0.42, 21);
        await().untilAsserted(() ->
                assertThat(api.get("/api/v1/jobs/" + job).at("/progress")).isEqualTo("0.42"));

        try (var first = EventClient.of(api, path);
                var again =
                        EventClient.of(api, path, "Last-Event-ID", first.await("progress").id())) {
            progress(lease, 0.6, 30);
            var next = again.await("progress");

            assertThat(first.types()).startsWith("status", "progress");
            assertThat(next.at("/progress")).isEqualTo("0.6");
            assertThat(again.types()).startsWith("progress");
        } finally {
            api.delete("/api/v1/jobs/" + job);
        }
    }

    @Test
    void previews_are_sent_to_those_who_want_them() {
        var job = api.submitted();
        var lease = api.assign(job, worker);
        var path = "/api/v1/jobs/%s/events".formatted(job);
        try (var with = EventClient.of(api, path + "?previews=true");
                var without = EventClient.of(api, path)) {
            progress(lease, 0.1, 1);
            with.await("progress");
            api.publish(new JobEvent.Preview(job, lease.epoch(), "3", "image/jpeg", "/9j/"));
            var named = with.await("preview");
            // Older versions of ComfyUI do not say which node it is of.
            api.publish(new JobEvent.Preview(job, lease.epoch(), null, "image/png", "iVBO"));
            await().until(() -> with.types().stream().filter("preview"::equals).count() == 2);
            var unnamed = with.events().getLast();
            api.delete("/api/v1/jobs/" + job);
            var done = without.await("done");

            assertThat(named.at("/node_id")).isEqualTo("3");
            assertThat(named.at("/content_type")).isEqualTo("image/jpeg");
            assertThat(named.at("/data_base64")).isEqualTo("/9j/");
            assertThat(unnamed.at("/node_id")).isEmpty();
            assertThat(unnamed.id()).as("previews have no id of their own").isEqualTo(named.id());
            assertThat(done.at("/status")).isEqualTo("canceled");
            assertThat(without.types()).doesNotContain("preview");
        }
    }

    @Test
    void what_cannot_be_followed_is_a_problem_before_the_stream_begins() {
        var unknown = api.get("/api/v1/jobs/0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f/events");
        var malformed = api.get("/api/v1/jobs/nonsense/events");
        var job = api.submitted();
        var badAfter = api.get("/api/v1/jobs/%s/events?after=x".formatted(job));
        var badPreviews = api.get("/api/v1/jobs/%s/events?previews=x".formatted(job));

        assertThat(List.of(unknown, malformed))
                .allSatisfy(answer -> {
                    assertThat(answer.status()).isEqualTo(404);
                    assertThat(answer.at("/code")).isEqualTo("not_found");
                });
        assertThat(badAfter.status()).isEqualTo(400);
        assertThat(badAfter.at("/params/parameter")).isEqualTo("after");
        assertThat(badPreviews.status()).isEqualTo(400);
        assertThat(api.delete("/api/v1/jobs/" + job).status()).isEqualTo(202);
    }

    @Test
    void a_slow_reader_loses_previews_but_not_the_end_and_holds_up_nobody() throws Exception {
        var job = api.submitted();
        var lease = api.assign(job, worker);
        var path = "/api/v1/jobs/%s/events?previews=true".formatted(job);
        var picture = "A".repeat(300_000);
        try (var slow = new Socket();
                var fast = EventClient.of(api, path)) {
            slow.setReceiveBufferSize(8_192);
            slow.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), api.port()));
            slow.getOutputStream()
                    .write(
                            "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                                    .formatted(path)
                                    .getBytes(StandardCharsets.US_ASCII));
            progress(lease, 0.1, 1);
            fast.await("progress");

            for (int i = 1; i <= 40; i++) {
                long expected = i;
                api.publish(new JobEvent.Preview(job, lease.epoch(), "3", "image/png", picture));
                await().until(() ->
                        fast.types().stream().filter("preview"::equals).count() == expected);
            }
            api.succeed(lease, PICTURE);
            var told = fast.await("done");
            var read = new String(slow.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

            assertThat(told.at("/status")).isEqualTo("succeeded");
            assertThat(read).contains("event: preview", "event: artifact", "event: done");
            assertThat(read.split("event: preview", -1).length - 1).isLessThan(40);
        }
    }
}
