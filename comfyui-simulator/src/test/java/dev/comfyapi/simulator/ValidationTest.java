package dev.comfyapi.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Every way in which ComfyUI refuses a graph, in its own words: its table of validation errors,
/// and the recorded conversations of invalid graphs.
@ParameterizedClass
@MethodSource("dev.comfyapi.simulator.TestServer#all")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@SuppressWarnings("NullAway.Init") // Set before the turn of each server.
class ValidationTest {

    @Parameter String name;
    private TestServer server;
    private Comfy comfy;

    @BeforeParameterizedClassInvocation
    void start() {
        server = TestServer.start(name);
        comfy = new Comfy(server.uri());
    }

    @AfterParameterizedClassInvocation
    void stop() {
        comfy.close();
        server.close();
    }

    private JsonNode refused(String graph) {
        return refused(Comfy.request(Comfy.newId(), graph));
    }

    private JsonNode refused(ObjectNode request) {
        var response = comfy.post(request);
        assertThat(response.statusCode()).as(Comfy.text(response)).isEqualTo(400);
        return Comfy.body(response);
    }

    private static JsonNode nodeError(JsonNode reply, String node) {
        assertThat(reply.path("error").path("type").asString())
                .isEqualTo("prompt_outputs_failed_validation");
        assertThat(reply.path("node_errors").path(node).path("errors")).hasSize(1);
        return reply.path("node_errors").path(node).path("errors").path(0);
    }

    private static void assertError(JsonNode error, String type, String message, String details) {
        assertThat(error.path("type").asString()).isEqualTo(type);
        assertThat(error.path("message").asString()).isEqualTo(message);
        assertThat(error.path("details").asString()).isEqualTo(details);
    }

    private static String saving(String from) {
        return "\"9\": {\"class_type\": \"SaveImage\", \"inputs\": {\"images\": %s, \"filename_prefix\": \"contract/x\"}}"
                .formatted(from);
    }

    private static String empty(String inputs) {
        return "\"1\": {\"class_type\": \"EmptyImage\", \"inputs\": {%s}}".formatted(inputs);
    }

    private static final String GOOD =
            "\"width\": 8, \"height\": 8, \"batch_size\": 1, \"color\": 1";

    @Test
    void a_value_below_the_minimum() {
        var reply =
                refused(
                        "{"
                                + empty(GOOD.replace("\"width\": 8", "\"width\": 0"))
                                + ","
                                + saving("[\"1\", 0]")
                                + "}");

        assertThat(Json.write(reply))
                .isEqualTo(
                        "{\"error\":{\"type\":\"prompt_outputs_failed_validation\",\"message\":\"Prompt outputs failed validation\","
                                + "\"details\":\"\",\"extra_info\":{}},\"node_errors\":{\"1\":{\"errors\":[{\"type\":\"value_smaller_than_min\","
                                + "\"message\":\"Value 0 smaller than min of 1\",\"details\":\"width\",\"extra_info\":{\"input_name\":\"width\","
                                + "\"input_config\":[\"INT\",{\"default\":512,\"min\":1,\"max\":16384,\"step\":1}],\"received_value\":0}}],"
                                + "\"dependent_outputs\":[\"9\"],\"class_type\":\"EmptyImage\"}}}");
    }

    @Test
    void a_value_above_the_maximum() {
        var reply =
                refused(
                        "{"
                                + empty(GOOD.replace("\"width\": 8", "\"width\": 16385"))
                                + ","
                                + saving("[\"1\", 0]")
                                + "}");

        assertError(
                nodeError(reply, "1"),
                "value_bigger_than_max",
                "Value 16385 bigger than max of 16384",
                "width");
    }

    @Test
    void a_fraction_beyond_the_limit_is_shown_as_python_shows_it() {
        var reply =
                refused(
                        "{"
                                + empty(GOOD)
                                + ",\"2\": {\"class_type\": \"ImageScaleBy\", \"inputs\": {\"image\": [\"1\", 0], \"upscale_method\": \"area\", \"scale_by\": 9}},"
                                + saving("[\"2\", 0]")
                                + "}");

        assertError(
                nodeError(reply, "2"),
                "value_bigger_than_max",
                "Value 9.0 bigger than max of 8.0",
                "scale_by");
    }

