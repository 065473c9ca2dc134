package dev.comfyapi.api.submit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.api.Api;
import dev.comfyapi.api.Api.Answer;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// What is said of a body without storing it, by a fleet of two workers of which one lacks a LoRA;
/// and what the fleet's catalogue says.
class ValidateTest {

    private static final String VALIDATE = "/api/v1/jobs/validate";
    private static final Studio STUDIO = new Studio();
    private static Api api;

    @BeforeAll
    static void start() {
        api = Api.fresh();
        api.anAsset();
        api.aWorker("full", STUDIO.catalogue());
        api.aWorker("poor", STUDIO.without("loras/add_detail.safetensors"));
    }

    @AfterAll
    static void stop() {
        api.close();
    }

    private static String body(JsonNode workflow) {
        var body = JsonNodeFactory.instance.objectNode();
        body.set("workflow", workflow);
        return body.toString();
    }

    private static ObjectNode aLoraGraph() {
        return Workflows.all().get(2).graph().deepCopy();
    }

    private static Answer validate(String body) {
        var answer = api.post(VALIDATE, body);
        assertThat(answer.status()).as(answer.text()).isEqualTo(200);
        return answer;
    }

    @Test
    void a_good_workflow_is_valid_and_each_worker_says_what_it_lacks() {
        long before = api.storedJobs();
        var answer = validate(body(aLoraGraph()));

        assertThat(answer.json().propertyNames())
                .containsExactlyInAnyOrder(
                        "valid",
                        "errors",
                        "warnings",
                        "feasible",
                        "capable_workers",
                        "missing_nodes",
                        "missing_models",
                        "estimate",
                        "workers");
        assertThat(answer.json().path("valid").booleanValue()).isTrue();
        assertThat(answer.json().path("feasible").booleanValue()).isTrue();
        assertThat(answer.json().path("capable_workers").intValue()).isEqualTo(1);
        assertThat(answer.json().path("errors")).isEmpty();
        assertThat(answer.json().path("warnings")).isEmpty();
        assertThat(answer.json().path("missing_models")).isEmpty();
        assertThat(answer.json().path("workers").toString())
                .isEqualTo(
                        """
                        [{"worker":"full","can_run":true,"missing":[]},\
                        {"worker":"poor","can_run":false,"missing":["loras/add_detail.safetensors"]}]\
                        """);
        assertThat(api.storedJobs()).isEqualTo(before);
    }

    @Test
    void the_errors_are_those_of_a_submit() {
        var graph = aLoraGraph();
        ((ObjectNode) graph.at("/10/inputs")).put("lora_name", "ad_detail.safetensors");
        ((ObjectNode) graph.at("/3/inputs")).put("steps", 0);
        ((ObjectNode) graph.at("/9")).put("class_type", "SaveLoRA");

        var said = validate(body(graph));
        var refused = api.post("/api/v1/jobs", body(graph));

        assertThat(refused.status()).isEqualTo(422);
        assertThat(said.json().path("valid").booleanValue()).isFalse();
        assertThat(said.json().path("feasible").booleanValue()).isFalse();
        assertThat(said.json().path("errors")).isEqualTo(refused.json().path("errors"));
        assertThat(said.errors()).contains("node_not_allowed #/workflow/9/class_type");
        assertThat(said.json().path("missing_models").toString())
                .isEqualTo("[\"loras/ad_detail.safetensors\"]");
    }

    @Test
    void what_is_left_out_is_a_warning() {
        var graph = aLoraGraph();
        graph.putObject("90").put("class_type", "EmptyLatentImage").putObject("inputs");
        ((ObjectNode) graph.at("/3/inputs")).put("control_after_generate", "randomize");

        var answer = validate(body(graph));

        assertThat(answer.json().path("valid").booleanValue()).isTrue();
        assertThat(answer.at("/warnings/0/code")).isEqualTo("unused_node");
        assertThat(answer.at("/warnings/0/pointer")).isEqualTo("#/workflow/90");
        assertThat(answer.at("/warnings/1/code")).isEqualTo("unused_input");
        assertThat(answer.at("/warnings/1/pointer"))
                .isEqualTo("#/workflow/3/inputs/control_after_generate");
    }

