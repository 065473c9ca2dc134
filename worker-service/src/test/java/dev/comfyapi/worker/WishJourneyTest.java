package dev.comfyapi.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.db.operator.OperatedWorkerStore;
import dev.comfyapi.db.operator.OperatedWorkerStore.Mode;
import dev.comfyapi.db.operator.OperatedWorkerStore.Status;
import dev.comfyapi.db.operator.OperatedWorkerStore.Worker;
import dev.comfyapi.model.job.JobState;
import dev.comfyapi.model.job.LeaseStage;
import dev.comfyapi.model.job.TokenPlace;
import dev.comfyapi.model.workflow.Graph;
import dev.comfyapi.simulator.ComfyUiSimulator;
import dev.comfyapi.simulator.Execution;
import dev.comfyapi.worker.Platform.Accepted;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/// What operators wish of a worker, and a real worker that does it.
class WishJourneyTest {

    private static final Duration SOON = Duration.ofSeconds(20);
    private static final AtomicInteger NAMES = new AtomicInteger();
    private static final Platform PLATFORM = Platform.start();

    private final OperatedWorkerStore operator = new OperatedWorkerStore(PLATFORM.jdbc);
    private final String name = "wished-" + NAMES.incrementAndGet();
    private ComfyUiSimulator comfyUi;

    @BeforeEach
    void start() {
        comfyUi =
                ComfyUiSimulator.builder()
                        .models("checkpoints", List.of("dream.safetensors"))
                        .stepDelay(Duration.ofMillis(25))
                        .start();
    }

    @AfterEach
    void no_invariant_is_broken() {
        comfyUi.close();
        assertThat(PLATFORM.invariants.broken()).isEmpty();
    }

    @AfterAll
    static void stop() {
        PLATFORM.close();
    }

    @Test
    void a_drained_worker_finishes_what_runs_and_gives_back_the_rest() {
        try (var _ = aWorker()) {
            var running = PLATFORM.submit(aPicture(100));
            PLATFORM.assign(running, name);
            awaitStage(running, LeaseStage.RUNNING);
            var next = PLATFORM.submit(aPicture(2));
            PLATFORM.assign(next, name);
            var silent = PLATFORM.submit(aPicture(2));
            PLATFORM.assignSilently(silent, name);

            operator.wish(name, Mode.DRAIN);

            // The leader knows it at once, the worker with its next heartbeat.
            assertThat(PLATFORM.worker(name).orElseThrow().accepting()).isFalse();
            awaitPlace(next, TokenPlace.QUEUE);
            awaitPlace(silent, TokenPlace.QUEUE);
            assertThat(seen().status()).isEqualTo(Status.DRAINING);
            awaitState(running, JobState.SUCCEEDED);
            assertThat(PLATFORM.read(next).failures()).isZero();
            assertThat(comfyUi.executions()).hasSize(1);

            operator.wish(name, Mode.WORK);
            awaitAccepting();
            PLATFORM.assign(next, name);
            PLATFORM.assign(silent, name);
            awaitState(next, JobState.SUCCEEDED);
            awaitState(silent, JobState.SUCCEEDED);
        }
    }

    @Test
    void a_quarantined_worker_stays_so_when_its_process_is_started_anew() {
        long before;
        try (var _ = aWorker()) {
            before = seen().id();
            operator.wish(name, Mode.QUARANTINE);
            assertThat(seen().status()).isEqualTo(Status.QUARANTINED);
        }
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(seen().status()).isEqualTo(Status.OFFLINE));

