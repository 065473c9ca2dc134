package dev.comfyapi.simulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Scanner;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/// Another process causes each fault with nothing but HTTP, and sees it with nothing but the wire.
class FaultsOverHttpTest {

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

    private JsonNode cause(String document) {
        var response = comfy.post("/simulator/faults", document);
        assertThat(response.statusCode()).as(Comfy.text(response)).isEqualTo(200);
        return Comfy.body(response);
    }

    private List<String> active() {
        return comfy.getJson("/simulator/faults").path("active").values().stream()
                .map(fault -> fault.path("fault").asString())
                .toList();
    }

    private void takeBack(String fault) {
        assertThat(comfy.send("DELETE", "/simulator/faults" + fault, new byte[0]).statusCode())
                .isEqualTo(200);
    }

    private String submit() {
        return comfy.submit(aPainting());
    }

    private static String aPainting() {
        return Graphs.painting("faults " + Comfy.newId(), "1", 64, 64, 1, 2, "f/a");
    }

    private JsonNode run() {
        return comfy.awaitEnd(submit());
    }

    private static String state(JsonNode job) {
        return job.path("status").asString();
    }

    private static String exception(JsonNode job) {
        return job.path("execution_error").path("exception_type").asString();
    }

    private static Duration since(long nanos) {
        return Duration.ofNanos(System.nanoTime() - nanos);
    }

    @ParameterizedTest
    @CsvSource({
        "out-of-memory, torch.OutOfMemoryError",
        "node-error, ValueError",
        "cuda-error, RuntimeError"
    })
    void the_next_prompts_fail(String fault, String exception) {
        cause("{\"fault\": \"%s\", \"count\": 2}".formatted(fault));
        assertThat(active()).containsExactly(fault);

        assertThat(exception(run())).isEqualTo(exception);
        assertThat(exception(run())).isEqualTo(exception);
        assertThat(state(run())).isEqualTo("completed");
        assertThat(active()).isEmpty();
    }

    @Test
    void a_broken_gpu_fails_every_prompt_until_the_restart() {
        cause("{\"fault\": \"cuda-fault\"}");

        for (var i = 0; i < 3; i++) {
            assertThat(run().path("execution_error").path("exception_message").asString())
                    .contains("CUDA error");
        }
        assertThat(exception(comfy.awaitEnd(comfy.submit(Graphs.solid(8, 8, 1, "f/b")))))
                .isEqualTo("RuntimeError");
        takeBack("");
        assertThat(active()).containsExactly("cuda-fault");

        assertThat(comfy.post("/simulator/restart", "").statusCode()).isEqualTo(200);

        assertThat(active()).isEmpty();
        assertThat(state(run())).isEqualTo("completed");
    }

    @Test
    void a_node_hangs_for_a_while_and_hears_no_cancel() {
        cause("{\"fault\": \"hung-node\", \"lasting\": \"400ms\"}");
        var began = System.nanoTime();
        var id = submit();
        comfy.awaitStatus(id, "in_progress");

        comfy.post("/interrupt", "");

        assertThat(state(comfy.awaitEnd(id))).isEqualTo("cancelled");
        assertThat(since(began)).isGreaterThanOrEqualTo(Duration.ofMillis(400));
        assertThat(state(run())).isEqualTo("completed");
    }

    @Test
    void progress_goes_on_and_on_until_somebody_cancels() {
        cause("{\"fault\": \"endless-progress\"}");
        try (var socket = comfy.socket("a")) {
            var id = Comfy.newId();
            comfy.submit(Comfy.request(id, aPainting()).put("client_id", "a"));

            await().atMost(Duration.ofSeconds(20))
                    .until(() ->
                            socket.lines().stream().filter("progress paint 1/100"::equals).count()
                                    >= 2);
            assertThat(comfy.status(id)).isEqualTo("in_progress");
            comfy.post("/api/jobs/" + id + "/cancel", "");

            assertThat(state(comfy.awaitEnd(id))).isEqualTo("cancelled");
        }
    }

