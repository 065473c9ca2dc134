package dev.comfyapi.simulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/// Starting, restarting, stopping, and several at once.
class LifecycleTest {

    private static ComfyUiSimulator.Builder quick() {
        return ComfyUiSimulator.builder().stepDelay(Duration.ZERO);
    }

    @Test
    void a_restart_forgets_everything_but_the_files(@TempDir Path folder) {
        try (var simulator = quick().folder(folder).start();
                var comfy = new Comfy(simulator.uri())) {
            var socket = comfy.socket("a");
            var id = comfy.submit(Graphs.solid(8, 8, 1, "r/a"));
            comfy.awaitEnd(id);
            comfy.awaitEnd(
                    comfy.submit(
                            "{\"1\": {\"class_type\": \"EmptyImage\", \"inputs\": {\"width\": 8, \"height\": 8, \"batch_size\": 1, \"color\": 1}},"
                                    + "\"2\": {\"class_type\": \"PreviewImage\", \"inputs\": {\"images\": [\"1\", 0]}}}"));
            assertThat(folder.resolve("temp")).isNotEmptyDirectory();

            simulator.restart();

            await().until(socket::isClosed);
            assertThat(comfy.status(id)).isEqualTo("unknown");
            assertThat(comfy.getJson("/history")).isEmpty();
            assertThat(comfy.getJson("/api/jobs").path("jobs")).isEmpty();
            assertThat(folder.resolve("temp")).isEmptyDirectory();
            var reply =
                    Comfy.body(
                            comfy.post(Comfy.request(Comfy.newId(), Graphs.solid(8, 8, 1, "r/a"))));
            assertThat(reply.path("number").asInt()).isZero();
            comfy.awaitEnd(reply.path("prompt_id").asString());
            assertThat(folder.resolve("output/r/a_00001_.png")).exists();
            assertThat(folder.resolve("output/r/a_00002_.png")).exists();
            assertThat(simulator.received()).hasSize(3);
            assertThat(simulator.executions()).hasSize(3);
        }
    }

    @Test
    void a_restart_in_the_middle_of_a_run_leaves_no_trace_of_it() {
        try (var simulator = quick().start();
                var comfy = new Comfy(simulator.uri())) {
            var id = comfy.submit(Graphs.counting(1, 10_000, 0.01, false));
            comfy.awaitStatus(id, "in_progress");

            simulator.restart();

            assertThat(comfy.status(id)).isEqualTo("unknown");
            assertThat(simulator.executions())
                    .singleElement()
                    .satisfies(run -> assertThat(run.outcome()).isEqualTo(Execution.Outcome.LOST))
                    .satisfies(
                            run -> assertThat(run.endedNanos()).isGreaterThan(run.startedNanos()));
        }
    }

    @Test
    void two_simulators_know_nothing_of_each_other() {
        try (var one = quick().models("checkpoints", List.of("only-here.safetensors")).start();
                var other = quick().start();
                var here = new Comfy(one.uri());
                var there = new Comfy(other.uri())) {
            var id = here.submit(Graphs.solid(8, 8, 1, "x/a"));
            here.awaitEnd(id);
            one.faults().failRequests(1);

            assertThat(there.status(id)).isEqualTo("unknown");
            assertThat(here.get("/queue").statusCode()).isEqualTo(500);
            assertThat(here.getJson("/models/checkpoints")).hasSize(1);
            assertThat(there.getJson("/models/checkpoints")).hasSizeGreaterThan(1);
            assertThat(one.folder()).isNotEqualTo(other.folder());
        }
    }

    @Test
    void many_prompts_on_two_simulators_all_end() {
        try (var one = quick().start();
                var other = quick().start();
                var here = new Comfy(one.uri());
                var there = new Comfy(other.uri())) {
            for (var i = 0; i < 20; i++) {
                here.submit(Graphs.painting("n" + i, "1", 64, 64, 1, 2, "x/a"));
                there.submit(Graphs.painting("n" + i, "1", 64, 64, 1, 2, "x/a"));
            }
            for (var simulator : List.of(one, other)) {
                await().atMost(Duration.ofSeconds(10))
                        .untilAsserted(() ->
                                assertThat(simulator.executions())
                                        .hasSize(20)
                                        .allMatch(run ->
                                                run.outcome() == Execution.Outcome.SUCCEEDED));
            }
        }
    }

