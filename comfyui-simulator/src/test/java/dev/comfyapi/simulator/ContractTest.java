package dev.comfyapi.simulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

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

import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;

/// What holds for ComfyUI and for the simulator alike; uses no models and nothing but HTTP and
/// WebSocket.
///
/// Each check says where it comes from: one of the conversations recorded with a real server, or a
/// part of its protocol.
@ParameterizedClass
@MethodSource("dev.comfyapi.simulator.TestServer#all")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@SuppressWarnings("NullAway.Init") // Set before the turn of each server.
class ContractTest {

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

    private static int aColor() {
        return ThreadLocalRandom.current().nextInt(0x1000000);
    }

    /// Runs a graph for the owner of a socket, and waits until that has heard everything.
    private JsonNode run(ComfySocket owner, String client, String graph) {
        owner.forget();
        var job =
                comfy.awaitEnd(
                        comfy.submit(Comfy.request(Comfy.newId(), graph).put("client_id", client)));
        owner.awaitLine("executing null");
        return job;
    }

    private static List<String> lines(String text) {
        return text.strip().lines().map(String::strip).toList();
    }

    private static String folder() {
        return "contract/" + Comfy.newId();
    }

    // Protocol: general rules, each route twice.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "/system_stats",
                "/features",
                "/queue",
                "/prompt",
                "/object_info/SaveImage",
                "/models",
                "/embeddings",
                "/extensions",
                "/users",
                "/settings"
            })
    void routes_answer_with_and_without_api(String path) {
        assertThat(comfy.get(path).statusCode()).isEqualTo(200);
        assertThat(comfy.getJson("/api" + path).propertyNames())
                .isEqualTo(comfy.getJson(path).propertyNames());
        assertThat(comfy.get(path).headers().firstValue("Content-Type"))
                .contains("application/json; charset=utf-8");
    }

    // Protocol: description of the server; start-up and health.
    @Test
    void the_server_describes_itself() {
        var stats = comfy.getJson("/system_stats");
        assertThat(stats.path("system").path("comfyui_version").asString()).isNotEmpty();
        assertThat(stats.path("devices").path(0).has("vram_total")).isTrue();
        assertThat(comfy.getJson("/features").path("supports_preview_metadata").asBoolean())
                .isTrue();
        var save = comfy.getJson("/object_info/SaveImage").path("SaveImage");
        assertThat(save.path("output_node").asBoolean()).isTrue();
        assertThat(save.path("input").path("required").path("images").path(0).asString())
                .isEqualTo("IMAGE");
        assertThat(comfy.getJson("/object_info/NoSuchClass")).isEmpty();
        assertThat(comfy.getJson("/models").values().stream().map(name -> name.asString()))
                .contains("checkpoints", "loras", "vae");
        assertThat(comfy.get("/models/unet").statusCode()).isEqualTo(404);
    }

    // Protocol: general rules, unknown paths, methods and origins.
    @Test
    void unknown_paths_and_methods_are_refused() {
        assertThat(comfy.get("/jobs").statusCode()).isEqualTo(404);
        assertThat(comfy.get("/no/such/path").body()).isEmpty();
        var wrong = comfy.send("PUT", "/queue", new byte[0]);
        assertThat(wrong.statusCode()).isEqualTo(405);
        assertThat(wrong.headers().firstValue("Allow").orElseThrow()).contains("GET", "POST");
        assertThat(comfy.send("OPTIONS", "/queue", new byte[0]).statusCode()).isEqualTo(200);
        assertThat(comfy.get("/queue", "Sec-Fetch-Site", "cross-site").statusCode()).isEqualTo(403);
        if (server.isOnThisMachine()) {
            assertThat(comfy.get("/queue", "Origin", "http://elsewhere.example").statusCode())
                    .isEqualTo(403);
        }
    }

    // Recorded conversation: success. Protocol: submit, download.
    @Test
    void a_submitted_graph_becomes_one_picture_of_the_right_size() throws IOException {
        var id = Comfy.newId();
        var folder = folder();
        var first =
                Comfy.body(comfy.post(Comfy.request(id, Graphs.solid(64, 48, 1, folder + "/img"))));
        assertThat(first.path("prompt_id").asString()).isEqualTo(id);
        assertThat(first.path("node_errors")).isEmpty();

        comfy.awaitEnd(id);

        assertThat(comfy.history(id).path("outputs").path("2").path("images")).hasSize(1);
        var item = comfy.history(id).path("outputs").path("2").path("images").path(0);
        assertThat(item.path("filename").asString()).isEqualTo("img_00001_.png");
        assertThat(item.path("subfolder").asString()).isEqualTo(folder);
        assertThat(item.path("type").asString()).isEqualTo("output");
        var image = PictureFiles.read(comfy.picture(item));
        assertThat(image.getWidth()).isEqualTo(64);
        assertThat(image.getHeight()).isEqualTo(48);
        assertThat(image.getRGB(5, 5) & 0xFFFFFF).isEqualTo(3368601);
        var second =
                Comfy.body(
                        comfy.post(Comfy.request(Comfy.newId(), Graphs.solid(8, 8, 1, folder()))));
        assertThat(second.path("number").asInt()).isGreaterThan(first.path("number").asInt());
    }

    // Protocol: file names, a batch of n.
    @Test
    void a_batch_is_numbered_in_a_row_and_the_next_run_goes_on() {
        var folder = folder();
        var first = comfy.awaitEnd(comfy.submit(Graphs.solid(16, 16, 3, folder + "/img")));
        var second = comfy.awaitEnd(comfy.submit(Graphs.solid(24, 16, 1, folder + "/img")));

        assertThat(names(first))
                .containsExactly("img_00001_.png", "img_00002_.png", "img_00003_.png");
        assertThat(names(second)).containsExactly("img_00004_.png");
    }

    private static List<String> names(JsonNode job) {
        return job.path("outputs").path("2").path("images").values().stream()
                .map(item -> item.path("filename").asString())
                .toList();
    }

    // Recorded conversation: a node fails. Protocol: a prefix that leaves the output folder.
    @Test
    void an_escaping_prefix_fails_only_when_it_runs() {
        var job = comfy.awaitEnd(comfy.submit(Graphs.solid(16, 16, 1, "../escape")));

        assertThat(job.path("status").asString()).isEqualTo("failed");
        var error = job.path("execution_error");
        assertThat(error.path("node_id").asString()).isEqualTo("2");
        assertThat(error.path("node_type").asString()).isEqualTo("SaveImage");
        assertThat(error.path("exception_type").asString()).isEqualTo("Exception");
        assertThat(
                        comfy.awaitEnd(comfy.submit(Graphs.solid(16, 16, 1, folder())))
                                .path("status")
                                .asString())
                .isEqualTo("completed");
    }

    // Protocol: the queue, its order, deleting from it, overtaking.
    @Test
    void of_slow_prompts_one_runs_and_the_rest_waits() {
        var running = comfy.submit(Graphs.slow(11, folder() + "/a"));
        var waiting = comfy.submit(Graphs.solid(8, 8, 1, folder()));
        var overtaking =
                Comfy.request(Comfy.newId(), Graphs.solid(9, 9, 1, folder())).put("front", true);
        var front = comfy.submit(overtaking);
        comfy.awaitStatus(running, "in_progress");

        var queue = comfy.getJson("/queue");
        assertThat(queue.path("queue_running").path(0).path(1).asString()).isEqualTo(running);
        assertThat(
                        queue.path("queue_pending").values().stream()
                                .map(item -> item.path(1).asString()))
                .containsExactly(front, waiting);
        assertThat(queue.path("queue_pending").path(0)).hasSize(5);
        assertThat(comfy.getJson("/prompt").path("exec_info").path("queue_remaining").asInt())
                .isEqualTo(3);
        var pending = comfy.job(waiting);
        assertThat(pending.path("status").asString()).isEqualTo("pending");
        assertThat(pending.path("outputs_count").asInt()).isZero();
        assertThat(comfy.getJson("/history/" + waiting)).isEmpty();
        assertThat(
                        Comfy.text(
                                comfy.post(
                                        "/queue",
                                        "{\"delete\": [\"%s\", \"unknown\"]}".formatted(waiting))))
                .isEmpty();
        assertThat(comfy.status(waiting)).isEqualTo("unknown");

        assertThat(cancel(running)).isTrue();
        comfy.awaitStatus(running, "cancelled");
        assertThat(comfy.awaitEnd(front).path("status").asString()).isEqualTo("completed");
        assertThat(cancel(running)).isFalse();
    }

    private boolean cancel(String id) {
        return Comfy.body(comfy.post("/api/jobs/" + id + "/cancel", ""))
                .path("cancelled")
                .asBoolean();
    }

    // Protocol: jobs API, cancelling one and many.
    @Test
    void waiting_unknown_and_many_jobs_can_be_cancelled() {
        var running = comfy.submit(Graphs.slow(12, folder() + "/a"));
        var waiting = comfy.submit(Graphs.solid(8, 8, 1, folder()));
        var another = comfy.submit(Graphs.solid(8, 8, 1, folder()));

        assertThat(cancel(waiting)).isTrue();
        assertThat(comfy.status(waiting)).isEqualTo("unknown");
        assertThat(cancel(Comfy.newId())).isFalse();
        var many =
                comfy.post(
                        "/api/jobs/cancel",
                        "{\"job_ids\": [\"%s\", \"%s\"]}".formatted(running, another));
        assertThat(Comfy.text(many)).contains("true");
        comfy.awaitStatus(running, "cancelled");
        assertThat(comfy.status(another)).isEqualTo("unknown");
        assertThat(Comfy.text(comfy.post("/api/jobs/cancel", "x")))
                .contains("Request body must be valid JSON");
        assertThat(Comfy.text(comfy.post("/api/jobs/cancel", "{}")))
                .contains("job_ids must be a list");
        var invalid = comfy.post("/api/jobs/cancel", "{\"job_ids\": [\"x\", 3]}");
        assertThat(invalid.statusCode()).isEqualTo(400);
        assertThat(Comfy.body(invalid).path("error").asString())
                .isEqualTo("job_ids contains invalid id(s)");
        assertThat(Json.write(Comfy.body(invalid).path("invalid_ids"))).isEqualTo("[\"x\",\"3\"]");
    }

    // Protocol: interrupt, global and by id.
    @Test
    void an_interrupt_hits_only_the_prompt_it_names_and_nothing_that_starts_later() {
        assertThat(comfy.post("/interrupt", "").statusCode()).isEqualTo(200);
        var running = comfy.submit(Graphs.slow(13, folder() + "/a"));
        comfy.awaitStatus(running, "in_progress");

        comfy.post("/interrupt", "{\"prompt_id\": \"%s\"}".formatted(Comfy.newId()));
        assertThat(comfy.post("/interrupt", "[]").statusCode()).isEqualTo(500);
        assertThat(comfy.status(running)).isEqualTo("in_progress");

        comfy.post("/interrupt", "{\"prompt_id\": \"%s\"}".formatted(running));
        comfy.awaitStatus(running, "cancelled");
    }

    // Recorded conversation: success, as the other client hears it.
    @Test
    void bystanders_hear_only_the_queue_size() {
        var client = "owner-" + Comfy.newId();
        try (var owner = comfy.socket(client);
                var bystander = comfy.socket("bystander-" + Comfy.newId())) {
            bystander.forget();

            run(owner, client, Graphs.inverted(aColor(), folder() + "/a"));

            bystander.awaitLine("status 0");
            assertThat(bystander.lines()).containsExactly("status 1", "status 1", "status 0");
        }
    }

    // Protocol: traps of the WebSocket, one id twice.
    @Test
    void a_newer_socket_takes_the_place_of_an_older_one() {
        var client = "twice-" + Comfy.newId();
        try (var older = comfy.socket(client);
                var newer = comfy.socket(client)) {
            older.forget();
            newer.forget();

            comfy.submit(
                    Comfy.request(Comfy.newId(), Graphs.solid(8, 8, 1, folder()))
                            .put("client_id", client));

            newer.awaitLine("executing null");
            assertThat(older.lines()).isEmpty();
            assertThat(older.isClosed()).isFalse();
        }
    }

    // Protocol: connecting while a prompt runs.
    @Test
    void who_reconnects_while_a_prompt_runs_is_told_the_node() {
        var client = "late-" + Comfy.newId();
        var id = Comfy.newId();
        comfy.submit(Comfy.request(id, Graphs.slow(14, folder() + "/a")).put("client_id", client));
        comfy.awaitStatus(id, "in_progress");
        try (var late = comfy.socket(client)) {
            await().atMost(Duration.ofSeconds(10)).until(() -> late.lines().size() >= 2);
            assertThat(late.lines().get(0)).isEqualTo("status 1 to " + client);
            assertThat(late.lines().get(1)).matches("executing \\d+|nodes .*");
            cancel(id);
            late.awaitLine("executing null");
        }
    }

    // Protocol: history.
    @Test
    void the_history_can_be_paged_and_deleted() {
        var first = comfy.submit(Graphs.solid(8, 8, 1, folder()));
        var second = comfy.submit(Graphs.solid(8, 8, 1, folder()));
        comfy.awaitEnd(second);

        assertThat(comfy.getJson("/history?max_items=1").propertyNames()).containsExactly(second);
        assertThat(comfy.getJson("/history?max_items=0")).isEmpty();
        assertThat(comfy.get("/history?max_items=x").statusCode()).isEqualTo(500);
        assertThat(comfy.getJson("/history").propertyNames()).contains(first, second);
        assertThat(comfy.getJson("/history?max_items=1&offset=0")).hasSize(1);
        comfy.post("/history", "{\"delete\": [\"%s\"]}".formatted(first));
        assertThat(comfy.getJson("/history/" + first)).isEmpty();
        assertThat(comfy.status(first)).isEqualTo("unknown");
    }

    // Protocol: the queue never looks for duplicates.
    @Test
    void one_id_used_twice_runs_twice_and_leaves_one_history_entry() {
        var id = Comfy.newId();
        var folder = folder();
        comfy.submit(Comfy.request(id, Graphs.solid(8, 8, 1, folder + "/a")));
        comfy.submit(Comfy.request(id, Graphs.solid(8, 8, 1, folder + "/b")));

        await().atMost(Duration.ofSeconds(10))
                .until(() -> names(comfy.job(id)).equals(List.of("b_00001_.png")));
        assertThat(comfy.getJson("/history/" + id)).hasSize(1);
    }

    // Protocol: jobs API, list.
    @Test
    void jobs_are_filtered_sorted_and_paged() {
        var workflow = "workflow-" + Comfy.newId();
        var request = Comfy.request(Comfy.newId(), Graphs.solid(8, 8, 1, folder()));
        request.putObject("extra_data")
                .putObject("extra_pnginfo")
                .putObject("workflow")
                .put("id", workflow);
        var first = comfy.submit(request);
        comfy.awaitEnd(first);
        var again = comfy.submit(request.put("prompt_id", Comfy.newId()));
        comfy.awaitEnd(again);

        var page =
                comfy.getJson(
                        "/api/jobs?status=completed,failed&sort_order=asc&limit=1&workflow_id="
                                + workflow);
        assertThat(page.path("jobs").values().stream().map(job -> job.path("id").asString()))
                .hasSize(1);
        assertThat(Json.write(page.path("pagination")))
                .isEqualTo("{\"offset\":0,\"limit\":1,\"total\":2,\"has_more\":true}");
        assertThat(
                        comfy.getJson("/api/jobs?offset=-3&workflow_id=" + workflow)
                                .path("pagination")
                                .path("limit")
                                .isNull())
                .isTrue();
        assertThat(
                        comfy.getJson(
                                        "/api/jobs?sort_by=execution_duration&workflow_id="
                                                + workflow)
                                .path("jobs"))
                .hasSize(2);
        assertThat(page.path("jobs").path(0).has("outputs")).isFalse();
        assertThat(page.path("jobs").path(0).path("workflow_id").asString()).isEqualTo(workflow);
    }

    // Protocol: jobs API, refusals.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "status=foo -> Invalid status value(s): foo. Valid values: pending, in_progress, completed, failed, cancelled",
                "sort_by=x -> sort_by must be 'created_at' or 'execution_duration'",
                "sort_order=x -> sort_order must be 'asc' or 'desc'",
                "limit=0 -> limit must be a positive integer",
                "limit=x -> limit must be an integer",
                "offset=x -> offset must be an integer"
            })
    void wrong_job_queries_are_explained(String queryAndText) {
        var parts = List.of(queryAndText.split(" -> ", -1));

        var response = comfy.get("/api/jobs?" + parts.get(0));

        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(Comfy.body(response).path("error").asString()).isEqualTo(parts.get(1));
    }

    // Protocol: jobs API, one job.
    @Test
    void an_unknown_job_is_not_found() {
        var response = comfy.get("/api/jobs/" + Comfy.newId());

        assertThat(response.statusCode()).isEqualTo(404);
        assertThat(Comfy.text(response)).contains("Job not found");
    }

    // Protocol: uploads.
    @Test
    void uploads_are_renamed_overwritten_and_used() throws IOException {
        var folder = folder();
        var one = Png.encode(Picture.filled(20, 10, 0xFF0000), Map.of());
        var other = Png.encode(Picture.filled(30, 10, 0x00FF00), Map.of());
        var here = Map.of("subfolder", folder);

        assertThat(name(comfy.upload("/upload/image", "u.png", one, here))).isEqualTo("u.png");
        assertThat(name(comfy.upload("/upload/image", "u.png", one, here))).isEqualTo("u.png");
        assertThat(name(comfy.upload("/upload/image", "u.png", other, here)))
                .isEqualTo("u (1).png");
        var replaced = Map.of("subfolder", folder, "overwrite", "true");
        assertThat(name(comfy.upload("/upload/image", "u.png", other, replaced)))
                .isEqualTo("u.png");
        assertThat(
                        name(
                                comfy.upload(
                                        "/upload/image",
                                        "u.txt",
                                        "words".getBytes(StandardCharsets.UTF_8),
                                        here)))
                .isEqualTo("u.txt");
        assertThat(
                        comfy.upload("/upload/image", "u.png", one, Map.of("subfolder", "../.."))
                                .statusCode())
                .isEqualTo(400);
        assertThat(
                        comfy.upload("/upload/image", "u.png", one, Map.of("type", "elsewhere"))
                                .statusCode())
                .isEqualTo(500);

        var job =
                comfy.awaitEnd(
                        comfy.submit(
                                """
                                {"1": {"class_type": "LoadImage", "inputs": {"image": "%s/u.png"}},
                                 "2": {"class_type": "ImageScaleBy", "inputs": {"image": ["1", 0], "upscale_method": "bicubic", "scale_by": 2.0}},
                                 "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "%s/s"}}}
                                """
                                        .formatted(folder, folder)));
        var image = PictureFiles.read(comfy.onlyPicture(job));
        assertThat(image.getWidth()).isEqualTo(60);
        assertThat(image.getHeight()).isEqualTo(20);
    }

    private static String name(HttpResponse<byte[]> response) {
        return Comfy.body(response).path("name").asString();
    }

    // Protocol: downloads.
    @Test
    void files_are_served_whole_in_part_and_re_encoded() throws IOException {
        var item =
                comfy.awaitEnd(comfy.submit(Graphs.solid(64, 48, 1, folder() + "/v")))
                        .path("preview_output");
        var path = Comfy.viewPath(item);
        var whole = comfy.get(path);

        assertThat(whole.statusCode()).isEqualTo(200);
        assertThat(whole.headers().firstValue("Content-Type")).contains("image/png");
        assertThat(whole.headers().firstValue("Content-Disposition"))
                .contains("filename=\"v_00001_.png\"");
        var tag = whole.headers().firstValue("ETag").orElseThrow();
        assertThat(comfy.get(path, "If-None-Match", tag).statusCode()).isEqualTo(304);
        var part = comfy.get(path, "Range", "bytes=1-3");
        assertThat(part.statusCode()).isEqualTo(206);
        assertThat(part.body()).isEqualTo(new byte[] {'P', 'N', 'G'});
        assertThat(comfy.get(path, "Range", "bytes=999999-").statusCode()).isEqualTo(416);
        var head = comfy.send("HEAD", path, new byte[0]);
        assertThat(head.statusCode()).isEqualTo(200);
        assertThat(head.headers().firstValue("Content-Length"))
                .contains(Integer.toString(whole.body().length));
        var webp = comfy.get(path + "&preview=webp");
        assertThat(webp.headers().firstValue("Content-Type")).contains("image/webp");
        assertThat(new String(webp.body(), 8, 4, StandardCharsets.US_ASCII)).isEqualTo("WEBP");
        var jpeg = PictureFiles.read(comfy.get(path + "&preview=jpeg;80").body());
        assertThat(jpeg.getWidth()).isEqualTo(64);
        assertThat(comfy.get(path + "&channel=rgb").statusCode()).isEqualTo(200);
        assertThat(comfy.get(path + "&channel=a").statusCode()).isEqualTo(200);
    }

    // Protocol: downloads, refusals.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "/view 404",
                "/view?filename=none.png 404",
                "/view?filename= 400",
                "/view?filename=/etc/passwd 400",
                "/view?filename=a..b.png 400",
                "/view?filename=x.png&type=models 400",
                "/view?filename=x.png&subfolder=../.. 403"
            })
    void what_must_not_be_seen_is_refused(String pathAndStatus) {
        var parts = List.of(pathAndStatus.split(" ", -1));

        assertThat(comfy.get(parts.get(0)).statusCode()).isEqualTo(Integer.parseInt(parts.get(1)));
    }

    // Protocol: memory.
    @Test
    void freeing_memory_empties_the_cache() {
        assumeTrue(server.isOurs(), "others may want their models");
        var graph = Graphs.solid(8, 8, 1, folder() + "/f");
        comfy.awaitEnd(comfy.submit(graph));
        assertThat(
                        comfy.post("/free", "{\"unload_models\": true, \"free_memory\": true}")
                                .statusCode())
                .isEqualTo(200);
        assertThat(comfy.post("/free", "").statusCode()).isEqualTo(500);

        var job = comfy.awaitEnd(comfy.submit(graph));

        assertThat(names(job)).containsExactly("f_00002_.png");
    }

    // Recorded conversation: success.
    @Test
    void the_messages_of_a_success_come_in_this_order() {
        var client = "owner-" + Comfy.newId();
        try (var owner = comfy.socket(client)) {
            run(owner, client, Graphs.inverted(aColor(), folder() + "/a"));

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
        }
    }

    // Recorded conversation: the identical graph again.
    @Test
    void the_same_graph_again_executes_nothing_and_names_the_old_file() {
        var client = "owner-" + Comfy.newId();
        var graph = Graphs.inverted(aColor(), folder() + "/a");
        try (var owner = comfy.socket(client)) {
            var first = run(owner, client, graph);

            var second = run(owner, client, graph);

            assertThat(owner.lines())
                    .contains("cached 1,2,3", "executed 3 a_00001_.png", "success")
                    .noneMatch(line -> line.matches("executing \\d+"));
            assertThat(second.path("outputs")).isEqualTo(first.path("outputs"));
            var item = second.path("preview_output");
            var next = Comfy.viewPath(item).replace("a_00001_", "a_00002_");
            assertThat(comfy.get(next).statusCode()).isEqualTo(404);
        }
    }

    // Recorded conversation: the same graph with another prefix.
    @Test
    void another_prefix_runs_only_the_saving() {
        var client = "owner-" + Comfy.newId();
        var color = aColor();
        try (var owner = comfy.socket(client)) {
            run(owner, client, Graphs.inverted(color, folder() + "/a"));

            var job = run(owner, client, Graphs.inverted(color, folder() + "/b"));

            assertThat(owner.lines())
                    .contains("cached 1,2", "executing 3", "executed 3 b_00001_.png")
                    .doesNotContain("executing 1", "executing 2");
            assertThat(comfy.onlyPicture(job)).isNotEmpty();
        }
    }

    // Recorded conversation: validation error.
    @Test
    void a_refused_graph_is_heard_by_nobody_and_uses_up_a_number() {
        var client = "owner-" + Comfy.newId();
        var good = Graphs.inverted(aColor(), folder() + "/a");
        try (var owner = comfy.socket(client)) {
            var before = run(owner, client, good).path("priority").asInt();
            owner.forget();
            var request =
                    Comfy.request(Comfy.newId(), good.replace("\"width\": 64", "\"width\": 0"));

            assertThat(comfy.post(request.put("client_id", client)).statusCode()).isEqualTo(400);

            var after = comfy.submit(Comfy.request(Comfy.newId(), good).put("client_id", client));
            owner.awaitLine("executing null");
            assertThat(owner.lines()).startsWith("status 1", "status 1", "start");
            assertThat(comfy.job(after).path("priority").asInt()).isEqualTo(before + 2);
        }
    }

    // Recorded conversation: a partly invalid graph.
    @Test
    void of_a_partly_invalid_graph_the_valid_output_runs() {
        var graph =
                Graphs.inverted(aColor(), folder() + "/a")
                        .strip()
                        .replaceFirst(
                                "}}}$",
                                "}}, \"5\": {\"class_type\": \"PreviewImage\", \"inputs\": {}}}");

        var response = comfy.post(Comfy.request(Comfy.newId(), graph));

        assertThat(response.statusCode()).isEqualTo(200);
        var reply = Comfy.body(response);
        assertThat(reply.path("node_errors").propertyNames()).containsExactly("5");
        var job = comfy.awaitEnd(reply.path("prompt_id").asString());
        assertThat(job.path("outputs").propertyNames()).containsExactly("3");
    }

    // Recorded conversation: a node fails.
    @Test
    void a_failing_node_is_named_and_the_next_prompt_works() {
        var client = "owner-" + Comfy.newId();
        try (var owner = comfy.socket(client)) {
            var job = run(owner, client, Graphs.inverted(aColor(), "../escape"));

            assertThat(owner.lines())
                    .endsWith(
                            "executing 3",
                            "error 3 Exception after 1,2",
                            "status 0",
                            "executing null");
            var error = owner.message("execution_error").path("data");
            assertThat(error.propertyNames())
                    .contains(
                            "prompt_id",
                            "node_id",
                            "node_type",
                            "executed",
                            "exception_message",
                            "exception_type",
                            "traceback",
                            "current_inputs",
                            "current_outputs",
                            "timestamp");
            assertThat(job.path("status").asString()).isEqualTo("failed");
            assertThat(
                            run(owner, client, Graphs.inverted(aColor(), folder() + "/a"))
                                    .path("status")
                                    .asString())
                    .isEqualTo("completed");
        }
    }

    // Recorded conversation: interrupt while running. Protocol: jobs API, cancelling.
    @Test
    void a_cancelled_prompt_keeps_what_was_made_and_the_next_is_unaffected() {
        var client = "owner-" + Comfy.newId();
        var folder = folder();
        // The slow chain, and its first picture saved early.
        var graph =
                Graphs.slow(aColor(), folder + "/late")
                        .replaceFirst(
                                "\\{",
                                "{\"early\": {\"class_type\": \"SaveImage\", \"inputs\": {\"images\": [\"0\", 0], \"filename_prefix\": \"%s/early\"}},"
                                        .formatted(folder));
        try (var owner = comfy.socket(client)) {
            owner.forget();
            var id = comfy.submit(Comfy.request(Comfy.newId(), graph).put("client_id", client));
            owner.awaitLine("executed early early_00001_.png");
            var next = comfy.submit(Graphs.solid(8, 8, 1, folder + "/next"));

            assertThat(cancel(id)).isTrue();

            owner.awaitLine("executing null");
            assertThat(owner.lines())
                    .anyMatch(line -> line.startsWith("interrupted "))
                    .doesNotContain("success");
            var job = comfy.job(id);
            assertThat(job.path("status").asString()).isEqualTo("cancelled");
            assertThat(job.path("outputs").propertyNames()).containsExactly("early");
            assertThat(comfy.awaitEnd(next).path("status").asString()).isEqualTo("completed");
        }
    }

    // Recorded conversation: no client id.
    @Test
    void without_a_client_id_only_progress_is_heard_but_by_everybody() {
        try (var one = comfy.socket("one-" + Comfy.newId());
                var other = comfy.socket("other-" + Comfy.newId())) {
            one.forget();
            other.forget();

            comfy.submit(Graphs.inverted(aColor(), folder() + "/a"));

            one.awaitLine("status 0");
            other.awaitLine("status 0");
            assertThat(one.lines())
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
            assertThat(other.lines()).isEqualTo(one.lines());
        }
    }

    // Recorded conversation: text progress.
    @Test
    void the_size_of_a_picture_is_told_to_everybody() {
        var client = "owner-" + Comfy.newId();
        try (var owner = comfy.socket(client);
                var bystander = comfy.socket("bystander-" + Comfy.newId())) {
            var job =
                    run(
                            owner,
                            client,
                            """
                            {"1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 48, "batch_size": 1, "color": %d}},
                             "2": {"class_type": "GetImageSize", "inputs": {"image": ["1", 0]}},
                             "3": {"class_type": "PreviewAny", "inputs": {"source": ["2", 0]}}}
                            """
                                    .formatted(aColor()));

            bystander.awaitLine("text 2 'width: 64, height: 48| batch size: 1'");
            assertThat(job.path("outputs").path("3").path("text").path(0).asString())
                    .isEqualTo("64");
        }
    }

    // Protocol: connecting to the WebSocket, exchange of features.
    @Test
    void features_are_exchanged_in_the_first_message_only() {
        var hello =
                "{\"type\": \"feature_flags\", \"data\": {\"supports_preview_metadata\": true}}";
        try (var early = comfy.socket("early-" + Comfy.newId());
                var late = comfy.socket("late-" + Comfy.newId())) {
            late.say("garbage");
            late.say(hello);
            early.say(hello);
            early.awaitLine("feature_flags");
            early.say(hello);

            comfy.awaitEnd(comfy.submit(Graphs.solid(8, 8, 1, folder() + "/a")));
            early.awaitLine("status 0");
            late.awaitLine("status 0");

            assertThat(early.message("feature_flags").path("data"))
                    .isEqualTo(comfy.getJson("/features"));
            assertThat(early.lines()).filteredOn("feature_flags"::equals).hasSize(1);
            assertThat(late.lines()).doesNotContain("feature_flags");
        }
    }

    // Protocol: what survives a restart.
    @Test
    void a_restart_keeps_the_files_and_nothing_else() {
        assumeTrue(server.isOurs(), "a restart would be rude");
        var folder = folder();
        var before = comfy.awaitEnd(comfy.submit(Graphs.solid(16, 16, 1, folder + "/img")));

        server.restart();

        assertThat(comfy.status(before.path("id").asString())).isEqualTo("unknown");
        assertThat(comfy.getJson("/history")).isEmpty();
        assertThat(comfy.getJson("/queue").path("queue_pending")).isEmpty();
        assertThat(comfy.getJson("/api/jobs").path("jobs")).isEmpty();
        assertThat(comfy.get(Comfy.viewPath(before.path("preview_output"))).statusCode())
                .isEqualTo(200);
        var after = comfy.awaitEnd(comfy.submit(Graphs.solid(16, 16, 1, folder + "/img")));
        assertThat(after.path("priority").asInt()).isZero();
        assertThat(names(after)).containsExactly("img_00002_.png");
    }
}