    @Test
    void endless_progress_ends_when_it_is_taken_back() {
        cause("{\"fault\": \"endless-progress\"}");
        var id = submit();
        comfy.awaitStatus(id, "in_progress");

        takeBack("/endless-progress");

        assertThat(state(comfy.awaitEnd(id))).isEqualTo("completed");
    }

    @Test
    void cancels_come_late() {
        cause("{\"fault\": \"ignored-cancel\", \"lasting\": \"400ms\"}");
        var began = System.nanoTime();
        var id = comfy.submit(Graphs.counting(1, 2000, 0.01, false));
        comfy.awaitStatus(id, "in_progress");

        comfy.post("/api/jobs/" + id + "/cancel", "");

        comfy.awaitStatus(id, "cancelled");
        assertThat(since(began)).isGreaterThanOrEqualTo(Duration.ofMillis(400));
    }

    @Test
    void sockets_break() {
        var socket = comfy.socket("a");

        cause("{\"fault\": \"dropped-sockets\"}");

        await().until(socket::isClosed);
    }

    @Test
    void silent_sockets_lose_their_messages_but_answer_pings() {
        try (var socket = new Pinger(comfy, simulator.uri())) {
            cause("{\"fault\": \"silent-sockets\"}");
            run();
            socket.ping();
            await().until(() -> socket.pongs() == 1);
            takeBack("/silent-sockets");
            simulator.process().queue().clear();

            await().until(() -> socket.texts().size() > 1);
            assertThat(socket.texts()).hasSize(2);
        }
    }

    @Test
    void stalled_sockets_neither_speak_nor_listen_and_catch_up_later() {
        try (var socket = new Pinger(comfy, simulator.uri())) {
            cause("{\"fault\": \"stalled-sockets\"}");
            socket.ping();
            run();
            assertThat(socket.pongs()).isZero();
            assertThat(socket.texts()).hasSize(1);

            takeBack("/stalled-sockets");

            await().until(() -> socket.pongs() == 1);
            await().until(() -> socket.texts().size() >= 4);
            socket.ping();
            await().until(() -> socket.pongs() == 2);
        }
    }

    @Test
    void a_stall_ends_by_itself() {
        try (var socket = new Pinger(comfy, simulator.uri())) {
            cause("{\"fault\": \"stalled-sockets\", \"lasting\": \"300ms\"}");
            socket.ping();

            await().until(() -> socket.pongs() == 1);
        }
    }

    @Test
    void the_end_of_a_replaced_socket_silences_its_twin() {
        cause("{\"fault\": \"twin-sockets\"}");
        var older = comfy.socket("a");
        try (var newer = comfy.socket("a")) {
            newer.forget();
            older.close();
            await().until(() -> !simulator.process().sockets().isAnyoneConnected());

            assertThat(state(run())).isEqualTo("completed");
            assertThat(newer.lines()).isEmpty();
            assertThat(newer.isClosed()).isFalse();
        }
    }

    @Test
    void queue_and_history_get_lost_and_the_files_stay() {
        var job = run();

        cause("{\"fault\": \"lost-queue\"}");

        assertThat(comfy.status(job.path("id").asString())).isEqualTo("unknown");
        assertThat(comfy.getJson("/history")).isEmpty();
        assertThat(comfy.get(Comfy.viewPath(job.path("preview_output"))).statusCode())
                .isEqualTo(200);
    }

    @Test
    void a_restart_keeps_nothing_but_the_files() {
        var job = run();
        var socket = comfy.socket("a");

        cause("{\"fault\": \"restart\"}");

        await().until(socket::isClosed);
        assertThat(comfy.status(job.path("id").asString())).isEqualTo("unknown");
        assertThat(comfy.get(Comfy.viewPath(job.path("preview_output"))).statusCode())
                .isEqualTo(200);
        var reply = Comfy.body(comfy.post(Comfy.request(Comfy.newId(), aPainting())));
        assertThat(reply.path("number").asInt()).isZero();
    }