        try (var _ = PLATFORM.startWorker(name, comfyUi.uri())) {
            await().atMost(SOON).until(() -> seen().id() > before && !seen().gone());
            assertThat(seen().status()).isEqualTo(Status.QUARANTINED);
            assertThat(PLATFORM.worker(name).orElseThrow().accepting()).isFalse();
            assertThat(PLATFORM.worker(name).orElseThrow().quarantined()).isTrue();

            // What was on its way all the same comes back.
            var job = PLATFORM.submit(aPicture(2));
            PLATFORM.assign(job, name);
            awaitPlace(job, TokenPlace.QUEUE);
            assertThat(comfyUi.executions()).isEmpty();

            operator.wish(name, Mode.WORK);
            awaitAccepting();
            PLATFORM.assign(job, name);
            awaitState(job, JobState.SUCCEEDED);
        }
    }

    @Test
    void a_restart_waits_for_what_runs_outlives_the_process_and_happens_once(@TempDir Path folder)
            throws IOException {
        var log = folder.resolve("restarts");
        var command = "--comfyapi.worker.restart-command=echo restarted >> '%s'".formatted(log);
        try (var _ = aWorker(command)) {
            assertThat(seen().canRestart()).isTrue();
            var job = PLATFORM.submit(aPicture(60));
            PLATFORM.assign(job, name);
            awaitStage(job, LeaseStage.RUNNING);

            operator.askRestart(name);

            assertThat(PLATFORM.worker(name).orElseThrow().accepting()).isFalse();
            assertThat(Files.exists(log)).isFalse();
            awaitState(job, JobState.SUCCEEDED);
            awaitRestarts(log, 1);
            awaitAccepting();
            assertThat(seen().restartAsked()).isFalse();
            assertThat(comfyUi.executions())
                    .extracting(Execution::outcome)
                    .containsOnly(Execution.Outcome.SUCCEEDED);
        }
        // Asked for while nobody is there who could do it: the next process does it.
        operator.askRestart(name);
        try (var _ = aWorker(command)) {
            awaitRestarts(log, 2);
            awaitAccepting();
        }
        try (var _ = aWorker(command)) {
            awaitAccepting();
            var job = PLATFORM.submit(aPicture(2));
            PLATFORM.assign(job, name);
            awaitState(job, JobState.SUCCEEDED);
        }
        assertThat(Files.readAllLines(log)).hasSize(2);
    }

    @Test
    void a_restart_command_that_fails_leaves_the_worker_as_it_was(@TempDir Path folder) {
        var log = folder.resolve("restarts");
        try (var _ =
                aWorker(
                        "--comfyapi.worker.restart-command=echo tried >> '%s'; exit 3"
                                .formatted(log))) {
            operator.askRestart(name);

            awaitRestarts(log, 1);
            awaitAccepting();
            var job = PLATFORM.submit(aPicture(2));
            PLATFORM.assign(job, name);
            awaitState(job, JobState.SUCCEEDED);
        }
    }

    @Test
    void memory_is_freed_once_and_when_nothing_runs() throws Exception {
        try (var wire = new Wiretap(comfyUi.uri());
                var _ = PLATFORM.startWorker(name, wire.uri())) {
            awaitAccepting();
            var job = PLATFORM.submit(aPicture(80));
            PLATFORM.assign(job, name);
            awaitStage(job, LeaseStage.RUNNING);

            operator.askFreeMemory(name);
            await().atMost(SOON).until(() -> !seen().accepting());

            awaitState(job, JobState.SUCCEEDED);
            await().atMost(SOON)
                    .untilAsserted(() ->
                            assertThat(wire.requests())
                                    .as("the picture was fetched before")
                                    .containsSubsequence("POST /prompt", "GET /view", "POST /free")
                                    .containsOnlyOnce("POST /free"));
            awaitAccepting();
            var next = PLATFORM.submit(aPicture(2));
            PLATFORM.assign(next, name);
            awaitState(next, JobState.SUCCEEDED);
            assertThat(wire.requests()).containsOnlyOnce("POST /free");
        }
    }

    @Test
    void a_worker_tells_what_it_is_and_what_is_wrong_with_it() {
        try (var _ =
                aWorker(
                        "--comfyapi.worker.labels=gpu=rtx4090,zone=a",
                        "--comfyapi.worker.pool=big")) {
            assertThat(seen().labels()).contains("rtx4090").contains("zone");
            assertThat(seen().pool()).isEqualTo("big");
            assertThat(seen().canRestart()).isFalse();
            assertThat(seen().gpu()).isNotBlank();
            assertThat(seen().fault()).isNull();

            comfyUi.close();

            await().atMost(SOON)
                    .untilAsserted(() -> assertThat(seen().fault()).isEqualTo("comfyui_away"));
            assertThat(seen().status()).isEqualTo(Status.STARTING);
        }
    }

    // -- reaching states ----------------------------------------------------------------------

    private org.springframework.context.ConfigurableApplicationContext aWorker(String... more) {
        var worker = PLATFORM.startWorker(name, comfyUi.uri(), more);
        await().atMost(SOON).until(() -> PLATFORM.worker(name).isPresent());
        return worker;
    }

    private void awaitAccepting() {
        await().atMost(SOON)
                .pollInterval(Duration.ofMillis(50))
                .until(() -> PLATFORM.worker(name).filter(w -> w.accepting()).isPresent());
    }

    private Worker seen() {
        return operator.all().stream()
                .filter(worker -> worker.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private static void awaitRestarts(Path log, int count) {
        await().atMost(SOON)
                .untilAsserted(() -> {
                    assertThat(log).exists();
                    assertThat(Files.readAllLines(log)).hasSize(count);
                });
    }

    private static void awaitStage(Accepted job, LeaseStage stage) {
        await().atMost(SOON)
                .pollInterval(Duration.ofMillis(20))
                .untilAsserted(() -> assertThat(PLATFORM.read(job).stage()).isEqualTo(stage));
    }

    private static void awaitState(Accepted job, JobState state) {
        await().atMost(SOON)
                .pollInterval(Duration.ofMillis(20))
                .untilAsserted(() -> assertThat(PLATFORM.read(job).state()).isEqualTo(state));
    }

    private static void awaitPlace(Accepted job, TokenPlace place) {
        await().atMost(SOON)
                .pollInterval(Duration.ofMillis(20))
                .untilAsserted(() -> assertThat(PLATFORM.read(job).place()).isEqualTo(place));
    }

    private static Graph aPicture(int steps) {
        return Graph.parse(
                """
                {"1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "dream.safetensors"}},
                 "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "a pier", "clip": ["1", 1]}},
                 "3": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
                 "4": {"class_type": "KSampler", "inputs": {"seed": %d, "steps": %d, "cfg": 7, "sampler_name": "euler",
                       "scheduler": "normal", "denoise": 1, "model": ["1", 0], "positive": ["2", 0],
                       "negative": ["2", 0], "latent_image": ["3", 0]}},
                 "5": {"class_type": "VAEDecode", "inputs": {"samples": ["4", 0], "vae": ["1", 2]}},
                 "6": {"class_type": "SaveImage", "inputs": {"images": ["5", 0], "filename_prefix": "p"}}}
                """
                        .formatted(NAMES.incrementAndGet(), steps)
                        .getBytes(StandardCharsets.UTF_8));
    }
}
