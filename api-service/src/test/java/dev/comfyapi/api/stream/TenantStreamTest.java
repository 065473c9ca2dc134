package dev.comfyapi.api.stream;

import static dev.comfyapi.api.Api.aPrompt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.api.Api;
import dev.comfyapi.embedded.FreePort;
import dev.comfyapi.model.job.JobId;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.List;

/// All jobs of a tenant, as those hear of them who follow everything.
class TenantStreamTest {

    private static JobId tagged(Api api, String tag) {
        return api.post("/api/v1/jobs", aPrompt("\"tags\": [\"%s\"]".formatted(tag))).job();
    }

    private static List<String> of(EventClient client, JobId job) {
        return client.events().stream()
                .filter(event -> event.at("/job_id").equals(job.toString()))
                .map(EventClient.Event::type)
                .toList();
    }

    @Test
    void everything_is_told_that_the_filters_let_through() {
        var api = Api.shared();
        var worker = api.aWorker("gpu-7", "checkpoints/" + Api.CHECKPOINT);
        try (var all = EventClient.of(api, "/api/v1/events");
                var shop = EventClient.of(api, "/api/v1/events?tag=shop&types=done")) {
            var plain = api.submitted();
            var tagged = tagged(api, "shop");
            api.succeed(api.assign(plain, worker), new byte[] {1});
            api.delete("/api/v1/jobs/" + tagged);
            await().atMost(Duration.ofSeconds(20))
                    .until(() ->
                            of(all, plain).contains("done") && of(shop, tagged).contains("done"));

            assertThat(of(all, plain)).contains("status").endsWith("artifact", "done");
            assertThat(of(all, tagged)).contains("status", "done");
            assertThat(shop.types()).containsOnly("done");
            assertThat(of(shop, plain)).isEmpty();
            assertThat(all.lastId()).matches("[0-9]{13}");
        } finally {
            api.leave(worker);
        }
        assertThat(api.get("/api/v1/events?types=nonsense").status()).isEqualTo(400);
        assertThat(api.get("/api/v1/events?batch_id=nonsense").status()).isEqualTo(400);
    }

    @Test
    void a_reconnect_to_another_instance_is_told_what_changed_meanwhile() {
        try (var one = Api.fresh()) {
            var worker = one.aWorker("w", "checkpoints/" + Api.CHECKPOINT);
            String last;
            var before = one.submitted();
            try (var two = one.another();
                    var client = EventClient.of(two, "/api/v1/events")) {
                await().atMost(Duration.ofSeconds(20)).until(() -> !client.lastId().isEmpty());
                last = client.lastId();
            }
            one.succeed(one.assign(before, worker), new byte[] {1});
            var after = one.submitted();

            try (var again = EventClient.of(one, "/api/v1/events", "Last-Event-ID", last)) {
                await().atMost(Duration.ofSeconds(20))
                        .until(() ->
                                of(again, before).contains("done")
                                        && of(again, after).contains("status"));

                assertThat(of(again, before)).containsExactly("status", "artifact", "done");
                assertThat(of(again, after)).containsExactly("status");
            }
        }
    }

    @Test
    void without_kafka_everything_is_told_within_seconds() {
        try (var api = Api.fresh("--comfyapi.kafka.servers=127.0.0.1:" + FreePort.find())) {
            var worker = api.aWorker("w", "checkpoints/" + Api.CHECKPOINT);
            try (var client = EventClient.of(api, "/api/v1/events")) {
                var job = api.submitted();
                api.succeed(api.assign(job, worker), new byte[] {1});

                var done = client.await("done", Duration.ofSeconds(6));

                assertThat(done.at("/job_id")).isEqualTo(job.toString());
            }
        }
    }
}