    @Test
    void a_dead_worker_thread_runs_nothing_until_the_restart() {
        cause("{\"fault\": \"zombie-worker\"}");
        var id = submit();

        assertThat(comfy.status(id)).isEqualTo("pending");
        assertThat(comfy.getJson("/queue").path("queue_running")).isEmpty();
        assertThat(active()).containsExactly("zombie-worker");

        comfy.post("/simulator/restart", "");

        assertThat(comfy.status(id)).isEqualTo("unknown");
        assertThat(state(run())).isEqualTo("completed");
    }

    @Test
    void requests_to_one_path_are_slow() {
        cause("{\"fault\": \"slow-http\", \"delay\": \"300ms\", \"path\": \"/queue\"}");
        var began = System.nanoTime();

        comfy.get("/api/queue");

        assertThat(since(began)).isGreaterThanOrEqualTo(Duration.ofMillis(300));
        assertThat(comfy.getJson("/simulator/faults").path("active").path(0).path("path"))
                .isEqualTo(Json.text("/queue"));
    }

    @Test
    void a_burst_of_internal_errors_ends() {
        cause("{\"fault\": \"http-500\", \"count\": 2, \"path\": \"/history\"}");

        assertThat(comfy.get("/queue").statusCode()).isEqualTo(200);
        assertThat(comfy.get("/history").statusCode()).isEqualTo(500);
        assertThat(comfy.get("/history/x").statusCode()).isEqualTo(500);
        assertThat(comfy.get("/history").statusCode()).isEqualTo(200);
    }

    @Test
    void connections_are_cut_before_anything_happens() {
        cause("{\"fault\": \"cut-http\"}");

        assertThatThrownBy(() -> comfy.get("/queue")).hasCauseInstanceOf(IOException.class);
        assertThatThrownBy(
                        () -> comfy.post("/prompt", Comfy.request(Comfy.newId(), "{}").toString()))
                .hasCauseInstanceOf(IOException.class);
        assertThat(simulator.received()).isEmpty();
        takeBack("/cut-http");
        assertThat(comfy.get("/queue").statusCode()).isEqualTo(200);
    }

    @Test
    void an_accepted_prompt_whose_answer_is_lost_runs_nevertheless() {
        cause("{\"fault\": \"lost-reply\"}");
        var request = Comfy.request(Comfy.newId(), aPainting());

        assertThatThrownBy(() -> comfy.post(request)).hasCauseInstanceOf(IOException.class);

        assertThat(state(comfy.awaitEnd(request.path("prompt_id").asString())))
                .isEqualTo("completed");
        assertThat(simulator.received()).hasSize(1);
    }

    @Test
    void the_answer_to_a_submit_names_another_prompt() {
        cause("{\"fault\": \"foreign-reply\"}");
        var asked = Comfy.newId();

        var named = Comfy.body(comfy.post(Comfy.request(asked, aPainting()))).path("prompt_id");

        assertThat(named.asString()).isNotEqualTo(asked).hasSize(36);
        assertThat(comfy.status(named.asString())).isEqualTo("unknown");
        assertThat(state(comfy.awaitEnd(asked))).isEqualTo("completed");
    }

    @Test
    void the_messages_name_another_prompt() {
        cause("{\"fault\": \"foreign-events\"}");
        try (var socket = comfy.socket("a")) {
            var id = Comfy.newId();
            comfy.submit(Comfy.request(id, aPainting()).put("client_id", "a"));
            socket.awaitLine("executing null");

            for (var type :
                    List.of(
                            "execution_start",
                            "executing",
                            "progress_state",
                            "execution_success")) {
                assertThat(socket.message(type).path("data").path("prompt_id").asString())
                        .as(type)
                        .isNotEqualTo(id)
                        .hasSize(36);
            }
            assertThat(state(comfy.awaitEnd(id))).isEqualTo("completed");
        }
    }

    @Test
    void an_answer_is_garbage() {
        cause("{\"fault\": \"garbage-json\", \"path\": \"/system_stats\"}");

        var garbage = comfy.get("/system_stats");

        assertThat(garbage.statusCode()).isEqualTo(200);
        assertThatThrownBy(() -> Comfy.body(garbage)).isInstanceOf(IllegalArgumentException.class);
        assertThat(comfy.getJson("/system_stats").has("system")).isTrue();
    }

