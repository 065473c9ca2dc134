package dev.comfyapi.api.operations;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.api.Api;
import dev.comfyapi.embedded.FreePort;
import dev.comfyapi.embedded.PostgresServer;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;

/// The database goes and comes; the service stays.
class OutageTest {

    private static final Path PROGRAMS = Path.of("target", "postgres");

    @Test
    void the_service_starts_before_its_database_and_outlives_it(@TempDir Path folder) {
        int port = FreePort.find();
        var url = "jdbc:postgresql://127.0.0.1:%d/postgres?user=postgres".formatted(port);
        try (var api =
                Api.on(
                        url,
                        Api.kafkaAddress(),
                        folder,
                        "--spring.datasource.hikari.connection-timeout=1000")) {
            var started = api.get("/healthz").status();
            var notReady = api.get("/readyz").status();
            assertAway(api);

            try (var _ = PostgresServer.start(folder.resolve("pg"), PROGRAMS, port)) {
                await().atMost(Duration.ofSeconds(20))
                        .untilAsserted(
                                () -> assertThat(api.get("/readyz").status()).isEqualTo(200));
                assertThat(api.post("/api/v1/jobs", Api.aPrompt()).status()).isEqualTo(202);
            }
            assertAway(api);
            try (var _ = PostgresServer.start(folder.resolve("pg"), PROGRAMS, port)) {
                await().atMost(Duration.ofSeconds(20))
                        .untilAsserted(
                                () -> assertThat(api.get("/readyz").status()).isEqualTo(200));
                assertThat(api.post("/api/v1/jobs", Api.aPrompt()).status()).isEqualTo(202);
                assertThat(api.storedJobs()).isEqualTo(2);
                assertThat(api.get("/health").status()).isEqualTo(200);
            }

            assertThat(started).isEqualTo(200);
            assertThat(notReady).isEqualTo(503);
        }
    }

    private static void assertAway(Api api) {
        long start = System.nanoTime();
        var submit = api.post("/api/v1/jobs", Api.aPrompt(), "Idempotency-Key", "k");
        var took = Duration.ofNanos(System.nanoTime() - start);
        var health = api.get("/health");

        assertThat(submit.status()).isEqualTo(503);
        assertThat(submit.at("/code")).isEqualTo("temporarily_overloaded");
        assertThat(submit.header("Retry-After")).isEqualTo("2");
        assertThat(took).isLessThan(Duration.ofSeconds(5));
        assertThat(health.status()).isEqualTo(503);
        assertThat(health.at("/status")).isEqualTo("down");
        assertThat(health.at("/components/database/status")).isEqualTo("down");
        assertThat(api.get("/healthz").status()).isEqualTo(200);
    }

    @Test
    void jobs_are_accepted_and_waited_for_without_kafka() {
        try (var api = Api.fresh("--comfyapi.kafka.servers=127.0.0.1:" + FreePort.find())) {
            var worker = api.aWorker("w", "checkpoints/" + Api.CHECKPOINT);
            var job = api.submitted();
            var waiting =
                    java.util.concurrent.CompletableFuture.supplyAsync(
                            () -> api.get("/api/v1/jobs/%s?wait_s=20".formatted(job)));
            api.succeed(api.assign(job, worker), new byte[] {1});

            assertThat(waiting.join().at("/status")).isEqualTo("succeeded");
            var health = api.get("/health");
            assertThat(health.status()).isEqualTo(200);
            assertThat(health.at("/status")).isEqualTo("degraded");
            assertThat(health.at("/components/kafka/status")).isEqualTo("down");
        }
    }
}
