package dev.comfyapi.simulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.List;

/// Each switch does what it says, and the simulator recovers where ComfyUI would.
class FaultsTest {

    private ComfyUiSimulator simulator;
    private Comfy comfy;

    @BeforeEach
    void start() {
        simulator = ComfyUiSimulator.builder().stepDelay(Duration.ZERO).start();
        comfy = new Comfy(simulator.uri());
    }

    @AfterEach
    void stop() {
        comfy.close();
        simulator.close();
    }

    private String submit(String prefix) {
        return comfy.submit(Graphs.painting("faults", "1", 64, 64, 1, 2, prefix));
    }

    private void assertCompletes(String id) {
        assertThat(comfy.awaitEnd(id).path("status").asString()).isEqualTo("completed");
    }

    @Test
    void the_next_prompt_can_run_out_of_memory_in_its_sampler() {
        simulator.faults().failNext(Faults.Failure.OUT_OF_MEMORY);

        var error = comfy.awaitEnd(submit("f/a")).path("execution_error");

        assertThat(error.path("exception_type").asString()).isEqualTo("torch.OutOfMemoryError");
        assertThat(error.path("node_id").asString()).isEqualTo("paint");
        assertCompletes(submit("f/a"));
        assertThat(simulator.executions())
                .extracting(Execution::outcome)
                .containsExactly(Execution.Outcome.FAILED, Execution.Outcome.SUCCEEDED);
    }

    @Test
    void a_graph_without_sampler_fails_in_a_node() {
        simulator.faults().failNext(Faults.Failure.NODE_ERROR);

        var error =
                comfy.awaitEnd(comfy.submit(Graphs.solid(8, 8, 1, "f/a"))).path("execution_error");

        assertThat(error.path("exception_type").asString()).isEqualTo("ValueError");
    }

    @Test
    void sockets_can_be_dropped_and_opened_again() {
        var socket = comfy.socket("a");

        simulator.faults().dropSockets();

        await().until(socket::isClosed);
        try (var again = comfy.socket("a")) {
            again.forget();
            comfy.submit(Graphs.solid(8, 8, 1, "f/a"));
            again.awaitLine("status 0");
        }
    }

    @Test
    void silent_sockets_stay_open() {
        try (var socket = comfy.socket("a")) {
            socket.forget();
            simulator.faults().silenceSockets(true);
            assertCompletes(submit("f/a"));
            simulator.faults().silenceSockets(false);
            simulator.process().queue().clear();

            socket.awaitLine("status 0");
            assertThat(socket.lines()).containsExactly("status 0");
        }
    }

    @Test
    void a_replaced_socket_can_take_its_successor_down() {
        simulator.faults().replacedSocketsTakeTheNewOneDown(true);
        var older = comfy.socket("a");
        try (var newer = comfy.socket("a")) {
            newer.forget();
            older.close();
            await().until(() -> !simulator.process().sockets().isAnyoneConnected());

            assertCompletes(submit("f/a"));
            assertThat(newer.lines()).isEmpty();
        }
    }

    @Test
    void cancels_can_come_late() {
        simulator.faults().ignoreCancelFor(Duration.ofMillis(300));
        var id = comfy.submit(Graphs.counting(1, 2000, 0.01, false));
        comfy.awaitStatus(id, "in_progress");
        var asked = System.nanoTime();

        comfy.post("/api/jobs/" + id + "/cancel", "");

        comfy.awaitStatus(id, "cancelled");
        assertThat(Duration.ofNanos(System.nanoTime() - asked))
                .isGreaterThan(Duration.ofMillis(150));
    }

    @Test
    void a_node_can_hang_until_it_is_released() {
        simulator.faults().hangNextNode();
        var id = submit("f/a");
        await().until(simulator.faults()::isHanging);
        comfy.post("/interrupt", "");
        assertThat(comfy.status(id)).isEqualTo("in_progress");

        simulator.faults().release();

        assertThat(comfy.awaitEnd(id).path("status").asString()).isEqualTo("cancelled");
    }

    @Test
    void a_hanging_node_does_not_outlive_a_restart() {
        simulator.faults().hangNextNode();
        var id = submit("f/a");
        await().until(simulator.faults()::isHanging);

        simulator.restart();

        assertThat(comfy.status(id)).isEqualTo("unknown");
        assertCompletes(submit("f/a"));
    }

    @Test
    void requests_can_fail_in_a_burst() {
        simulator.faults().failRequests(2);

        assertThat(comfy.get("/queue").statusCode()).isEqualTo(500);
        assertThat(comfy.get("/queue").statusCode()).isEqualTo(500);
        assertThat(comfy.get("/queue").statusCode()).isEqualTo(200);
    }

    @Test
    void requests_can_be_slow() {
        simulator.faults().slowRequests(Duration.ofMillis(200));
        var asked = System.nanoTime();

        comfy.get("/queue");

        assertThat(Duration.ofNanos(System.nanoTime() - asked))
                .isGreaterThanOrEqualTo(Duration.ofMillis(200));
    }

    @Test
    void queue_and_history_can_be_lost() {
        var finished = submit("f/a");
        assertCompletes(finished);
        var running = comfy.submit(Graphs.counting(1, 10_000, 0.01, false));
        comfy.awaitStatus(running, "in_progress");
        var waiting = submit("f/b");

        simulator.faults().loseQueueAndHistory();

        await().untilAsserted(() ->
                assertThat(
                                List.of(
                                        comfy.status(finished),
                                        comfy.status(running),
                                        comfy.status(waiting)))
                        .containsOnly("unknown"));
        assertCompletes(submit("f/c"));
        assertThat(simulator.executions())
                .extracting(Execution::outcome)
                .contains(Execution.Outcome.LOST);
    }

    @Test
    void a_dead_worker_thread_accepts_everything_and_runs_nothing_until_the_restart() {
        simulator.faults().killWorkerThread();

        var id = submit("f/a");

        assertThat(comfy.status(id)).isEqualTo("pending");
        assertThat(comfy.getJson("/queue").path("queue_running")).isEmpty();
        simulator.restart();
        assertThat(comfy.status(id)).isEqualTo("unknown");
        assertCompletes(submit("f/a"));
    }

    @Test
    void two_pending_prompts_with_one_number_and_one_id_kill_the_worker() {
        var blocker = comfy.submit(Graphs.counting(1, 10_000, 0.01, false));
        comfy.awaitStatus(blocker, "in_progress");
        var twin = Comfy.request(Comfy.newId(), Graphs.solid(8, 8, 1, "f/a")).put("number", 5);
        comfy.submit(twin);
        comfy.submit(twin);

        comfy.post("/interrupt", "");

        comfy.awaitStatus(blocker, "cancelled");
        assertThat(comfy.getJson("/queue").path("queue_pending")).hasSize(2);
        assertThat(simulator.executions()).hasSize(1);
    }

    @Test
    void files_can_vanish_while_the_history_and_the_cache_still_name_them() {
        var graph = Graphs.solid(8, 8, 1, "f/gone");
        var id = comfy.submit(graph);
        var item = comfy.awaitEnd(id).path("preview_output");

        assertThat(simulator.faults().deleteOutputs(id)).isEqualTo(1);

        assertThat(comfy.get(Comfy.viewPath(item)).statusCode()).isEqualTo(404);
        var again = comfy.awaitEnd(comfy.submit(graph)).path("preview_output");
        assertThat(again.path("filename")).isEqualTo(item.path("filename"));
        assertThat(comfy.get(Comfy.viewPath(again)).statusCode()).isEqualTo(404);
    }
}