    @Test
    void answers_and_messages_contain_what_json_does_not_know() {
        cause("{\"fault\": \"nan-json\"}");
        var strict = JsonMapper.builder().build();

        var answer = Comfy.text(comfy.get("/queue"));

        assertThat(answer).contains(":NaN", ":Infinity", ":-Infinity");
        assertThatThrownBy(() -> strict.readTree(answer)).hasMessageContaining("NaN");
        try (var socket = comfy.socket("a")) {
            assertThat(socket.message("status").path("simulated_nan").asDouble()).isNaN();
        }
    }

    @Test
    void the_cache_names_a_file_that_is_missing() {
        cause("{\"fault\": \"missing-files\"}");
        var graph = aPainting();

        var first = comfy.awaitEnd(comfy.submit(graph));
        var second = comfy.awaitEnd(comfy.submit(graph));

        assertThat(state(first)).isEqualTo("completed");
        assertThat(second.path("outputs")).isEqualTo(first.path("outputs"));
        assertThat(comfy.get(Comfy.viewPath(second.path("preview_output"))).statusCode())
                .isEqualTo(404);
        assertThat(comfy.get(Comfy.viewPath(run().path("preview_output"))).statusCode())
                .isEqualTo(200);
    }

    @Test
    void the_files_of_a_finished_prompt_vanish() {
        var job = run();

        cause(
                "{\"fault\": \"deleted-outputs\", \"promptId\": \"%s\"}"
                        .formatted(job.path("id").asString()));

        assertThat(comfy.get(Comfy.viewPath(job.path("preview_output"))).statusCode())
                .isEqualTo(404);
    }

    @Test
    void a_batch_comes_short() {
        cause("{\"fault\": \"fewer-files\", \"files\": 2}");

        var job = comfy.awaitEnd(comfy.submit(Graphs.solid(16, 16, 3, "f/short")));

        assertThat(state(job)).isEqualTo("completed");
        assertThat(job.path("outputs").path("2").path("images")).hasSize(1);
        assertThat(comfy.onlyPicture(job)).isNotEmpty();
    }

    @Test
    void a_picture_is_empty() {
        cause("{\"fault\": \"empty-output\"}");

        var file = comfy.get(Comfy.viewPath(run().path("preview_output")));

        assertThat(file.statusCode()).isEqualTo(200);
        assertThat(file.body()).isEmpty();
    }

    @Test
    void ten_gigabytes_are_streamed_and_take_no_room() throws Exception {
        cause("{\"fault\": \"huge-output\"}");
        var path = Comfy.viewPath(run().path("preview_output"));

        var head = comfy.send("HEAD", path, new byte[0]);
        assertThat(head.headers().firstValueAsLong("Content-Length")).hasValue(10_737_418_240L);
        var end = comfy.get(path, "Range", "bytes=10737418236-");
        assertThat(end.statusCode()).isEqualTo(206);
        assertThat(end.body()).containsExactly(0, 0, 0, 0);
        try (var http = HttpClient.newHttpClient()) {
            var response =
                    http.send(
                            HttpRequest.newBuilder(simulator.uri().resolve(path)).build(),
                            BodyHandlers.ofInputStream());
            try (var body = response.body()) {
                assertThat(body.readNBytes(4)).containsExactly(0x89, 'P', 'N', 'G');
                body.skipNBytes(8 * 1024 * 1024);
            }
            http.shutdownNow();
        }
        assertThat(allocated(simulator.folder().resolve("output/f/a_00001_.png")))
                .isLessThan(1024 * 1024);
    }

    private static long allocated(Path file) throws IOException, InterruptedException {
        var du = new ProcessBuilder("du", "-k", file.toString()).start();
        var kilobytes = new Scanner(du.getInputStream(), StandardCharsets.UTF_8).nextLong();
        assertThat(du.waitFor()).isZero();
        assertThat(Files.size(file)).isEqualTo(10_737_418_240L);
        return kilobytes * 1024;
    }

