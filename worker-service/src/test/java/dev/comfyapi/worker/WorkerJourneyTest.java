package dev.comfyapi.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.contract.Messages;
import dev.comfyapi.model.generation.GenerationRequest;
import dev.comfyapi.model.generation.PictureGraph;
import dev.comfyapi.model.generation.Seed;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.JobState;
import dev.comfyapi.model.job.JobStatus;
import dev.comfyapi.model.job.TokenPlace;
import dev.comfyapi.model.message.JobEvent;
import dev.comfyapi.model.workflow.Graph;
import dev.comfyapi.simulator.ComfyUiSimulator;
import dev.comfyapi.simulator.Execution;
import dev.comfyapi.simulator.Fault;
import dev.comfyapi.simulator.FaultKind;
import dev.comfyapi.simulator.Faults;
import dev.comfyapi.worker.Platform.Accepted;
import dev.comfyapi.worker.comfyui.ComfyUiHealth;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.springframework.context.ConfigurableApplicationContext;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.math.BigDecimal;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

import javax.imageio.ImageIO;

/// What a worker promises, with a real Postgres, a real broker and a simulated ComfyUI.
class WorkerJourneyTest {

    private static final Duration SOON = Duration.ofSeconds(15);
    private static final AtomicInteger NAMES = new AtomicInteger();
    private static final AtomicInteger SEEDS = new AtomicInteger();
    private static Platform platform = Platform.start();

    private final String name = "gpu-" + NAMES.incrementAndGet();
    private final List<AutoCloseable> opened = new ArrayList<>();

    @BeforeAll
    static void warm() {
        platform.makeDays();
    }

    @AfterAll
    static void stop() {
        platform.close();
    }

    @AfterEach
    void everything_ends_and_no_invariant_is_broken() throws Exception {
        for (var resource : opened.reversed()) {
            resource.close();
        }
        assertThat(platform.invariants.broken()).isEmpty();
    }

    @Test
    void a_job_from_the_lane_ends_with_its_picture_stored() throws Exception {
        var comfyUi = aComfyUi();
        aWorker(comfyUi.uri());
        var job = platform.submit(aPicture(2));

        var lease = platform.assign(job, name);

        awaitState(job, JobState.SUCCEEDED);
        var artifacts = result(job).path("artifacts");
        assertThat(result(job).path("reused").booleanValue()).isFalse();
        assertThat(artifacts).hasSize(1);
        var artifact = artifacts.path(0);
        assertThat(artifact.path("kind").asString()).isEqualTo("image");
        assertThat(artifact.path("content_type").asString()).isEqualTo("image/png");
        assertThat(artifact.path("width").asInt()).isEqualTo(128);
        assertThat(artifact.path("height").asInt()).isEqualTo(64);
        assertThat(artifact.path("node_id").asString()).isEqualTo("save");
        assertThat(artifact.path("key").asString())
                .isEqualTo("1/%s/1/0.png".formatted(lease.job()));
        var file = platform.artifacts().resolve(artifact.path("key").asString());
        assertThat(Files.size(file)).isEqualTo(artifact.path("size_bytes").asLong());
        assertThat(ImageIO.read(file.toFile()).getWidth()).isEqualTo(128);
        assertThat(text(file)).doesNotContain("tEXt").doesNotContain("a lighthouse");
        assertThat(comfyUi.executions())
                .extracting(Execution::promptId)
                .containsExactly(lease.attemptId().toString());
        assertThat(platform.read(job).startedAt()).isNotNull();
        assertThat(platform.leader.leases()).isEmpty();
        assertThat(Messages.seen())
                .as("records held to the AsyncAPI document")
                .contains("lanes Assign", "events Started", "events Progress", "events Finished");
    }

    @Test
    void a_job_may_keep_the_graph_in_its_picture() throws Exception {
        aWorker(aComfyUi().uri());
        var job = platform.submit(aPicture(2), true, Platform.RUN_TIMEOUT);

        platform.assign(job, name);

        awaitState(job, JobState.SUCCEEDED);
        assertThat(text(platform.files(job).getFirst())).contains("tEXt").contains("a lighthouse");
    }

