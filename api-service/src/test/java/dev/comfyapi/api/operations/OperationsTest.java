package dev.comfyapi.api.operations;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.api.Api;

import org.junit.jupiter.api.Test;

import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

class OperationsTest {

    private final Api api = Api.shared();

    @Test
    void health_is_degraded_without_workers_and_healthy_with_one() {
        try (var own = Api.fresh()) {
            var lonely = own.get("/health");
            own.aWorker("w", "checkpoints/a");
            await().untilAsserted(() ->
                    assertThat(own.get("/health").at("/status")).isEqualTo("healthy"));
            var healthy = own.get("/health");

            assertThat(lonely.status()).isEqualTo(200);
            assertThat(lonely.at("/status")).isEqualTo("degraded");
            assertThat(lonely.at("/comfyui_status")).isEqualTo("disconnected");
            assertThat(healthy.at("/comfyui_status")).isEqualTo("connected");
            assertThat(healthy.at("/components/workers/idle")).isEqualTo("1");
            assertThat(healthy.at("/components/queue/queued")).isEqualTo("0");
            assertThat(healthy.json().at("/components/database/latency_ms").isNumber()).isTrue();
            assertThat(healthy.at("/timestamp")).matches(".*\\.\\d{3}Z");
        }
    }

    @Test
    void models_are_those_of_live_workers_else_the_last_known() {
        try (var own = Api.fresh()) {
            var none = own.get("/api/v1/models");
            var worker = own.aWorker("w", "checkpoints/a", "loras/b");
            var live = own.get("/models");
            var loras = own.get("/api/v1/models?kind=lora");
            var byFolder = own.get("/api/v1/models?kind=loras");
            own.leave(worker);
            var stale = own.get("/api/v1/models");

            assertThat(none.json().path("models")).isEmpty();
            assertThat(live.json().path("models")).hasSize(2);
            assertThat(live.json().path("stale").booleanValue()).isFalse();
            assertThat(loras.at("/models/0/name")).isEqualTo("b");
            assertThat(loras.json().path("models").path(0).propertyNames())
                    .containsExactlyInAnyOrder(
                            "name",
                            "path",
                            "type",
                            "size",
                            "workers_available",
                            "workers_loaded",
                            "median_execution_ms");
            assertThat(loras.at("/models/0/path")).isEqualTo("loras/b");
            assertThat(loras.at("/models/0/type")).isEqualTo("lora");
            assertThat(loras.at("/models/0/workers_available")).isEqualTo("1");
            assertThat(loras.json().at("/models/0/size").isNull()).isTrue();
            assertThat(loras.at("/total")).isEqualTo("1");
            assertThat(loras.json().path("models")).hasSize(1);
            assertThat(byFolder.text()).isEqualTo(loras.text());
            assertThat(stale.at("/models/0/workers_available")).isEqualTo("0");
            assertThat(stale.json().path("stale").booleanValue()).isTrue();
            assertThat(stale.json().path("models")).hasSize(2);
        }
    }

    @Test
    void the_entrance_says_what_is_where_and_sends_browsers_to_the_docs() {
        var json = api.get("/");
        var any = api.get("/", "Accept", "*/*");
        var browser = api.get("/", "Accept", "text/html,application/xhtml+xml,*/*;q=0.8");

        assertThat(json.at("/service")).isEqualTo("comfyui-api-service");
        assertThat(any.header("Content-Type")).startsWith("application/json");
        for (var link : json.json().path("links").properties()) {
            assertThat(api.get(link.getValue().stringValue()).status())
                    .as(link.getKey())
                    .isIn(200, 302, 405);
        }
        assertThat(browser.status()).isEqualTo(302);
        assertThat(browser.header("Location")).isEqualTo("/docs");
    }

    @Test
    void metrics_are_prometheus_text() {
        api.submitted();
        var metrics = api.get("/metrics");

        assertThat(metrics.header("Content-Type")).startsWith("text/plain");
        assertThat(metrics.text())
                .contains(
                        "comfyapi_jobs_submitted_total",
                        "comfyapi_messages_dropped_total",
                        "http_server_requests_seconds_count",
                        "hikaricp_connections");
    }

    @Test
    void many_may_read_the_metrics_at_a_time() {
        var worker = api.aWorker("w", "checkpoints/" + Api.CHECKPOINT);
        var reading =
                IntStream.range(0, 8)
                        .mapToObj(_ ->
                                CompletableFuture.supplyAsync(() ->
                                        IntStream.range(0, 20)
                                                .map(_ -> api.get("/metrics").status())
                                                .boxed()
                                                .toList()))
                        .toList();

        assertThat(reading).allSatisfy(of -> assertThat(of.join()).containsOnly(200));
        api.leave(worker);
    }

    @Test
    void the_openapi_document_describes_bodies_and_problems() {
        var document = api.get("/openapi.json").json();
        var post = document.at("/paths/~1api~1v1~1jobs/post");
        var schemas = document.at("/components/schemas");

        assertThat(post.at("/requestBody/content/application~1json/schema/oneOf").toString())
                .contains(
                        "#/components/schemas/PromptRequest",
                        "#/components/schemas/WorkflowRequest");
        assertThat(post.at("/responses/422/$ref").asString()).endsWith("/Problem422");
        assertThat(document.at("/components/responses/Problem422/content").propertyNames())
                .containsExactly("application/problem+json");
        assertThat(schemas.at("/PromptRequest/properties/width/maximum").asInt(0)).isEqualTo(2048);
        assertThat(schemas.at("/PromptRequest/properties/cfg_scale").isMissingNode()).isFalse();
        assertThat(schemas.at("/Job/properties/job_id").isMissingNode()).isFalse();
        assertThat(schemas.at("/Problem/properties/request_id").isMissingNode()).isFalse();
        assertThat(schemas.at("/JobMessage/properties/data/$ref").asString()).endsWith("/Job");
        assertThat(document.at("/webhooks/job/post/parameters/0/name").asString())
                .isEqualTo("webhook-id");
    }
}