    @Test
    void a_download_breaks_off_in_the_middle() {
        var path = Comfy.viewPath(run().path("preview_output"));
        cause("{\"fault\": \"truncated-download\"}");

        assertThatThrownBy(() -> comfy.get(path)).hasCauseInstanceOf(IOException.class);

        assertThat(comfy.get(path).statusCode()).isEqualTo(200);
    }

    @Test
    void a_download_trickles() {
        var path = Comfy.viewPath(run().path("preview_output"));
        var size = comfy.get(path).body().length;
        cause("{\"fault\": \"slow-download\", \"bytesPerSecond\": %d}".formatted(size * 2));
        var began = System.nanoTime();

        assertThat(comfy.get(path).body()).hasSize(size);

        assertThat(since(began)).isGreaterThanOrEqualTo(Duration.ofMillis(450));
    }

    @Test
    void a_model_takes_its_time_until_it_is_in_memory() {
        cause(
                "{\"fault\": \"model-load-time\", \"delay\": \"300ms\", \"model\": \"sd15.safetensors\"}");
        run();
        run();

        var times =
                simulator.executions().stream()
                        .map(run -> Duration.ofNanos(run.endedNanos() - run.startedNanos()))
                        .toList();
        assertThat(times.getFirst()).isGreaterThanOrEqualTo(Duration.ofMillis(300));
        assertThat(times.getLast()).isLessThan(Duration.ofMillis(300));
        assertThat(Json.write(comfy.getJson("/simulator/faults").path("loaded_models")))
                .isEqualTo("[\"sd15.safetensors\"]");
    }

    @Test
    void everything_wrong_with_a_wish_is_said_at_once_and_nothing_happens() {
        var response =
                comfy.post(
                        "/simulator/faults",
                        """
                        [{"fault": "http-500"},
                         {"fault": "no-such"},
                         {"fault": "slow-http", "delay": "soon", "lasting": "1h", "speed": 3},
                         {"fault": "deleted-outputs"}]
                        """);

        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(
                        Comfy.body(response).path("problems").values().stream()
                                .map(problem -> problem.path("pointer").asString()))
                .containsExactly("/1/fault", "/2/delay", "/2/lasting", "/2/speed", "/3/promptId");
        assertThat(active()).isEmpty();
        assertThat(comfy.post("/simulator/faults", "{").statusCode()).isEqualTo(400);
        assertThat(comfy.post("/simulator/faults", "{\"schedule\": \"rate=2\"}").statusCode())
                .isEqualTo(400);
        assertThat(comfy.send("DELETE", "/simulator/faults/x", new byte[0]).statusCode())
                .isEqualTo(404);
    }

    @Test
    void faults_add_up_and_are_taken_back_together_or_one_by_one() {
        cause(
                "[{\"fault\": \"http-500\", \"count\": 5}, {\"fault\": \"lost-reply\"}, {\"fault\": \"slow-http\", \"delay\": \"1ms\"}]");
        cause("{\"fault\": \"http-500\", \"count\": 7}");
        assertThat(active()).containsExactlyInAnyOrder("http-500", "lost-reply", "slow-http");

        takeBack("/lost-reply");
        assertThat(active()).containsExactlyInAnyOrder("http-500", "slow-http");

        takeBack("");
        assertThat(active()).isEmpty();
        assertThat(state(run())).isEqualTo("completed");
    }

    @Test
    void chance_is_the_same_for_the_same_seed() {
        var schedule = FaultSchedule.parse("seed=7,out-of-memory=0.4,foreign-events=0.2");
        assertThat(drawn(schedule)).isEqualTo(drawn(schedule));
        assertThat(drawn(schedule)).isNotEqualTo(drawn(new FaultSchedule(8, schedule.rates())));
        cause("{\"schedule\": \"seed=7,out-of-memory=0.4\"}");

        var outcomes = new ArrayList<Boolean>();
        for (var i = 0; i < 12; i++) {
            outcomes.add(state(run()).equals("failed"));
        }

        var expected =
                drawn(schedule).stream()
                        .limit(12)
                        .map(kinds -> kinds.contains(FaultKind.OUT_OF_MEMORY))
                        .toList();
        assertThat(outcomes).isEqualTo(expected).contains(true, false);
    }