    @Test
    void a_value_that_is_no_number() {
        var reply =
                refused(
                        "{"
                                + empty(GOOD.replace("\"width\": 8", "\"width\": \"abc\""))
                                + ","
                                + saving("[\"1\", 0]")
                                + "}");

        var error = nodeError(reply, "1");
        assertError(
                error,
                "invalid_input_type",
                "Failed to convert an input value to a INT value",
                "width, abc, invalid literal for int() with base 10: 'abc'");
        assertThat(error.path("extra_info").propertyNames())
                .containsExactly(
                        "input_name", "input_config", "received_value", "exception_message");
    }

    @Test
    void a_missing_input_of_an_output_node_is_summed_up() {
        var reply = refused("{\"9\": {\"class_type\": \"PreviewImage\", \"inputs\": {}}}");

        assertError(
                nodeError(reply, "9"),
                "required_input_missing",
                "Required input is missing",
                "images");
        assertThat(reply.path("error").path("details").asString())
                .isEqualTo("Required input is missing: images");
    }

    @Test
    void a_link_that_is_no_pair() {
        var reply = refused("{" + empty(GOOD) + "," + saving("[\"1\"]") + "}");

        var error = nodeError(reply, "9");
        assertError(
                error,
                "bad_linked_input",
                "Bad linked input, must be a length-2 list of [node_id, slot_index]",
                "images");
        assertThat(error.path("extra_info").propertyNames())
                .containsExactly("input_name", "input_config", "received_value");
    }

    @Test
    void a_link_of_another_type() {
        var mask =
                "\"1\": {\"class_type\": \"SolidMask\", \"inputs\": {\"value\": 1.0, \"width\": 8, \"height\": 8}}";
        var reply = refused("{" + mask + "," + saving("[\"1\", 0]") + "}");

        var error = nodeError(reply, "9");
        assertError(
                error,
                "return_type_mismatch",
                "Return type mismatch between linked nodes",
                "images, received_type(MASK) mismatch input_type(IMAGE)");
        assertThat(error.path("extra_info").propertyNames())
                .containsExactly("input_name", "input_config", "received_type", "linked_node");
    }

    @Test
    void a_choice_that_is_not_offered() {
        var scale =
                "\"2\": {\"class_type\": \"ImageScaleBy\", \"inputs\": {\"image\": [\"1\", 0], \"upscale_method\": \"foo\", \"scale_by\": 1}}";
        var reply = refused("{" + empty(GOOD) + "," + scale + "," + saving("[\"2\", 0]") + "}");

        var error = nodeError(reply, "2");
        assertError(
                error,
                "value_not_in_list",
                "Value not in list",
                "upscale_method: 'foo' not in ['nearest-exact', 'bilinear', 'area', 'bicubic', 'lanczos']");
        assertThat(error.path("extra_info").path("input_config").path(0)).hasSize(5);
    }

    @Test
    void a_choice_from_a_long_list_is_not_listed() {
        var graph =
                "{\"1\": {\"class_type\": \"KSamplerSelect\", \"inputs\": {\"sampler_name\": \"foo\"}}, \"2\": {\"class_type\": \"PreviewAny\", \"inputs\": {\"source\": [\"1\", 0]}}}";

        var error = nodeError(refused(graph), "1");

        assertError(
                error,
                "value_not_in_list",
                "Value not in list",
                "sampler_name: 'foo' not in (list of length 44)");
        assertThat(error.path("extra_info").path("input_config").isNull()).isTrue();
    }