    @Test
    void the_first_use_of_a_model_takes_time_once() {
        try (var simulator = quick().modelLoadTime(Duration.ofMillis(300)).start();
                var comfy = new Comfy(simulator.uri())) {
            comfy.awaitEnd(comfy.submit(Graphs.painting("a", "1", 64, 64, 1, 1, "x/a")));
            comfy.awaitEnd(comfy.submit(Graphs.solid(8, 8, 1, "x/b")));
            comfy.awaitEnd(comfy.submit(Graphs.painting("b", "1", 64, 64, 1, 1, "x/a")));

            var times =
                    simulator.executions().stream()
                            .map(run -> Duration.ofNanos(run.endedNanos() - run.startedNanos()))
                            .toList();
            assertThat(times.getFirst()).isGreaterThanOrEqualTo(Duration.ofMillis(300));
            assertThat(times.getLast()).isLessThan(Duration.ofMillis(300));
        }
    }

    @Test
    void each_model_takes_its_own_time_and_again_when_another_displaced_it() {
        try (var simulator =
                        quick().modelsInMemory(1)
                                .modelLoadTime("sd15.safetensors", Duration.ofMillis(300))
                                .start();
                var comfy = new Comfy(simulator.uri())) {
            var small = Graphs.painting("a", "1", 64, 64, 1, 1, "x/a");
            var other = small.replace("sd15.safetensors", "dreamshaper_8.safetensors");

            for (var graph : List.of(small, other, small)) {
                comfy.awaitEnd(comfy.submit(graph));
            }

            assertThat(simulator.executions())
                    .extracting(run ->
                            Duration.ofNanos(run.endedNanos() - run.startedNanos()).toMillis()
                                    >= 300)
                    .containsExactly(true, false, true);
        }
    }

    @Test
    void sampling_can_be_given_a_fixed_duration() {
        try (var simulator = quick().fixedDuration(Duration.ofMillis(200)).start();
                var comfy = new Comfy(simulator.uri())) {
            comfy.awaitEnd(comfy.submit(Graphs.painting("a", "1", 64, 64, 1, 40, "x/a")));

            var run = simulator.executions().getFirst();
            assertThat(Duration.ofNanos(run.endedNanos() - run.startedNanos()))
                    .isBetween(Duration.ofMillis(195), Duration.ofMillis(1500));
        }
    }

    @Test
    void a_port_in_use_is_named() {
        try (var simulator = quick().start()) {
            var port = simulator.uri().getPort();

            assertThatThrownBy(() -> quick().port(port).start())
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("127.0.0.1:" + port);
        }
    }

    @Test
    void closing_frees_the_port_and_removes_the_temporary_folder() {
        var simulator = quick().start();
        var port = simulator.uri().getPort();
        var folder = simulator.folder();

        simulator.close();
        simulator.close();

        assertThat(Files.exists(folder)).isFalse();
        quick().port(port).start().close();
    }

    @Test
    void starting_is_quick_once_the_classes_are_loaded() {
        quick().start().close();
        var begun = System.nanoTime();

        try (var simulator = quick().start()) {
            assertThat(simulator.uri().getPort()).isPositive();
            assertThat(Duration.ofNanos(System.nanoTime() - begun))
                    .isLessThan(Duration.ofSeconds(1));
        }
    }

    @Test
    void durations_on_the_command_line_are_short() {
        assertThat(SimulatorMain.duration("25ms")).isEqualTo(Duration.ofMillis(25));
        assertThat(SimulatorMain.duration("2s")).isEqualTo(Duration.ofSeconds(2));
        assertThat(SimulatorMain.duration("PT1M")).isEqualTo(Duration.ofMinutes(1));
    }
}
