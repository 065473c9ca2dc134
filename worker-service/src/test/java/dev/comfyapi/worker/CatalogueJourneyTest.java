package dev.comfyapi.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.simulator.ComfyUiSimulator;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

import java.nio.file.Files;
import java.time.Duration;
import java.util.List;

/// What Postgres knows of a ComfyUI, while that changes.
class CatalogueJourneyTest {

    private static final Duration SOON = Duration.ofSeconds(20);
    private static final Platform PLATFORM = Platform.start();

    @AfterAll
    static void stop() {
        PLATFORM.close();
    }

    @Test
    void a_model_that_comes_while_the_worker_runs_is_known_soon() throws Exception {
        try (var comfyUi = ComfyUiSimulator.builder().start();
                var _ =
                        PLATFORM.startWorker(
                                "a", comfyUi.uri(), "--comfyapi.worker.refresh=100ms")) {
            awaitModels("a", "checkpoints/sd15.safetensors");
            assertThat(models("a")).doesNotContain("loras/trained.safetensors");

            var loras = Files.createDirectories(comfyUi.folder().resolve("output/loras"));
            Files.writeString(loras.resolve("trained.safetensors"), "weights");

            awaitModels("a", "loras/trained.safetensors");
        }
    }

    @Test
    void a_comfyui_that_comes_back_is_looked_at_anew() {
        var first =
                ComfyUiSimulator.builder()
                        .models("checkpoints", List.of("old.safetensors"))
                        .start();
        int port = first.uri().getPort();
        try (var _ = PLATFORM.startWorker("b", first.uri(), "--comfyapi.worker.refresh=1h")) {
            awaitModels("b", "checkpoints/old.safetensors");

            first.close();
            await().atMost(SOON).until(() -> !PLATFORM.worker("b").orElseThrow().accepting());
            try (var _ =
                    ComfyUiSimulator.builder()
                            .port(port)
                            .models("checkpoints", List.of("new.safetensors"))
                            .start()) {
                awaitModels("b", "checkpoints/new.safetensors");
                assertThat(models("b")).doesNotContain("checkpoints/old.safetensors");
            }
        }
    }

    private static java.util.Set<String> models(String worker) {
        var hash = PLATFORM.worker(worker).orElseThrow().catalogueHash();
        return PLATFORM.leader.catalogue(hash).models();
    }

    private static void awaitModels(String worker, String model) {
        await().atMost(SOON)
                .ignoreExceptions()
                .untilAsserted(() -> assertThat(models(worker)).contains(model));
    }
}
