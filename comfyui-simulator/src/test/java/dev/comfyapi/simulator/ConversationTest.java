package dev.comfyapi.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

import tools.jackson.databind.JsonNode;

import java.time.Duration;
import java.util.List;

/// The twelve conversations recorded with a real server: who hears what, and in which order;
/// afterwards, what the history and the job say. Half of them need nodes that real servers do not
/// have; the contract repeats the others.
///
/// In these lines `nodes 1r0/1` means that node 1 runs and has done 0 of 1; `f` means finished.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ConversationTest {

    private ComfyUiSimulator simulator;
    private Comfy comfy;
    private ComfySocket owner;
    private ComfySocket bystander;

    @BeforeAll
    void start() {
        simulator = ComfyUiSimulator.builder().stepDelay(Duration.ZERO).start();
        comfy = new Comfy(simulator.uri());
    }

    @AfterAll
    void stop() {
        comfy.close();
        simulator.close();
    }

    @BeforeEach
    void connect() {
        simulator.restart();
        owner = comfy.socket("owner");
        bystander = comfy.socket("bystander");
        assertThat(owner.lines()).containsExactly("status 0 to owner");
        owner.forget();
        bystander.forget();
    }

    private String run(String graph) {
        var request = Comfy.request(Comfy.newId(), graph).put("client_id", "owner");
        var id = comfy.submit(request);
        comfy.awaitEnd(id);
        owner.awaitLine("executing null");
        bystander.awaitLine("status 0");
        return id;
    }

    private static List<String> lines(String text) {
        return text.strip().lines().map(String::strip).toList();
    }

    private JsonNode file(String id) {
        return comfy.history(id).path("outputs").path("3").path("images").path(0);
    }

    // Recorded conversation: success.
    @Test
    void success() {
        var id = run(Graphs.inverted(423140, "conversation/" + Comfy.newId() + "/a"));

        assertThat(owner.lines())
                .isEqualTo(
                        lines(
                                """
                                status 1
                                status 1
                                start
                                cached
                                nodes 1r0/1
                                executing 1
                                nodes 1f1/1
                                nodes 1f1/1 2r0/1
                                executing 2
                                nodes 1f1/1 2f1/1
                                nodes 1f1/1 2f1/1 3r0/1
                                executing 3
                                executed 3 a_00001_.png
                                nodes 1f1/1 2f1/1 3f1/1
                                success
                                status 0
                                executing null
                                """));
        assertThat(bystander.lines()).containsExactly("status 1", "status 1", "status 0");
        var entry = comfy.history(id);
        assertThat(entry.path("status").path("status_str").asString()).isEqualTo("success");
        assertThat(entry.path("status").path("completed").asBoolean()).isTrue();
        assertThat(kinds(entry))
                .containsExactly("execution_start", "execution_cached", "execution_success");
        assertThat(entry.path("prompt").size()).isEqualTo(5);
        assertThat(entry.path("prompt").path(3).path("client_id").asString()).isEqualTo("owner");
        assertThat(Json.write(entry.path("prompt").path(4))).isEqualTo("[\"3\"]");
        assertThat(Json.write(entry.path("meta").path("3")))
                .isEqualTo(
                        "{\"node_id\":\"3\",\"display_node\":\"3\",\"parent_node\":null,\"real_node_id\":\"3\"}");
        var job = comfy.job(id);
        assertThat(job.path("status").asString()).isEqualTo("completed");
        assertThat(job.propertyNames())
                .containsExactly(
                        "id",
                        "status",
                        "priority",
                        "create_time",
                        "execution_start_time",
                        "execution_end_time",
                        "outputs_count",
                        "previewable_outputs_count",
                        "preview_output",
                        "outputs",
                        "execution_status",
                        "workflow");
        assertThat(job.path("preview_output").path("nodeId").asString()).isEqualTo("3");
        assertThat(job.path("preview_output").path("mediaType").asString()).isEqualTo("images");
    }

    private static List<String> kinds(JsonNode entry) {
        return entry.path("status").path("messages").values().stream()
                .map(message -> message.path(0).asString())
                .toList();
    }

    // Recorded conversation: the identical graph again.
    @Test
    void the_same_graph_again_executes_nothing_and_names_the_old_file() {
        var graph = Graphs.inverted(423140, "conversation/" + Comfy.newId() + "/a");
        var first = run(graph);
        owner.forget();

        var second = run(graph);

        assertThat(owner.lines())
                .isEqualTo(
                        lines(
                                """
                                status 1
                                status 1
                                start
                                cached 1,2,3
                                executed 3 a_00001_.png
                                nodes 3f1/1
                                success
                                status 0
                                executing null
                                """));
        assertThat(file(second)).isEqualTo(file(first));
    }

    // Recorded conversation: the same graph with another prefix.
    @Test
    void another_prefix_runs_only_the_saving() {
        var folder = "conversation/" + Comfy.newId();
        run(Graphs.inverted(423140, folder + "/a"));
        owner.forget();

        run(Graphs.inverted(423140, folder + "/b"));

        assertThat(owner.lines())
                .isEqualTo(
                        lines(
                                """
                                status 1
                                status 1
                                start
                                cached 1,2
                                nodes 3r0/1
                                executing 3
                                executed 3 b_00001_.png
                                nodes 3f1/1
                                success
                                status 0
                                executing null
                                """));
    }

    // Recorded conversation: no client id.
    @Test
    void without_a_client_id_only_progress_is_heard_but_by_everybody() {
        var id = comfy.submit(Graphs.inverted(423141, "conversation/c"));

        bystander.awaitLine("status 0");
        assertThat(bystander.lines())
                .isEqualTo(
                        lines(
                                """
                                status 1
                                status 1
                                nodes 1r0/1
                                nodes 1f1/1
                                nodes 1f1/1 2r0/1
                                nodes 1f1/1 2f1/1
                                nodes 1f1/1 2f1/1 3r0/1
                                nodes 1f1/1 2f1/1 3f1/1
                                status 0
                                """));
        owner.awaitLine("status 0");
        assertThat(owner.lines()).isEqualTo(bystander.lines());
        assertThat(kinds(comfy.history(id)))
                .containsExactly("execution_start", "execution_cached", "execution_success");
    }

    // Recorded conversation: validation error.
    @Test
    void a_rejected_graph_is_heard_by_nobody() {
        var bad = Graphs.inverted(1, "conversation/d").replace("\"width\": 64", "\"width\": 0");

        var response = comfy.post(Comfy.request(Comfy.newId(), bad).put("client_id", "owner"));

        assertThat(response.statusCode()).isEqualTo(400);
        run(Graphs.solid(8, 8, 1, "conversation/after"));
        assertThat(owner.lines().getFirst()).isEqualTo("status 1");
        assertThat(owner.lines().stream().filter("start"::equals)).hasSize(1);
    }

    // Recorded conversation: a partly invalid graph.
    @Test
    void of_a_partly_invalid_graph_the_valid_output_runs() {
        var graph =
                Graphs.inverted(423143, "conversation/e")
                        .strip()
                        .replaceFirst(
                                "}}}$",
                                "}}, \"5\": {\"class_type\": \"PreviewImage\", \"inputs\": {}}}");
        var request = Comfy.request(Comfy.newId(), graph).put("client_id", "owner");

        var reply = Comfy.body(comfy.post(request));

        assertThat(Json.write(reply.path("node_errors")))
                .isEqualTo(
                        "{\"5\":{\"errors\":[{\"type\":\"required_input_missing\",\"message\":\"Required input is missing\","
                                + "\"details\":\"images\",\"extra_info\":{\"input_name\":\"images\"}}],"
                                + "\"dependent_outputs\":[\"5\"],\"class_type\":\"PreviewImage\"}}");
        var job = comfy.awaitEnd(reply.path("prompt_id").asString());
        assertThat(job.path("outputs").propertyNames()).containsExactly("3");
        owner.awaitLine("executing null");
        assertThat(owner.lines()).doesNotContain("executing 5");
    }

    // Recorded conversation: a node fails.
    @Test
    void a_failing_node_ends_the_prompt_but_keeps_what_was_made() {
        var id = run(Graphs.failing(423144, "value"));

        assertThat(owner.lines())
                .startsWith(
                        "status 1",
                        "status 1",
                        "start",
                        "cached",
                        "nodes 1r0/1",
                        "executing 1",
                        "nodes 1f1/1")
                .containsSequence(
                        "nodes 1f1/1 9f1/1",
                        "nodes 1f1/1 9f1/1 2r0/1",
                        "executing 2",
                        "error 2 ValueError after 1,9",
                        "status 0",
                        "executing null");
        assertThat(bystander.lines()).containsExactly("status 1", "status 1", "status 0");
        var error = owner.message("execution_error").path("data");
        assertThat(error.path("exception_message").asString()).endsWith("\n");
        assertThat(Json.write(error.path("current_inputs")))
                .isEqualTo("{\"image\":[\"tensor(...)\"],\"kind\":[\"value\"],\"seed\":[1]}");
        assertThat(error.path("node_type").asString()).isEqualTo("SimulatorFail");
        assertThat(error.has("timestamp")).isTrue();
        var job = comfy.job(id);
        assertThat(job.path("status").asString()).isEqualTo("failed");
        assertThat(job.path("execution_error")).isEqualTo(error);
        assertThat(job.path("outputs").propertyNames()).containsExactly("9");
        assertThat(comfy.history(id).path("status").path("completed").asBoolean()).isFalse();
    }

    // Recorded conversation: out of memory.
    @Test
    void running_out_of_memory_says_so_and_the_next_prompt_works() {
        var id = run(Graphs.failing(423145, "oom"));

        assertThat(owner.lines()).contains("error 2 torch.OutOfMemoryError after 1,9");
        assertThat(comfy.job(id).path("execution_error").path("exception_message").asString())
                .contains("This error means you ran out of memory on your GPU.");
        assertThat(
                        comfy.job(run(Graphs.solid(8, 8, 1, "conversation/next")))
                                .path("status")
                                .asString())
                .isEqualTo("completed");
    }

    // Recorded conversation: interrupt while running.
    @Test
    void an_interrupt_takes_effect_at_the_next_step() {
        var id = Comfy.newId();
        comfy.submit(
                Comfy.request(id, Graphs.counting(423146, 40, 0.11, false))
                        .put("client_id", "owner"));
        owner.awaitLine("progress 2 2/40");

        comfy.post("/interrupt", "{\"prompt_id\": \"%s\"}".formatted(id));

        owner.awaitLine("executing null");
        var lines = owner.lines();
        assertThat(lines)
                .containsSequence(
                        "nodes 1f1/1 9f1/1 2r1/40", "progress 2 1/40", "nodes 1f1/1 9f1/1 2r2/40")
                .endsWith("interrupted 2 after 1,9", "status 0", "executing null");
        assertThat(comfy.job(id).path("status").asString()).isEqualTo("cancelled");
        assertThat(comfy.job(id).path("outputs").propertyNames()).containsExactly("9");
        assertThat(kinds(comfy.history(id))).last().isEqualTo("execution_interrupted");
    }

    // Recorded conversation: previews for plain clients.
    @Test
    void previews_come_after_the_progress_for_plain_clients() {
        run(Graphs.counting(423147, 2, 0, true));

        assertThat(owner.lines())
                .containsSequence(
                        "executing 2",
                        "nodes 1f1/1 9f1/1 2r1/2",
                        "progress 2 1/2",
                        "preview kind 1 jpeg",
                        "nodes 1f1/1 9f1/1 2r2/2",
                        "progress 2 2/2",
                        "preview kind 1 jpeg",
                        "nodes 1f1/1 9f1/1 2f2/2",
                        "nodes 1f1/1 9f1/1 2f2/2 3r0/1",
                        "executing 3");
        assertThat(bystander.lines()).containsExactly("status 1", "status 1", "status 0");
    }

    // Recorded conversation: previews with metadata.
    @Test
    void clients_that_announced_it_get_previews_with_metadata_before_the_progress() {
        owner.say("{\"type\": \"feature_flags\", \"data\": {\"supports_preview_metadata\": true}}");
        owner.awaitLine("feature_flags");
        owner.say(
                "{\"type\": \"feature_flags\", \"data\": {\"supports_preview_metadata\": false}}");
        owner.forget();

        run(Graphs.counting(423148, 2, 0, true));

        assertThat(owner.lines())
                .containsSequence(
                        "nodes 1f1/1 9f1/1 2r1/2",
                        "preview of 2 jpeg",
                        "progress 2 1/2",
                        "nodes 1f1/1 9f1/1 2r2/2",
                        "preview of 2 jpeg",
                        "progress 2 2/2")
                .doesNotContain("preview kind 1 jpeg", "feature_flags");
    }

    // Recorded conversation: text progress.
    @Test
    void the_size_of_a_picture_is_told_to_everybody() {
        var id =
                run(
                        """
                        {"1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 48, "batch_size": 1, "color": 5}},
                         "2": {"class_type": "GetImageSize", "inputs": {"image": ["1", 0]}},
                         "3": {"class_type": "PreviewAny", "inputs": {"source": ["2", 0]}}}
                        """);

        var told = "text 2 'width: 64, height: 48| batch size: 1'";
        assertThat(owner.lines())
                .containsSequence("executing 2", told, "nodes 1f1/1 2f1/1")
                .contains("executed 3 64");
        assertThat(bystander.lines()).containsExactly("status 1", "status 1", told, "status 0");
        var job = comfy.job(id);
        assertThat(job.path("outputs_count").asInt()).isZero();
        assertThat(Json.write(job.path("preview_output")))
                .isEqualTo("{\"content\":\"64\",\"nodeId\":\"3\",\"mediaType\":\"text\"}");
    }
}