    private static List<List<FaultKind>> drawn(FaultSchedule schedule) {
        var draw = schedule.begin();
        var all = new ArrayList<List<FaultKind>>();
        for (var i = 0; i < 50; i++) {
            all.add(draw.next().stream().map(Fault::kind).toList());
        }
        return all;
    }

    @Test
    void a_rate_is_spread_over_the_faults_that_pass() {
        var schedule = FaultSchedule.parse("seed=1,rate=0.2,restart=0");
        var draw = schedule.begin();

        var hit = 0;
        for (var i = 0; i < 10_000; i++) {
            hit += draw.next().isEmpty() ? 0 : 1;
        }

        assertThat(hit).isBetween(1_800, 2_100);
        assertThat(schedule.rates())
                .containsEntry(FaultKind.RESTART, 0.0)
                .doesNotContainKeys(FaultKind.ZOMBIE_WORKER, FaultKind.CUDA_FAULT);
        assertThat(FaultSchedule.parse("").rates()).isEmpty();
        assertThatThrownBy(() -> FaultSchedule.parse("seed=x,rate=2,nothing=0.1"))
                .hasMessageContainingAll("seed must", "rate=2 must", "nothing is no fault");
    }

    @Test
    void after_any_mischief_it_can_be_made_well_again() {
        cause(
                "{\"schedule\": \"seed=3,rate=0.6,zombie-worker=0.05,cuda-fault=0.05,hung-node=0.1,slow-http=0,model-load-time=0\"}");
        var reached = 0;
        for (var i = 0; i < 60; i++) {
            try {
                reached +=
                        comfy.post(Comfy.request(Comfy.newId(), aPainting())).statusCode() == 200
                                ? 1
                                : 0;
            } catch (IllegalStateException _) {
                assertThat(comfy.getJson("/simulator/faults").has("schedule")).isTrue();
            }
        }
        assertThat(reached).isBetween(1, 59);

        takeBack("");
        comfy.post("/simulator/restart", "");

        assertThat(active()).isEmpty();
        var job = run();
        assertThat(state(job)).isEqualTo("completed");
        assertThat(comfy.onlyPicture(job)).isNotEmpty();
    }

    /// A socket that pings, and counts what comes back.
    private static final class Pinger implements WebSocket.Listener, AutoCloseable {

        private final List<String> texts = new ArrayList<>();
        private final AtomicInteger pongs = new AtomicInteger();
        private final HttpClient http = HttpClient.newHttpClient();
        private final WebSocket socket;

        Pinger(Comfy comfy, URI base) {
            socket =
                    http.newWebSocketBuilder()
                            .buildAsync(
                                    URI.create(
                                            "ws://%s/ws?clientId=p".formatted(base.getAuthority())),
                                    this)
                            .orTimeout(10, TimeUnit.SECONDS)
                            .join();
            await().until(() -> texts().size() == 1);
            assertThat(comfy.get("/queue").statusCode()).isEqualTo(200);
        }

        void ping() {
            socket.sendPing(ByteBuffer.wrap(new byte[] {1})).join();
        }

        synchronized List<String> texts() {
            return List.copyOf(texts);
        }

        int pongs() {
            return pongs.get();
        }

        @Override
        public synchronized @Nullable CompletionStage<?> onText(
                WebSocket webSocket, CharSequence data, boolean last) {
            if (last && !data.toString().contains("progress_state")) {
                texts.add(data.toString());
            }
            webSocket.request(1);
            return null;
        }

        @Override
        public @Nullable CompletionStage<?> onPong(WebSocket webSocket, ByteBuffer message) {
            pongs.incrementAndGet();
            webSocket.request(1);
            return null;
        }

        @Override
        public void close() {
            socket.abort();
            http.shutdownNow();
        }
    }
}