    @Test
    void a_result_says_whether_comfyui_answered_from_its_cache_and_a_run_can_be_forced() {
        var comfyUi = aComfyUi();
        aWorker(comfyUi.uri());
        var graph = aPicture(2);
        var first = platform.submit(graph);
        platform.assign(first, name);
        awaitState(first, JobState.SUCCEEDED);

        var again = platform.submit(graph);
        platform.assign(again, name);
        awaitState(again, JobState.SUCCEEDED);
        var forced = platform.submit(graph.withoutCache("forced"));
        platform.assign(forced, name);
        awaitState(forced, JobState.SUCCEEDED);

        assertThat(result(first).path("reused").booleanValue()).isFalse();
        assertThat(result(again).path("reused").booleanValue()).isTrue();
        assertThat(result(forced).path("reused").booleanValue()).isFalse();
        assertThat(platform.files(again)).hasSize(1);
    }

    @Test
    void what_comfyui_has_cached_is_written_again_when_its_file_was_deleted() {
        var comfyUi = aComfyUi();
        aWorker(comfyUi.uri());
        var graph = aPicture(2);
        var first = platform.submit(graph);
        var lease = platform.assign(first, name);
        awaitState(first, JobState.SUCCEEDED);
        comfyUi.faults()
                .cause(
                        Fault.of(FaultKind.DELETED_OUTPUTS)
                                .with("promptId", lease.attemptId().toString()));

        var again = platform.submit(graph);
        platform.assign(again, name);

        awaitState(again, JobState.SUCCEEDED);
        assertThat(result(again).path("reused").booleanValue()).isTrue();
        assertThat(platform.read(again).failures()).isZero();
        assertThat(platform.files(again)).hasSize(1);
    }

    @Test
    void previews_are_shown_but_no_more_than_two_a_second() {
        var comfyUi =
                opened(
                        ComfyUiSimulator.builder()
                                .models("checkpoints", List.of("dream.safetensors"))
                                .stepDelay(Duration.ofMillis(25))
                                .previews(true)
                                .start());
        aWorker(comfyUi.uri());
        List<JobEvent.Preview> shown = new CopyOnWriteArrayList<>();
        var events =
                platform.listen(event -> {
                    if (event instanceof JobEvent.Preview preview) {
                        shown.add(preview);
                    }
                });
        var job = platform.submit(aPicture(80));

        platform.assign(job, name);
        awaitState(job, JobState.SUCCEEDED);
        events.stop();

        assertThat(shown)
                .isNotEmpty()
                .hasSizeLessThan(40)
                .allSatisfy(preview -> {
                    assertThat(preview.job()).isEqualTo(job.id());
                    assertThat(preview.node()).isEqualTo("sampler");
                    assertThat(preview.contentType()).startsWith("image/");
                });
    }

    @Test
    void a_canceled_job_is_stopped_in_comfyui_and_its_lease_is_given_back() {
        var comfyUi = aComfyUi();
        aWorker(comfyUi.uri());
        var job = platform.submit(aPicture(150));
        platform.assign(job, name);
        awaitExecution(comfyUi, Execution.Outcome.RUNNING);

        platform.cancel(job);

        awaitExecution(comfyUi, Execution.Outcome.INTERRUPTED);
        await().atMost(SOON).untilAsserted(() -> assertThat(platform.leader.leases()).isEmpty());
        assertThat(platform.read(job).state()).isEqualTo(JobState.CANCELED);
        assertThat(platform.files(job)).isEmpty();
    }

    @Test
    void an_assignment_whose_message_was_lost_is_found_by_the_heartbeat() {
        var comfyUi = aComfyUi();
        aWorker(comfyUi.uri());
        var job = platform.submit(aPicture(2));

        var assignment = platform.assignSilently(job, name);

        awaitState(job, JobState.SUCCEEDED);

        // And when the message does come, it is old news.
        platform.repeat(assignment, platform.worker(name).orElseThrow().lane());
        var next = platform.submit(aPicture(2));
        platform.assign(next, name);
        awaitState(next, JobState.SUCCEEDED);
        assertThat(comfyUi.executions()).hasSize(2);
    }