    @Test
    void prompts_are_checked_too() {
        var good = validate(Api.aPrompt());
        var bad = validate(Api.aPrompt("\"width\": 9"));

        assertThat(good.json().path("valid").booleanValue()).isTrue();
        assertThat(good.json().path("capable_workers").intValue()).isEqualTo(2);
        assertThat(bad.errors()).containsExactly("out_of_range #/width");
        assertThat(bad.json().path("workers")).isEmpty();
    }

    @Test
    void what_is_no_json_is_a_problem_and_odd_bodies_are_not_valid() {
        assertThat(api.post(VALIDATE, "{").status()).isEqualTo(400);
        assertThat(validate("[]").json().path("valid").booleanValue()).isFalse();
        assertThat(validate("{}").errors()).contains("required #/prompt");
        assertThat(validate("{\"workflow\": {\"\\ud800\": {}}}").errors().getFirst())
                .startsWith("invalid_text");
        assertThat(validate("{\"workflow\": {\"nodes\": []}}").errors())
                .containsExactly("workflow_format_ui #/workflow");
    }

    @Test
    void the_time_it_may_take_is_that_of_the_newest_jobs() {
        try (var own = Api.fresh()) {
            own.anAsset();
            var worker = own.aWorker("w", STUDIO.catalogue());
            own.succeed(own.assign(own.submitted(), worker), new byte[] {1, 2, 3});

            var answer = own.post(VALIDATE, Api.aPrompt());
            var models = own.get("/api/v1/models?kind=checkpoint").json().path("models");

            assertThat(answer.at("/estimate/execution_ms")).isEqualTo("1234");
            for (var model : models) {
                assertThat(model.path("median_execution_ms").asInt(0))
                        .isEqualTo(
                                model.path("name").stringValue().equals(Api.CHECKPOINT)
                                        ? 1_234
                                        : 0);
            }
        }
    }

    @Test
    void nodes_are_listed_with_who_has_them_and_whether_they_may_be_used() {
        var nodes = api.get("/api/v1/nodes").json();
        var sampler = api.get("/api/v1/nodes/KSampler").json();
        var forbidden = api.get("/api/v1/nodes/TrainLoraNode").json();

        assertThat(nodes.path("total").intValue()).isEqualTo(nodes.path("nodes").size());
        assertThat(nodes.path("nodes").size()).isGreaterThan(100);
        assertThat(nodes.path("stale").booleanValue()).isFalse();
        assertThat(nodes.toString())
                .contains("{\"name\":\"SaveImage\",\"display_name\":")
                .contains("\"output_node\":true,\"allowed\":true,\"workers_available\":2}");
        assertThat(sampler.at("/input/required/steps/1/max").intValue()).isEqualTo(10_000);
        assertThat(sampler.path("workers_available").intValue()).isEqualTo(2);
        assertThat(sampler.path("allowed").booleanValue()).isTrue();
        assertThat(forbidden.path("allowed").booleanValue()).isFalse();
        assertThat(api.get("/api/v1/nodes/Nope").status()).isEqualTo(404);
    }

    @Test
    void samplers_and_schedulers_are_those_of_the_workers() {
        assertThat(api.get("/api/v1/samplers").json().path("samplers").toString())
                .contains("\"euler\"", "\"dpmpp_2m\"");
        assertThat(api.get("/api/v1/schedulers/").json().path("schedulers").toString())
                .contains("\"karras\"");
    }

    @Test
    void everything_stays_known_while_all_workers_are_away() {
        try (var own = Api.fresh()) {
            own.anAsset();
            own.leave(own.aWorker("w", STUDIO.catalogue()));

            var nodes = own.get("/api/v1/nodes").json();
            var checked = own.post(VALIDATE, body(aLoraGraph())).json();

            assertThat(nodes.path("stale").booleanValue()).isTrue();
            assertThat(nodes.at("/nodes/0/workers_available").intValue()).isZero();
            assertThat(own.get("/api/v1/nodes/KSampler").json().has("input")).isTrue();
            assertThat(checked.path("valid").booleanValue()).isTrue();
            assertThat(checked.path("feasible").booleanValue()).isFalse();
            assertThat(checked.path("capable_workers").intValue()).isZero();
        }
    }
}
