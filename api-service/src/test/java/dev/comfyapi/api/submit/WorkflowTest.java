package dev.comfyapi.api.submit;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.uuid.Generators;

import dev.comfyapi.api.Api;
import dev.comfyapi.api.Api.Answer;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;

/// Graphs that clients send, against a fleet of one worker that has what a simulated ComfyUI has.
class WorkflowTest {

    /// Numbers go out as they came in.
    private static final JsonMapper JSON =
            JsonMapper.builder().enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS).build();

    private static final Studio STUDIO = new Studio();
    private static Api api;
    private static Api changing;

    @BeforeAll
    static void start() {
        changing = Api.fresh();
        changing.anAsset();
        api = Api.fresh();
        api.anAsset();
        api.aWorker("w", STUDIO.catalogue());
    }

    @AfterAll
    static void stop() {
        api.close();
        changing.close();
    }

    static List<Workflows.Example> examples() {
        return Workflows.all();
    }

    static List<Object[]> models() {
        var all = new ArrayList<Object[]>();
        for (var example : Workflows.all()) {
            example.models()
                    .forEach((pointer, path) -> all.add(new Object[] {example, pointer, path}));
        }
        return all;
    }

    private static Answer submit(JsonNode workflow) {
        return submit(api, workflow);
    }

    private static Answer submit(Api to, JsonNode workflow) {
        return to.post("/api/v1/jobs", body(workflow));
    }

    private static String body(JsonNode workflow) {
        var body = JsonNodeFactory.instance.objectNode();
        body.set("workflow", workflow);
        return body.toString();
    }

    private static ObjectNode aGraph() {
        return Workflows.textToImage().graph().deepCopy();
    }

    private static JsonNode stored(Answer answer) {
        return api.get("/api/v1/jobs/%s/workflow".formatted(answer.job())).json();
    }

    @ParameterizedTest
    @MethodSource("examples")
    void a_usual_workflow_is_accepted_and_can_run(Workflows.Example example) {
        var answer = submit(example.graph());

        assertThat(answer.text()).contains("\"job_id\"");
        assertThat(answer.status()).isEqualTo(202);
        assertThat(answer.json().path("params").isNull()).isTrue();
        assertThat(answer.json().at("/queue/feasible").booleanValue()).isTrue();
        assertThat(answer.header("Location")).isEqualTo(answer.at("/urls/self"));
        assertThat(new TreeSet<>(stored(answer).propertyNames()))
                .isEqualTo(new TreeSet<>(example.graph().propertyNames()));
        assertThat(
                        api.jdbc()
                                .sql(
                                        """
                                        SELECT unnest(c.required_models) FROM job j JOIN job_class c ON c.id = j.class_id
                                        WHERE j.id = :id
                                        """)
                                .param("id", answer.job().value())
                                .query(String.class)
                                .list())
                .containsExactlyInAnyOrderElementsOf(new TreeSet<>(example.models().values()));
    }

    @ParameterizedTest
    @MethodSource("models")
    void without_one_of_its_models_it_is_refused_at_that_place(
            Workflows.Example example, String pointer, String path) {
        var node = pointer.substring(1, pointer.indexOf('/', 1));
        // The newer worker takes the place of the one before.
        changing.aWorker("w", STUDIO.without(path));

        var answer = submit(changing, example.graph());

        assertThat(answer.status()).isEqualTo(422);
        assertThat(answer.errors()).containsExactly("model_not_available #/workflow" + pointer);
        assertThat(answer.at("/code")).isEqualTo("invalid_workflow");
        assertThat(answer.at("/errors/0/node_id")).isEqualTo(node);
        assertThat(answer.at("/errors/0/class_type"))
                .isEqualTo(example.graph().path(node).path("class_type").stringValue());
        assertThat(changing.storedJobs()).isZero();
    }

    /// What is put where in a good graph, and what the answer says.
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    /3                         | 5                            | invalid_type #/workflow/3
                    /3/class_type              | null                         | required #/workflow/3/class_type
                    /3/class_type              | 7                            | invalid_type #/workflow/3/class_type
                    /3/inputs                  | null                         | required #/workflow/3/inputs
                    /3/inputs                  | []                           | invalid_type #/workflow/3/inputs
                    /3/class_type              | "KSampller"                  | node_not_allowed #/workflow/3/class_type
                    /3/class_type              | "ksampler"                   | node_not_allowed #/workflow/3/class_type
                    /3/class_type              | "KSampler "                  | node_not_allowed #/workflow/3/class_type
                    /3/class_type              | "\\u212aSampler"             | node_not_allowed #/workflow/3/class_type
                    /9/class_type              | "SaveTrainingDataset"        | node_not_allowed #/workflow/9/class_type
                    /4/class_type              | "LoadTrainingDataset"        | node_not_allowed #/workflow/4/class_type
                    /4/class_type              | "GLIGENLoader"               | node_not_available #/workflow/4/class_type
                    /3/inputs/model            | ["4"]                        | invalid_link #/workflow/3/inputs/model
                    /3/inputs/model            | [4, 0]                       | invalid_link #/workflow/3/inputs/model
                    /3/inputs/model            | ["4", "0"]                   | invalid_link #/workflow/3/inputs/model
                    /3/inputs/model            | ["99", 0]                    | invalid_link #/workflow/3/inputs/model
                    /3/inputs/model            | ["4", 3]                     | invalid_link #/workflow/3/inputs/model
                    /3/inputs/model            | ["4", -1]                    | invalid_link #/workflow/3/inputs/model
                    /3/inputs/model            | ["4", 99999999999]           | invalid_link #/workflow/3/inputs/model
                    /3/inputs/model            | ["4", 1]                     | link_type_mismatch #/workflow/3/inputs/model
                    /3/inputs/model            | "sd15"                       | link_expected #/workflow/3/inputs/model
                    /3/inputs/model            | absent                       | required #/workflow/3/inputs/model
                    /3/inputs/steps            | absent                       | required #/workflow/3/inputs/steps
                    /3/inputs/steps            | 0                            | out_of_range #/workflow/3/inputs/steps
                    /3/inputs/steps            | 10001                        | out_of_range #/workflow/3/inputs/steps
                    /3/inputs/steps            | 20.5                         | invalid_type #/workflow/3/inputs/steps
                    /3/inputs/steps            | "many"                       | invalid_type #/workflow/3/inputs/steps
                    /3/inputs/steps            | null                         | invalid_type #/workflow/3/inputs/steps
                    /3/inputs/steps            | {"a": 1}                     | invalid_type #/workflow/3/inputs/steps
                    /3/inputs/steps            | {"__value__": 0}             | out_of_range #/workflow/3/inputs/steps
                    /3/inputs/steps            | {"__value__": ["4", 0]}      | invalid_type #/workflow/3/inputs/steps
                    /3/inputs/seed             | 18446744073709551616         | out_of_range #/workflow/3/inputs/seed
                    /3/inputs/seed             | -1                           | out_of_range #/workflow/3/inputs/seed
                    /3/inputs/seed             | 1e999999999                  | out_of_range #/workflow/3/inputs/seed
                    /3/inputs/cfg              | 100.01                       | out_of_range #/workflow/3/inputs/cfg
                    /3/inputs/cfg              | true                         | invalid_type #/workflow/3/inputs/cfg
                    /3/inputs/sampler_name     | "eulr"                       | invalid_value #/workflow/3/inputs/sampler_name
                    /3/inputs/sampler_name     | {}                           | invalid_type #/workflow/3/inputs/sampler_name
                    /3/inputs/scheduler        | "karas"                      | invalid_value #/workflow/3/inputs/scheduler
                    /3/inputs/latent_image     | ["3", 0]                     | cycle #/workflow/3/inputs/latent_image
                    /6/inputs/text             | {}                           | invalid_type #/workflow/6/inputs/text
                    /4/inputs/ckpt_name        | "sd16.safetensors"           | model_not_available #/workflow/4/inputs/ckpt_name
                    /4/inputs/ckpt_name        | "../../etc/passwd"           | invalid_value #/workflow/4/inputs/ckpt_name
                    /4/inputs/ckpt_name        | "C:\\\\..\\\\x.safetensors"  | invalid_value #/workflow/4/inputs/ckpt_name
                    /4/inputs/ckpt_name        | 5                            | invalid_type #/workflow/4/inputs/ckpt_name
                    /4/inputs/ckpt_name        | ["6", 0]                     | link_not_allowed #/workflow/4/inputs/ckpt_name
                    /4/inputs/ckpt_name        | {"__value__": "../x"}        | invalid_value #/workflow/4/inputs/ckpt_name
                    """)
    void a_damaged_place_is_named_and_nothing_is_stored(
            String pointer, String value, String error) {
        long before = api.storedJobs();
        var graph = aGraph();
        put(graph, pointer, value);

        var answer = submit(graph);

        assertThat(answer.status()).as(answer.text()).isEqualTo(422);
        assertThat(answer.errors()).contains(error);
        assertThat(answer.errors()).allMatch(e -> e.contains("#/workflow"));
        assertThat(answer.at("/code")).isEqualTo("invalid_workflow");
        assertThat(answer.at("/errors/0/detail")).isNotEmpty();
        assertThat(api.storedJobs()).isEqualTo(before);
    }

    private static void put(ObjectNode graph, String pointer, String value) {
        int slash = pointer.lastIndexOf('/');
        var parent = (ObjectNode) graph.at(pointer.substring(0, slash));
        if (value.equals("absent")) {
            parent.remove(pointer.substring(slash + 1));
        } else {
            parent.set(pointer.substring(slash + 1), JSON.readTree(value));
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    "../secret.png"
                    "a/b.png"
                    "a\\\\b.png"
                    "/etc/passwd"
                    "x.png [output]"
                    "x..png"
                    ".hidden"
                    "-x.png"
                    ""
                    "asset://../../x"
                    "asset://01890a5d-ac96-774b-bcce-b302099a8057/x"
                    "job://01890a5d-ac96-774b-bcce-b302099a8057"
                    "https://example.com/x.png"
                    {"__value__": "../x.png"}
                    """)
    void a_picture_is_a_plain_name_or_a_reference(String value) {
        var graph = Workflows.all().get(4).graph().deepCopy();
        put(graph, "/1/inputs/image", value);

        var answer = submit(graph);

        assertThat(answer.errors()).containsExactly("invalid_file_name #/workflow/1/inputs/image");
    }

    @Test
    void everything_is_told_at_once() {
        var graph = aGraph();
        put(graph, "/3/inputs/steps", "0");
        put(graph, "/3/inputs/scheduler", "\"karras2\"");
        put(graph, "/4/inputs/ckpt_name", "\"sd51.safetensors\"");
        put(graph, "/8/inputs/vae", "[\"4\", 0]");
        var body = (ObjectNode) JSON.readTree(body(graph));
        body.put("priority", 9);

        var answer = api.post("/api/v1/jobs", body.toString());

        assertThat(answer.at("/code")).isEqualTo("validation_failed");
        assertThat(answer.errors())
                .containsExactlyInAnyOrder(
                        "out_of_range #/priority",
                        "out_of_range #/workflow/3/inputs/steps",
                        "invalid_value #/workflow/3/inputs/scheduler",
                        "model_not_available #/workflow/4/inputs/ckpt_name",
                        "link_type_mismatch #/workflow/8/inputs/vae");
        assertThat(answer.text()).contains("similar are sd15.safetensors", "\"karras\"");
    }

    @Test
    void a_prompt_and_a_workflow_do_not_go_together() {
        var body = (ObjectNode) JSON.readTree(body(aGraph()));
        body.put("prompt", "a fox").put("width", 512);

        var answer = api.post("/api/v1/jobs", body.toString());

        assertThat(answer.errors())
                .containsExactlyInAnyOrder("conflict #/prompt", "conflict #/width");
    }

    @Test
    void a_file_of_the_editor_is_recognised() {
        var answer =
                api.post(
                        "/api/v1/jobs",
                        "{\"workflow\": {\"last_node_id\": 9, \"nodes\": [], \"links\": []}}");

        assertThat(answer.status()).isEqualTo(422);
        assertThat(answer.at("/code")).isEqualTo("workflow_format_ui");
        assertThat(answer.at("/errors/0/detail")).contains("Export (API)");
    }

    @Test
    void what_is_no_object_or_empty_is_refused() {
        assertThat(api.post("/api/v1/jobs", "{\"workflow\": []}").errors())
                .containsExactly("invalid_type #/workflow");
        assertThat(api.post("/api/v1/jobs", "{\"workflow\": \"{}\"}").errors())
                .containsExactly("invalid_type #/workflow");
        assertThat(api.post("/api/v1/jobs", "{\"workflow\": {}}").errors())
                .containsExactly("required #/workflow");
    }

    @Test
    void a_body_for_comfyui_itself_is_recognised() {
        var inner = JsonNodeFactory.instance.objectNode();
        inner.set("prompt", aGraph());
        inner.put("client_id", "me");

        var answer = submit(inner);
        inner.remove("client_id");
        var bare = api.post("/api/v1/jobs", inner.toString());

        assertThat(bare.errors()).containsExactly("invalid_type #/prompt");
        assertThat(bare.at("/errors/0/detail")).contains("as workflow");
        assertThat(answer.errors()).containsExactly("workflow_format_prompt #/workflow");
        assertThat(answer.at("/errors/0/detail")).contains("POST /prompt");
    }

    @Test
    void a_node_may_be_called_prompt() {
        var graph = aGraph();
        graph.set("prompt", graph.get("6").deepCopy());

        assertThat(submit(graph).status()).isEqualTo(202);
    }

    @Test
    void previews_alone_are_no_result() {
        var graph = aGraph();
        ((ObjectNode) graph.get("9")).put("class_type", "PreviewImage");

        var answer = submit(graph);

        assertThat(answer.errors()).containsExactly("no_output_node #/workflow");
        assertThat(answer.at("/errors/0/detail")).contains("previews", "SaveImage");
    }

    @ParameterizedTest
    @CsvSource({
        "16384, 16384, 1, 422",
        "2048, 2048, 48, 422",
        "16384, 16384, 4096, 422",
        "2048, 2048, 47, 202",
        "\"14000\", 14000, 1, 202"
    })
    void pictures_that_fit_into_no_memory_are_refused(
            String width, String height, String batch, int status) {
        var graph = aGraph();
        put(graph, "/5/inputs/width", width);
        put(graph, "/5/inputs/height", height);
        put(graph, "/5/inputs/batch_size", batch);

        var answer = submit(graph);

        assertThat(answer.status()).as(answer.text()).isEqualTo(status);
        if (status == 422) {
            assertThat(answer.errors())
                    .containsExactly("too_many_pixels #/workflow/5/inputs/width");
        }
    }

    @Test
    void a_circle_over_several_nodes_is_told_once() {
        var graph = aGraph();
        graph.set("a", anUpscale("b"));
        graph.set("b", anUpscale("3"));
        put(graph, "/3/inputs/latent_image", "[\"a\", 0]");

        assertThat(submit(graph).errors())
                .singleElement()
                .satisfies(error -> assertThat(error).startsWith("cycle #/workflow/"));
    }

    private static JsonNode anUpscale(String of) {
        return JSON.readTree(
                """
                {"class_type": "LatentUpscaleBy",
                 "inputs": {"samples": ["%s", 0], "upscale_method": "bicubic", "scale_by": 1.5}}
                """
                        .formatted(of));
    }

    @Test
    void a_graph_has_an_end() {
        var graph = aGraph();
        graph.remove("9");

        assertThat(submit(graph).errors()).containsExactly("no_output_node #/workflow");
    }

    @Test
    void too_many_nodes_and_too_many_bytes_are_refused() {
        var many = JsonNodeFactory.instance.objectNode();
        for (int i = 0; i <= 2_000; i++) {
            many.putObject("n" + i);
        }
        var large = aGraph();
        put(large, "/6/inputs/text", "\"" + "x".repeat(2 << 20) + "\"");

        var nodes = submit(many);
        var bytes = submit(large);

        assertThat(nodes.at("/code")).isEqualTo("workflow_too_large");
        assertThat(nodes.json().at("/errors/0/params/actual").intValue()).isEqualTo(2_001);
        assertThat(bytes.at("/code")).isEqualTo("workflow_too_large");
        assertThat(bytes.status()).isEqualTo(422);
    }

    @Test
    void two_thousand_nodes_in_a_row_are_checked_and_a_hundred_problems_are_told() {
        var graph = JsonNodeFactory.instance.objectNode();
        graph.putObject("0").put("class_type", "EmptyImage").putObject("inputs");
        for (int i = 1; i < 1_999; i++) {
            var inputs =
                    graph.putObject("" + i).put("class_type", "ImageScale").putObject("inputs");
            inputs.putArray("image").add("" + (i - 1)).add(0);
        }
        var save = graph.putObject("1999").put("class_type", "SaveImage").putObject("inputs");
        save.putArray("images").add("1998").add(0);

        var answer = submit(graph);

        assertThat(answer.status()).isEqualTo(422);
        assertThat(answer.json().path("errors")).hasSize(100);
    }

    @Test
    void names_of_files_are_the_servers_and_what_comfyui_would_ignore_is_left_out() {
        var graph = aGraph();
        put(graph, "/9/inputs/filename_prefix", "\"../../../etc/cron.d/x\"");
        put(graph, "/9/inputs/prompt", "\"hidden\"");
        put(graph, "/20", "{\"class_type\": \"VAEDecode\", \"inputs\": {}}");
        var linked = aGraph();
        put(linked, "/9/inputs/filename_prefix", "[\"6\", 0]");

        var ran = stored(submit(graph));
        var ranLinked = stored(submit(linked));

        assertThat(ran.at("/9/inputs/filename_prefix").stringValue()).isEqualTo("picture");
        assertThat(ran.at("/9/inputs").propertyNames())
                .containsExactlyInAnyOrder("images", "filename_prefix");
        assertThat(ran.at("/9/_meta/title").stringValue()).isEqualTo("Save Image");
        assertThat(ran.has("20")).isFalse();
        assertThat(ranLinked.at("/9/inputs/filename_prefix").stringValue()).isEqualTo("picture");
    }

    @Test
    void node_ids_may_be_any_name() {
        var graph = aGraph();
        graph.set("__proto__", graph.remove("4"));
        var text = graph.toString().replace("[\"4\"", "[\"__proto__\"");

        var answer = submit(JSON.readTree(text));
        var odd = aGraph();
        odd.set("a/b~c", JSON.readTree("{}"));

        assertThat(answer.status()).isEqualTo(202);
        assertThat(submit(odd).errors())
                .containsExactly(
                        "required #/workflow/a~1b~0c/class_type",
                        "required #/workflow/a~1b~0c/inputs");
    }

    @Test
    void a_key_makes_one_job_of_one_graph() {
        var first = api.post("/api/v1/jobs", body(aGraph()), "Idempotency-Key", "graph-1");
        var again = api.post("/api/v1/jobs", body(aGraph()), "Idempotency-Key", "graph-1");
        var changed = aGraph();
        put(changed, "/3/inputs/seed", "1");
        var other = api.post("/api/v1/jobs", body(changed), "Idempotency-Key", "graph-1");

        assertThat(again.job()).isEqualTo(first.job());
        assertThat(again.header("Idempotency-Replayed")).isEqualTo("true");
        assertThat(other.at("/code")).isEqualTo("idempotency_key_reused");
    }

    @Test
    void the_graph_of_a_prompt_can_be_read_too_and_foreign_jobs_have_none() {
        var job = api.post("/api/v1/jobs", Api.aPrompt());

        assertThat(stored(job).at("/checkpoint/inputs/ckpt_name").stringValue())
                .isEqualTo(Api.CHECKPOINT);
        var nobodys = Generators.timeBasedEpochGenerator().generate();
        assertThat(api.get("/api/v1/jobs/%s/workflow".formatted(nobodys)).status()).isEqualTo(404);
    }

    @Test
    void without_any_worker_ever_form_and_policy_decide() {
        try (var own = Api.fresh()) {
            own.anAsset();
            var forbidden = aGraph();
            put(forbidden, "/9/class_type", "\"CheckpointSave\"");
            var circle = aGraph();
            put(circle, "/3/inputs/latent_image", "[\"3\", 0]");
            var outside = aGraph();
            put(outside, "/4/inputs/ckpt_name", "\"../x\"");

            assertThat(submit(own, aGraph()).status()).isEqualTo(202);
            assertThat(submit(own, forbidden).errors())
                    .containsExactly("node_not_allowed #/workflow/9/class_type");
            assertThat(submit(own, circle).errors())
                    .containsExactly("cycle #/workflow/3/inputs/latent_image");
            assertThat(submit(own, outside).errors())
                    .containsExactly("invalid_value #/workflow/4/inputs/ckpt_name");
        }
    }

    @Test
    void the_last_known_catalogue_counts_while_all_workers_are_away() {
        try (var own = Api.fresh()) {
            own.anAsset();
            own.leave(own.aWorker("w", STUDIO.catalogue()));
            var wrong = aGraph();
            put(wrong, "/3/inputs/sampler_name", "\"eulr\"");

            var accepted = submit(own, aGraph());

            assertThat(accepted.status()).isEqualTo(202);
            assertThat(accepted.json().at("/queue/feasible").booleanValue()).isFalse();
            assertThat(submit(own, wrong).errors())
                    .containsExactly("invalid_value #/workflow/3/inputs/sampler_name");
        }
    }

    @Test
    void operators_add_and_remove_node_classes() {
        try (var own =
                Api.fresh(
                        "--comfyapi.catalogue.allow-nodes=SimulatorProgress",
                        "--comfyapi.catalogue.deny-nodes=VAEDecode")) {
            own.aWorker("w", STUDIO.catalogue());
            var added =
                    JSON.readTree(
                            """
                            {"1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}},
                             "2": {"class_type": "SimulatorProgress", "inputs": {"image": ["1", 0], "steps": 1, "delay": 0,
                                   "preview": false, "seed": 0}},
                             "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0]}}}
                            """);

            assertThat(submit(own, added).status()).isEqualTo(202);
            assertThat(submit(added).errors())
                    .containsExactly("node_not_allowed #/workflow/2/class_type");
            assertThat(submit(own, aGraph()).errors())
                    .containsExactly("node_not_allowed #/workflow/8/class_type");
        }
    }

    /// Every place of the usual graphs, damaged at random: refused or accepted, never an accident.
    @Test
    void no_damage_is_answered_with_our_own_failure() {
        var random = new Random(20_260_901);
        var examples = Workflows.all();
        int refused = 0;
        for (int i = 0; i < 1_500; i++) {
            var graph = examples.get(random.nextInt(examples.size())).graph().deepCopy();
            int wounds = 1 + random.nextInt(4);
            for (int wound = 0; wound < wounds; wound++) {
                damage(graph, random);
            }
            var path = i % 2 == 0 ? "/api/v1/jobs" : "/api/v1/jobs/validate";

            var answer = api.post(path, body(graph));

            assertThat(answer.status())
                    .as(() -> graph + " -> " + answer.text())
                    .isIn(200, 202, 422);
            assertThat(answer.header("Content-Type"))
                    .isIn("application/json", "application/problem+json");
            refused += answer.status() == 422 ? 1 : 0;
        }
        assertThat(refused).isGreaterThan(300);
    }

    /// Replaces, removes, renames or adds something at a random place.
    private static void damage(ObjectNode graph, Random random) {
        var places = new ArrayList<JsonNode>();
        collect(graph, places);
        var place = places.get(random.nextInt(places.size()));
        if (place instanceof ObjectNode object) {
            var names = new ArrayList<>(object.propertyNames());
            var name = names.isEmpty() ? "new" : names.get(random.nextInt(names.size()));
            switch (random.nextInt(4)) {
                case 0 -> object.remove(name);
                case 1 -> object.set(name + name, odd(random));
                case 2 -> object.set(odd(random).toString(), odd(random));
                default -> object.set(name, odd(random));
            }
        } else if (place instanceof ArrayNode array) {
            if (array.isEmpty() || random.nextInt(3) == 0) {
                array.add(odd(random));
            } else {
                array.set(random.nextInt(array.size()), odd(random));
            }
        }
    }

    private static void collect(JsonNode node, List<JsonNode> places) {
        if (node.isContainer()) {
            places.add(node);
            node.forEach(inside -> collect(inside, places));
        }
    }

    private static JsonNode odd(Random random) {
        var all =
                List.of(
                        "null",
                        "true",
                        "0",
                        "-1",
                        "2147483648",
                        "1e400",
                        "-0.0",
                        "1e-999999",
                        "\"\"",
                        "\"\\u0000\"",
                        "\"\\ud800\"",
                        "\"\\u202e..\\\\..\"",
                        "\"9\"",
                        "[]",
                        "[\"3\", 0]",
                        "[\"9\", 0]",
                        "[[[[]]]]",
                        "{}",
                        "{\"__value__\": [[]]}",
                        "{\"class_type\": \"SaveImage\", \"inputs\": {\"images\": [\"8\", 0]}}");
        return JSON.readTree(all.get(random.nextInt(all.size())));
    }
}