    @Test
    void a_job_is_reported_when_it_arrives_and_not_with_the_next_beat() {
        var comfyUi = aComfyUi();
        aWorker(comfyUi.uri(), "--comfyapi.worker.heartbeat=8s");
        var first = platform.submit(aPicture(1));
        platform.assign(first, name);
        awaitState(first, JobState.SUCCEEDED);
        await().atMost(SOON).until(() -> platform.worker(name).orElseThrow().loaded() != null);
        var job = platform.submit(aPicture(150));

        platform.assign(job, name);

        await().atMost(Duration.ofSeconds(4))
                .untilAsserted(() ->
                        assertThat(
                                        platform.jdbc
                                                .sql(
                                                        "SELECT w.last_seen > l.assigned_at FROM lease l JOIN worker w"
                                                                + " ON w.id = l.worker_id WHERE l.job_id = ?")
                                                .param(job.id().value())
                                                .query(Boolean.class)
                                                .optional())
                                .contains(true));
    }

    @Test
    void a_result_that_comes_after_the_lease_was_lost_leaves_no_files() {
        var comfyUi = aComfyUi();
        aWorker(comfyUi.uri(), "--comfyapi.worker.heartbeat=8s");
        var job = platform.submit(aPicture(40));
        platform.assign(job, name);
        awaitExecution(comfyUi, Execution.Outcome.RUNNING);

        platform.giveUpWorkers();

        awaitExecution(comfyUi, Execution.Outcome.SUCCEEDED);
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(metric("attempts_total")).contains("succeeded"));
        await().atMost(SOON).untilAsserted(() -> assertThat(platform.files(job)).isEmpty());
        assertThat(platform.read(job).state()).isEqualTo(JobState.LIVE);
        assertThat(platform.read(job).losses()).isEqualTo(1);
    }

    @Test
    void a_worker_that_was_given_up_drops_its_jobs_and_registers_again() {
        var comfyUi = aComfyUi();
        aWorker(comfyUi.uri());
        long before = platform.worker(name).orElseThrow().id();
        var job = platform.submit(aPicture(150));
        platform.assign(job, name);
        awaitExecution(comfyUi, Execution.Outcome.RUNNING);

        platform.giveUpWorkers();

        awaitExecution(comfyUi, Execution.Outcome.INTERRUPTED);
        await().atMost(SOON)
                .untilAsserted(() ->
                        assertThat(platform.worker(name))
                                .hasValueSatisfying(w -> assertThat(w.id()).isGreaterThan(before)));
        assertThat(platform.read(job).state()).isEqualTo(JobState.LIVE);
    }

    @Test
    void a_restart_of_comfyui_costs_the_running_job_one_attempt_and_no_more() {
        var comfyUi = aComfyUi();
        aWorker(comfyUi.uri());
        var job = platform.submit(aPicture(60));
        platform.assign(job, name);
        awaitExecution(comfyUi, Execution.Outcome.RUNNING);

        comfyUi.restart();

        awaitPlace(job, TokenPlace.DELAYED);
        assertThat(platform.read(job).failures()).isEqualTo(1);
        awaitPromotion(job);
        platform.assign(job, name);
        awaitState(job, JobState.SUCCEEDED);
        assertThat(platform.read(job).epoch()).isEqualTo(2);
    }

    @Test
    void a_graph_that_comfyui_refuses_fails_for_good_and_names_the_node() {
        aWorker(aComfyUi().uri());
        var job = platform.submit(aPictureOf("absent.safetensors"));

        platform.assign(job, name);

        awaitState(job, JobState.FAILED);
        assertThat(platform.read(job).errorCode()).isEqualTo("missing_model");
        var error = error(job);
        assertThat(error.path("node_id").asString()).isEqualTo("checkpoint");
        assertThat(error.path("class_type").asString()).isEqualTo("CheckpointLoaderSimple");
        assertThat(error.path("attempt").asInt()).isEqualTo(1);
        assertThat(error.path("message").asString()).contains("absent.safetensors");
    }

    @Test
    void a_node_that_the_installation_lacks_is_named() {
        aWorker(aComfyUi().uri());
        var job = platform.submit(aGraph("EmptyImage", "NoSuchNode"));

        platform.assign(job, name);

        awaitState(job, JobState.FAILED);
        assertThat(platform.read(job).errorCode()).isEqualTo("missing_node");
        assertThat(error(job).path("class_type").asString()).isEqualTo("NoSuchNode");
    }

    @Test
    void a_node_error_ends_the_job_with_the_name_of_the_node() {
        var comfyUi = aComfyUi();
        aWorker(comfyUi.uri());
        comfyUi.faults().failNext(Faults.Failure.NODE_ERROR);
        var job = platform.submit(aPicture(2));

        platform.assign(job, name);

        awaitState(job, JobState.FAILED);
        assertThat(platform.read(job).errorCode()).isEqualTo("node_execution_error");
        assertThat(error(job).path("node_id").asString()).isEqualTo("sampler");
        assertThat(error(job).path("exception_type").asString()).isEqualTo("ValueError");
    }

    @Test
    void a_graph_without_files_has_no_outputs() {
        aWorker(aComfyUi().uri());
        var job = platform.submit(aGraph("EmptyImage", "PreviewImage"));

        platform.assign(job, name);

        awaitState(job, JobState.FAILED);
        assertThat(platform.read(job).errorCode()).isEqualTo("no_outputs");
    }

    @Test
    void a_full_gpu_is_asked_to_free_its_memory_and_the_job_tried_again() {
        var comfyUi = aComfyUi();
        var wire = opened(new Wiretap(comfyUi.uri()));
        aWorker(wire.uri());
        comfyUi.faults().failNext(Faults.Failure.OUT_OF_MEMORY);
        var job = platform.submit(aPicture(2));

        platform.assign(job, name);

        awaitPlace(job, TokenPlace.DELAYED);
        assertThat(wire.requests()).contains("POST /free");
        awaitPromotion(job);
        platform.assign(job, name);
        awaitState(job, JobState.SUCCEEDED);
    }

    @Test
    void after_a_cuda_fault_no_more_jobs_are_wanted() {
        var comfyUi = aComfyUi();
        aWorker(comfyUi.uri());
        comfyUi.faults().failNext(Faults.Failure.CUDA_ERROR);
        var job = platform.submit(aPicture(2));

        platform.assign(job, name);

        awaitPlace(job, TokenPlace.DELAYED);
        await().atMost(SOON)
                .untilAsserted(() ->
                        assertThat(platform.worker(name).orElseThrow().accepting()).isFalse());
    }

    @Test
    void a_prompt_whose_reply_was_lost_is_not_run_twice() {
        var comfyUi = aComfyUi();
        var wire = opened(new Wiretap(comfyUi.uri()));
        aWorker(wire.uri());
        wire.loseReplyToPrompts(1);
        var job = platform.submit(aPicture(2));

        platform.assign(job, name);

        awaitState(job, JobState.SUCCEEDED);
        assertThat(comfyUi.received()).hasSize(1);
        assertThat(comfyUi.executions()).hasSize(1);
    }

    @Test
    void a_run_that_takes_longer_than_it_may_is_stopped() {
        var comfyUi = aComfyUi();
        aWorker(comfyUi.uri());
        var job = platform.submit(aPicture(150), false, Duration.ofMillis(500));

        platform.assign(job, name);

        awaitState(job, JobState.FAILED);
        assertThat(platform.read(job).errorCode()).isEqualTo("execution_timeout");
        awaitExecution(comfyUi, Execution.Outcome.INTERRUPTED);
    }

    @Test
    void a_shutdown_finishes_what_runs_and_gives_back_what_does_not() {
        var comfyUi = aComfyUi();
        var worker = aWorker(comfyUi.uri());
        var running = platform.submit(aPicture(60));
        platform.assign(running, name);
        awaitExecution(comfyUi, Execution.Outcome.RUNNING);
        var behind = platform.submit(aPicture(2));
        platform.assign(behind, name);
        await().atMost(SOON).untilAsserted(() -> assertThat(comfyUi.received()).hasSize(2));

        worker.close();

        assertThat(platform.read(running).state()).isEqualTo(JobState.SUCCEEDED);
        assertThat(platform.read(behind).place()).isEqualTo(TokenPlace.QUEUE);
        assertThat(platform.read(behind).failures()).isZero();
        assertThat(platform.worker(name)).isEmpty();
        assertThat(comfyUi.executions()).hasSize(1);
    }

    @Test
    void a_shutdown_that_may_not_wait_counts_the_running_job_as_failed() {
        var comfyUi = aComfyUi();
        var worker = aWorker(comfyUi.uri(), "--comfyapi.worker.grace=0s");
        var job = platform.submit(aPicture(150));
        platform.assign(job, name);
        awaitExecution(comfyUi, Execution.Outcome.RUNNING);

        worker.close();

        assertThat(platform.read(job).place()).isEqualTo(TokenPlace.DELAYED);
        awaitExecution(comfyUi, Execution.Outcome.INTERRUPTED);
    }

    @Test
    void an_old_comfyui_is_used_as_far_as_it_goes() {
        var comfyUi = aComfyUi();
        var wire = opened(new Wiretap(comfyUi.uri()));
        wire.hideJobsApi();
        aWorker(wire.uri());
        var finished = platform.submit(aPicture(2));
        platform.assign(finished, name);
        awaitState(finished, JobState.SUCCEEDED);

        var canceled = platform.submit(aPicture(150));
        platform.assign(canceled, name);
        awaitExecution(comfyUi, Execution.Outcome.RUNNING);
        platform.cancel(canceled);

        awaitExecution(comfyUi, Execution.Outcome.INTERRUPTED);
        assertThat(wire.requests()).contains("GET /queue", "POST /interrupt");
    }

    @Test
    void without_comfyui_the_running_job_has_failed_and_those_behind_it_are_given_back() {
        var comfyUi = aComfyUi();
        var address = comfyUi.uri();
        aWorker(address);
        var running = platform.submit(aPicture(150));
        platform.assign(running, name);
        awaitExecution(comfyUi, Execution.Outcome.RUNNING);
        var behind = platform.submit(aPicture(2));
        platform.assign(behind, name);
        await().atMost(SOON).untilAsserted(() -> assertThat(comfyUi.received()).hasSize(2));

        comfyUi.close();

        awaitPlace(running, TokenPlace.DELAYED);
        awaitPlace(behind, TokenPlace.QUEUE);
        assertThat(platform.worker(name).orElseThrow().accepting()).isFalse();
        opened(ComfyUiSimulator.builder().port(address.getPort()).start());
        await().atMost(SOON)
                .untilAsserted(
                        () -> assertThat(platform.worker(name).orElseThrow().accepting()).isTrue());
    }

    @Test
    void a_supervisor_can_ask_how_the_worker_is() throws Exception {
        var worker = aWorker(aComfyUi().uri(), "--comfyapi.worker.status-port=0");
        int port = worker.getBean(StatusServer.class).port();

        assertThat(get(port, "/health")).contains("up");
        await().atMost(SOON).untilAsserted(() -> assertThat(get(port, "/ready")).contains("up"));
        assertThat(get(port, "/metrics")).contains("comfyapi_worker_gpu_seconds");
    }

    @Test
    void a_result_waits_on_disk_while_postgres_is_away() {
        var comfyUi = aComfyUi();
        aWorker(comfyUi.uri());
        var job = platform.submit(aPicture(40));
        platform.assign(job, name);
        awaitExecution(comfyUi, Execution.Outcome.RUNNING);

        platform.crashPostgres();
        awaitExecution(comfyUi, Execution.Outcome.SUCCEEDED);
        await().atMost(SOON).untilAsserted(() -> assertThat(platform.spooled(name)).hasSize(1));
        platform.revivePostgres();

        awaitState(job, JobState.SUCCEEDED);
        await().atMost(SOON).untilAsserted(() -> assertThat(platform.spooled(name)).isEmpty());
        assertThat(platform.read(job).epoch()).isEqualTo(1);
    }

    @Test
    void a_result_that_a_worker_left_on_disk_is_handed_in_by_its_next_life() {
        var comfyUi = aComfyUi();
        var worker = aWorker(comfyUi.uri(), "--comfyapi.worker.grace=0s");
        var job = platform.submit(aPicture(40));
        platform.assign(job, name);
        awaitExecution(comfyUi, Execution.Outcome.RUNNING);
        platform.crashPostgres();
        await().atMost(SOON).untilAsserted(() -> assertThat(platform.spooled(name)).hasSize(1));
        worker.close();
        platform.revivePostgres();

        aWorker(comfyUi.uri());

        awaitState(job, JobState.SUCCEEDED);
        assertThat(platform.read(job).epoch()).isEqualTo(1);
        assertThat(platform.files(job)).hasSize(1);
        assertThat(platform.spooled(name)).isEmpty();
        assertThat(comfyUi.executions()).hasSize(1);
    }

    @Test
    void behind_a_long_job_nothing_is_kept_waiting() {
        var comfyUi =
                opened(
                        ComfyUiSimulator.builder()
                                .models("checkpoints", List.of("dream.safetensors"))
                                .stepDelay(Duration.ofMillis(200))
                                .start());
        aWorker(comfyUi.uri());
        platform.assign(platform.submit(aPicture(150)), name);
        awaitExecution(comfyUi, Execution.Outcome.RUNNING);
        var behind = platform.submit(aPicture(2));
        platform.assign(behind, name);

        awaitPlace(behind, TokenPlace.QUEUE);

        assertThat(platform.read(behind).failures()).isZero();
        platform.giveUpWorkers();
    }

    @Test
    void without_comfyui_a_worker_waits_and_starts_when_it_is_there() {
        var gone = aComfyUi();
        var address = gone.uri();
        gone.close();
        start(address);

        var back =
                opened(
                        ComfyUiSimulator.builder()
                                .port(address.getPort())
                                .models("checkpoints", List.of("dream.safetensors"))
                                .start());

        awaitWorker();
        var job = platform.submit(aPicture(2));
        platform.assign(job, name);
        awaitState(job, JobState.SUCCEEDED);
        assertThat(back.executions()).hasSize(1);
    }

    @Test
    void a_run_that_outlives_an_unreachable_comfyui_is_stopped_when_it_is_back() {
        var comfyUi = aComfyUi();
        var wire = new Wiretap(comfyUi.uri());
        aWorker(wire.uri());
        var job = platform.submit(aPicture(600));
        platform.assign(job, name);
        awaitExecution(comfyUi, Execution.Outcome.RUNNING);

        wire.close();
        // A failure if the worker has seen it run, else given back.
        await().atMost(SOON)
                .untilAsserted(() ->
                        assertThat(platform.read(job).place()).isNotEqualTo(TokenPlace.LEASE));
        opened(new Wiretap(comfyUi.uri(), wire.uri().getPort()));

        awaitExecution(comfyUi, Execution.Outcome.INTERRUPTED);
    }

    @Test
    void a_comfyui_that_spoils_three_jobs_in_a_row_is_given_a_rest() {
        var comfyUi = aComfyUi();
        var worker = aWorker(comfyUi.uri(), "--comfyapi.worker.rest=2s");
        var health = worker.getBean(ComfyUiHealth.class);
        for (int i = 0; i < 3; i++) {
            assertThat(health.isUsable()).isTrue();
            var job = platform.submit(aPicture(60));
            platform.assign(job, name);
            awaitExecution(comfyUi, Execution.Outcome.RUNNING);
            comfyUi.faults().loseQueueAndHistory();
            awaitPlace(job, TokenPlace.DELAYED);
        }

        assertThat(health.condition()).isEqualTo(ComfyUiHealth.Condition.READY);
        assertThat(health.isUsable()).isFalse();
        await().atMost(SOON)
                .untilAsserted(() ->
                        assertThat(platform.worker(name).orElseThrow().accepting()).isFalse());
        awaitAccepting();
        var job = platform.submit(aPicture(2));
        platform.assign(job, name);
        awaitState(job, JobState.SUCCEEDED);
    }

    @Test
    void a_result_that_postgres_refuses_for_good_does_not_keep_a_worker_from_starting()
            throws Exception {
        var folder = Files.createDirectories(platform.spool(name));
        Files.writeString(
                folder.resolve("00000000-0000-7000-8000-000000000001-1-1.json"),
                """
                {"job": "00000000-0000-7000-8000-000000000001", "epoch": 1, "worker": 1, "begunAtMs": 0,
                 "gpuMs": 1, "storeMs": 1, "result": "this is no JSON", "keys": []}
                """);

        aWorker(aComfyUi().uri());

        assertThat(folder.resolve("00000000-0000-7000-8000-000000000001-1-1.json.refused"))
                .exists();
        assertThat(platform.spooled(name)).isEmpty();
    }

    @Test
    void what_an_earlier_life_left_in_comfyui_is_stopped_at_the_start() throws Exception {
        var comfyUi = aComfyUi();
        var client =
                new dev.comfyapi.worker.comfyui.ComfyUi(
                        comfyUi.uri(), java.net.http.HttpClient.newHttpClient());
        client.submit(UUID.randomUUID(), "comfyapi.%s.earlier".formatted(name), aPicture(150));
        awaitExecution(comfyUi, Execution.Outcome.RUNNING);
        client.submit(UUID.randomUUID(), "somebody in the web page", aPicture(2));

        aWorker(comfyUi.uri());

        awaitExecution(comfyUi, Execution.Outcome.INTERRUPTED);
        awaitExecution(comfyUi, Execution.Outcome.SUCCEEDED);
    }

    // -- reaching states ----------------------------------------------------------------------

    private ComfyUiSimulator aComfyUi() {
        return opened(
                ComfyUiSimulator.builder()
                        .models("checkpoints", List.of("dream.safetensors"))
                        .stepDelay(Duration.ofMillis(25))
                        .start());
    }

    private <T extends AutoCloseable> T opened(T resource) {
        opened.add(resource);
        return resource;
    }

    private ConfigurableApplicationContext start(Object comfyUi, String... more) {
        return opened(platform.startWorker(name, comfyUi, more));
    }

    /// Registered and accepting.
    private ConfigurableApplicationContext aWorker(Object comfyUi, String... more) {
        var worker = start(comfyUi, more);
        awaitWorker();
        return worker;
    }

    private void awaitWorker() {
        await().atMost(SOON)
                .pollInterval(Duration.ofMillis(20))
                .untilAsserted(() -> assertThat(platform.worker(name)).isPresent());
    }

    private void awaitAccepting() {
        await().atMost(SOON)
                .pollInterval(Duration.ofMillis(50))
                .until(() -> platform.worker(name).filter(w -> w.accepting()).isPresent());
    }

    private static Graph aPicture(int steps) {
        return aPicture("dream.safetensors", steps);
    }

    private static Graph aPictureOf(String model) {
        return aPicture(model, 2);
    }

    private static Graph aPicture(String model, int steps) {
        return PictureGraph.of(
                new GenerationRequest(
                        "a lighthouse",
                        "",
                        128,
                        64,
                        steps,
                        BigDecimal.valueOf(7),
                        "euler",
                        "normal",
                        new Seed(SEEDS.incrementAndGet()),
                        model,
                        1,
                        List.of()));
    }

    private static Graph aGraph(String first, String second) {
        return Graph.parse(
                """
                {"1": {"class_type": "%s", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0}},
                 "2": {"class_type": "%s", "inputs": {"images": ["1", 0], "filename_prefix": "p"}}}
                """
                        .formatted(first, second)
                        .getBytes(StandardCharsets.UTF_8));
    }

    // -- looking ------------------------------------------------------------------------------

    private static void awaitState(Accepted job, JobState state) {
        await().atMost(SOON)
                .pollInterval(Duration.ofMillis(20))
                .untilAsserted(() -> assertThat(platform.read(job).state()).isEqualTo(state));
    }

    private static void awaitPlace(Accepted job, TokenPlace place) {
        await().atMost(SOON)
                .pollInterval(Duration.ofMillis(20))
                .untilAsserted(() -> assertThat(platform.read(job).place()).isEqualTo(place));
    }

    /// The leader's chore, until the pause after a failure is over.
    private static void awaitPromotion(Accepted job) {
        await().atMost(SOON)
                .untilAsserted(() -> {
                    List<JobId> _ = platform.leader.promote(100);
                    assertThat(platform.read(job).place()).isEqualTo(TokenPlace.QUEUE);
                });
        assertThat(platform.read(job).status()).isEqualTo(JobStatus.QUEUED);
    }

    private static void awaitExecution(ComfyUiSimulator comfyUi, Execution.Outcome outcome) {
        await().atMost(SOON)
                .pollInterval(Duration.ofMillis(10))
                .untilAsserted(() ->
                        assertThat(comfyUi.executions())
                                .extracting(Execution::outcome)
                                .contains(outcome));
    }

    private String metric(String ending) {
        var worker = (ConfigurableApplicationContext) opened.getLast();
        var lines =
                worker.getBean(io.micrometer.prometheusmetrics.PrometheusMeterRegistry.class)
                        .scrape()
                        .lines();
        return String.join("\n", lines.filter(line -> line.contains(ending)).toList());
    }

    private static JsonNode result(Accepted job) {
        return JsonMapper.shared().readTree(platform.read(job).result());
    }

    private static JsonNode error(Accepted job) {
        return JsonMapper.shared().readTree(platform.read(job).error());
    }

    private static String get(int port, String path) throws Exception {
        try (var answer = URI.create("http://127.0.0.1:" + port + path).toURL().openStream()) {
            return new String(answer.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static String text(java.nio.file.Path file) throws Exception {
        return Files.readString(file, StandardCharsets.ISO_8859_1);
    }
}