    @Test
    void a_model_that_is_not_there() {
        var graph =
                Graphs.painting("x", "1", 64, 64, 1, 1, "contract/x")
                        .replace("sd15.safetensors", "no-such-model.safetensors");

        var error = nodeError(refused(graph), "model");

        assertThat(error.path("type").asString()).isEqualTo("value_not_in_list");
        assertThat(error.path("details").asString())
                .startsWith("ckpt_name: 'no-such-model.safetensors' not in ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"zz.png", "../../etc/passwd", "zz.png [output]"})
    void a_picture_that_is_not_there(String name) {
        var load =
                "\"1\": {\"class_type\": \"LoadImage\", \"inputs\": {\"image\": \"%s\"}}"
                        .formatted(name);

        var error = nodeError(refused("{" + load + "," + saving("[\"1\", 0]") + "}"), "1");

        assertError(
                error,
                "custom_validation_failed",
                "Custom validation failed for node",
                "image - Invalid image file: " + name);
        assertThat(error.path("extra_info").propertyNames()).containsExactly("input_name");
    }

    @Test
    void a_loop_is_reported_on_each_of_its_nodes() {
        var reply =
                refused(
                        "{\"1\": {\"class_type\": \"ImageInvert\", \"inputs\": {\"image\": [\"2\", 0]}},"
                                + "\"2\": {\"class_type\": \"ImageInvert\", \"inputs\": {\"image\": [\"1\", 0]}},"
                                + saving("[\"1\", 0]")
                                + "}");

        for (var node : new String[] {"1", "2"}) {
            var error = nodeError(reply, node);
            assertError(
                    error,
                    "dependency_cycle",
                    "Dependency cycle detected",
                    "1 (ImageInvert) -> 2 (ImageInvert) -> 1 (ImageInvert)");
            assertThat(error.path("extra_info").path("node_id").asString()).isEqualTo(node);
            assertThat(error.path("extra_info").path("cycle_nodes")).hasSize(2);
        }
    }

    @Test
    void a_link_to_nowhere_from_an_output() {
        var error = nodeError(refused("{" + saving("[\"7\", 0]") + "}"), "9");

        assertError(error, "exception_during_validation", "Exception when validating node", "'7'");
        assertThat(error.path("extra_info").path("exception_type").asString())
                .isEqualTo("KeyError");
        assertThat(error.path("extra_info").path("traceback").isArray()).isTrue();
    }

    @Test
    void a_link_to_nowhere_from_an_inner_node() {
        var inner =
                "\"1\": {\"class_type\": \"ImageInvert\", \"inputs\": {\"image\": [\"77\", 0]}}";

        var error = nodeError(refused("{" + inner + "," + saving("[\"1\", 0]") + "}"), "1");

        assertError(
                error,
                "exception_during_inner_validation",
                "Exception when validating inner node",
                "'77'");
        assertThat(error.path("extra_info").propertyNames())
                .containsExactly(
                        "input_name",
                        "input_config",
                        "exception_message",
                        "exception_type",
                        "traceback",
                        "linked_node");
    }

    @Test
    void a_link_to_an_output_that_a_node_does_not_have() {
        var inner = "\"2\": {\"class_type\": \"ImageInvert\", \"inputs\": {\"image\": [\"1\", 5]}}";

        var error =
                nodeError(
                        refused("{" + empty(GOOD) + "," + inner + "," + saving("[\"2\", 0]") + "}"),
                        "2");

        assertError(
                error,
                "exception_during_inner_validation",
                "Exception when validating inner node",
                "tuple index out of range");
    }

    @Test
    void a_node_without_inputs() {
        var error = nodeError(refused("{\"9\": {\"class_type\": \"SaveImage\"}}"), "9");

        assertError(
                error, "exception_during_validation", "Exception when validating node", "'inputs'");
    }

    @Test
    void an_unknown_class() {
        var error = refused("{\"1\": {\"class_type\": \"Nope\", \"inputs\": {}}}").path("error");

        assertError(
                error,
                "missing_node_type",
                "Node 'Nope' not found. The custom node may not be installed.",
                "Node ID '#1'");
        assertThat(Json.write(error.path("extra_info")))
                .isEqualTo("{\"node_id\":\"1\",\"class_type\":\"Nope\",\"node_title\":\"Nope\"}");
    }

    @Test
    void a_node_without_a_class() {
        var error = refused("{\"1\": {\"inputs\": {}}}").path("error");

        assertError(
                error,
                "missing_node_type",
                "Node 'ID #1' has no class_type. The workflow may be corrupted or a custom node is missing.",
                "Node ID '#1'");
        assertThat(error.path("extra_info").path("class_type").isNull()).isTrue();
    }

    @Test
    void no_output_or_none_selected() {
        assertError(
                refused("{" + empty(GOOD) + "}").path("error"),
                "prompt_no_outputs",
                "Prompt has no outputs",
                "");
        var request = Comfy.request(Comfy.newId(), Graphs.solid(8, 8, 1, "contract/x"));
        request.putArray("partial_execution_targets");
        assertError(
                refused(request).path("error"), "prompt_no_outputs", "Prompt has no outputs", "");
    }

    @Test
    void no_prompt() {
        for (var body : new String[] {"{}", "[]"}) {
            var response = comfy.post("/prompt", body);
            assertThat(response.statusCode()).isEqualTo(400);
            assertError(
                    Comfy.body(response).path("error"),
                    "no_prompt",
                    "No prompt provided",
                    "No prompt provided");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "5F0C3C1E-3A55-5A0B-9D0E-2F6F5B9F1C11",
                "5f0c3c1e3a555a0b9d0e2f6f5b9f1c11",
                "job-1",
                ""
            })
    void an_id_that_is_no_uuid_in_its_usual_spelling(String id) {
        var error = refused(Comfy.request(id, Graphs.solid(8, 8, 1, "contract/x"))).path("error");

        assertThat(error.path("type").asString()).isEqualTo("invalid_prompt_id");
        assertThat(error.path("message").asString()).isEqualTo("prompt_id must be a valid UUID");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "{\"prompt\": {\"nodes\": [], \"links\": [], \"version\": 0.4}}",
                "{\"prompt\": 1}",
                "{\"prompt\": {\"1\": {\"class_type\": \"PreviewAny\", \"inputs\": {\"source\": 1}}}, \"extra_data\": null}",
                "{\"prompt\": {\"1\": {\"class_type\": \"PreviewAny\", \"inputs\": {\"source\": 1}}}, \"number\": \"x\"}"
            })
    void what_comfyui_cannot_read_is_its_own_internal_error(String body) {
        var response = comfy.post("/prompt", body);

        assertThat(response.statusCode()).isEqualTo(500);
        assertThat(Comfy.text(response))
                .isEqualTo("500 Internal Server Error\n\nServer got itself in trouble");
    }

    @Test
    void rejected_graphs_use_up_numbers() {
        var before = number();
        refused("{" + empty(GOOD) + "}");
        comfy.post("/prompt", "{}");

        assertThat(number()).isEqualTo(before + 3);
    }

    private int number() {
        var response =
                comfy.post(Comfy.request(Comfy.newId(), Graphs.solid(8, 8, 1, "contract/n")));
        return Comfy.body(response).path("number").asInt();
    }

    @Test
    void values_are_converted_as_python_would() {
        var inputs =
                "\"width\": \"64\", \"height\": 48.7, \"batch_size\": true, \"color\": 1, \"unknown\": \"ignored\"";

        var job =
                comfy.awaitEnd(
                        comfy.submit("{" + empty(inputs) + "," + saving("[\"1\", 0]") + "}"));

        var stored = job.path("workflow").path("prompt").path("1").path("inputs");
        assertThat(stored.path("width").asInt()).isEqualTo(64);
        assertThat(stored.path("height").asInt()).isEqualTo(48);
        assertThat(stored.path("batch_size").asInt()).isEqualTo(1);
        assertThat(job.path("status").asString()).isEqualTo("completed");
    }

    @Test
    void a_literal_where_a_link_belongs_fails_only_when_it_runs() {
        var job = comfy.awaitEnd(comfy.submit("{" + saving("5") + "}"));

        assertThat(job.path("status").asString()).isEqualTo("failed");
        assertThat(job.path("execution_error").path("exception_type").asString())
                .isEqualTo("AttributeError");
    }

    @Test
    void only_what_an_output_needs_is_checked() {
        var stray = "\"5\": {\"class_type\": \"EmptyImage\", \"inputs\": {}}";

        var reply =
                Comfy.body(
                        comfy.post(
                                Comfy.request(
                                        Comfy.newId(),
                                        "{"
                                                + stray
                                                + ","
                                                + empty(GOOD)
                                                + ","
                                                + saving("[\"1\", 0]")
                                                + "}")));

        assertThat(reply.path("node_errors")).isEmpty();
    }
}
