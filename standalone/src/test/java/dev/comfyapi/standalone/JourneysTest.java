package dev.comfyapi.standalone;

import static dev.comfyapi.standalone.Client.small;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.db.invariant.InvariantStore;
import dev.comfyapi.embedded.FreePort;
import dev.comfyapi.simulator.ComfyUiSimulator;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DriverManagerDataSource;

import tools.jackson.databind.node.ObjectNode;

import java.io.OutputStream;
import java.io.PrintStream;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;

/// What is promised to clients, through HTTP, on the whole platform: real Postgres, real broker,
/// the simulator.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class JourneysTest {

    private final List<ComfyUiSimulator> comfyUis = new ArrayList<>();
    private final int port = FreePort.find();
    private final Client client = new Client(URI.create("http://127.0.0.1:" + port));

    @SuppressWarnings("NullAway.Init")
    private Options options;

    @SuppressWarnings("NullAway.Init")
    private Standalone platform;

    @BeforeAll
    void start(@TempDir Path folder) throws Exception {
        for (int i = 0; i < 2; i++) {
            comfyUis.add(ComfyUiSimulator.builder().stepDelay(Duration.ofMillis(5)).start());
        }
        options =
                new Options(
                        port,
                        "127.0.0.1",
                        folder,
                        2,
                        comfyUis.stream().map(ComfyUiSimulator::uri).toList(),
                        0);
        platform = started();
    }

    private Standalone started() throws Exception {
        return Standalone.start(
                options, new Steps(new PrintStream(OutputStream.nullOutputStream())));
    }

    @AfterAll
    void stop() {
        platform.close();
        comfyUis.forEach(ComfyUiSimulator::close);
    }

    @AfterEach
    void no_invariant_is_broken() {
        assertThat(
                        new InvariantStore(
                                        JdbcClient.create(
                                                new DriverManagerDataSource(
                                                        platform.databaseUrl())))
                                .broken())
                .isEmpty();
    }

    @Test
    void a_prompt_becomes_a_picture_of_the_size_that_was_asked_for() throws Exception {
        var answer =
                client.post(
                        "/api/v1/generate",
                        """
                        {"prompt": "a red fox in the snow", "width": 320, "height": 192, "steps": 8,
                         "seed": 18446744073709551615}
                        """);

        assertThat(answer.status()).as(answer.toString()).isEqualTo(200);
        var job = answer.json();
        assertThat(job.path("status").stringValue()).isEqualTo("succeeded");
        assertThat(job.path("params").path("seed").stringValue()).isEqualTo("18446744073709551615");
        var artifact = job.path("result").path("artifacts").path(0);
        assertThat(artifact.path("content_type").stringValue()).isEqualTo("image/png");
        var picture = client.get(job.path("image_url").stringValue());
        assertThat(picture.status()).isEqualTo(200);
        assertThat(picture.image().getWidth()).isEqualTo(320);
        assertThat(picture.image().getHeight()).isEqualTo(192);
        assertThat(picture.response().body()).hasSize(artifact.path("size_bytes").intValue());
    }

    @Test
    void a_workflow_of_the_clients_own_runs_as_it_was_sent() throws Exception {
        var answer =
                client.post(
                        "/api/v1/jobs",
                        """
                        {"workflow": {
                          "1": {"class_type": "EmptyImage", "inputs": {"width": 96, "height": 40, "batch_size": 1, "color": 255}},
                          "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
                          "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "../mine"}}}}
                        """,
                        "Prefer",
                        "wait=30");

        assertThat(answer.status()).as(answer.toString()).isEqualTo(200);
        var job = answer.json();
        assertThat(job.path("status").stringValue()).isEqualTo("succeeded");
        assertThat(job.path("params").isNull()).isTrue();
        var picture = client.get(job.path("image_url").stringValue()).image();
        assertThat(picture.getWidth()).isEqualTo(96);
        assertThat(picture.getHeight()).isEqualTo(40);
        assertThat(picture.getRGB(5, 5) & 0xFFFFFF).isEqualTo(0xFFFF00);
        var graph =
                client.get("/api/v1/jobs/%s/workflow".formatted(job.path("job_id").stringValue()));
        assertThat(graph.json().at("/2/class_type").stringValue()).isEqualTo("ImageInvert");
    }

    @Test
    void a_job_is_followed_from_the_queue_to_its_picture() throws Exception {
        var id = client.submit("followed");

        // The stream ends after the end of the job.
        var stream = client.get("/api/v1/jobs/%s/events?previews=true".formatted(id)).toString();

        assertThat(stream)
                .startsWith("200 retry: 2000")
                .contains("event: status", "event: artifact", "event: done")
                .contains("\"status\":\"succeeded\"");
        assertThat(client.job(id).path("urls").path("events").stringValue())
                .isEqualTo("/api/v1/jobs/%s/events".formatted(id));
    }

    @Test
    void a_job_is_accepted_at_once_and_polled_to_its_end() throws Exception {
        var id = client.submit("polled");

        await().untilAsserted(() -> assertThat(client.statusOf(id)).isEqualTo("succeeded"));

        var answer = client.get("/api/v1/jobs/" + id);
        assertThat(answer.header("ETag")).startsWith("\"r");
        assertThat(
                        client.get("/api/v1/jobs/" + id, "If-None-Match", answer.header("ETag"))
                                .status())
                .isEqualTo(304);
        assertThat(answer.json().path("timings").path("total_ms").isNumber()).isTrue();
    }

    @Test
    void several_pictures_come_from_one_job() throws Exception {
        var answer =
                client.post(
                        "/api/v1/generate",
                        """
                        {"prompt": "three", "width": 64, "height": 64, "steps": 2, "batch_size": 3}
                        """);

        var artifacts = answer.json().path("result").path("artifacts");
        assertThat(artifacts.size()).as(answer.toString()).isEqualTo(3);
        assertThat(
                        StreamSupport.stream(artifacts.spliterator(), false)
                                .map(artifact -> artifact.path("sha256").stringValue())
                                .distinct())
                .hasSize(3);
    }

    @Test
    void one_failing_job_of_a_batch_of_ten_does_not_spoil_the_others() throws Exception {
        var requests = IntStream.range(0, 10).mapToObj(i -> small("batch " + i)).toList();
        comfyUis.getFirst().faults().failNext(dev.comfyapi.simulator.Faults.Failure.NODE_ERROR);

        var answer =
                client.post(
                        "/api/v1/generate/batch",
                        "{\"requests\": [%s]}".formatted(String.join(",", requests)));

        assertThat(answer.status()).as(answer.toString()).isEqualTo(200);
        var batch = answer.json();
        assertThat(batch.path("total").intValue()).isEqualTo(10);
        assertThat(batch.path("completed").intValue()).isEqualTo(9);
        assertThat(batch.path("failed").intValue()).isEqualTo(1);
        var failed =
                StreamSupport.stream(batch.path("jobs").spliterator(), false)
                        .filter(job -> job.path("status").stringValue().equals("failed"))
                        .findFirst()
                        .orElseThrow();
        assertThat(failed.path("error").path("code").stringValue())
                .isEqualTo("node_execution_error");
        assertThat(failed.path("error").path("node_id").isString()).isTrue();
    }

    @Test
    void a_running_job_is_canceled_at_once_and_its_comfyui_stops() throws Exception {
        var answer =
                client.post(
                        "/api/v1/jobs",
                        """
                        {"prompt": "long", "width": 64, "height": 64, "steps": 150}
                        """);
        var id = answer.json().path("job_id").stringValue();
        await().pollInterval(Duration.ofMillis(20))
                .untilAsserted(() -> assertThat(client.statusOf(id)).isEqualTo("running"));

        var canceled = client.delete("/api/v1/jobs/" + id);

        assertThat(canceled.status()).isEqualTo(202);
        assertThat(canceled.json().path("status").stringValue()).isEqualTo("canceled");
        await().untilAsserted(() ->
                assertThat(comfyUis)
                        .allMatch(
                                c -> c.executions().stream().noneMatch(e -> e.endedNanos() == 0)));
        assertThat(client.job(id).path("result").isNull()).isTrue();
    }

    @Test
    void a_running_job_that_is_not_done_in_time_expires_and_its_comfyui_stops() throws Exception {
        var like = "/api/v1/jobs/%s/workflow".formatted(client.submit("slow"));
        var graph = client.get(like).json();
        for (var node : graph) {
            if (node.path("inputs") instanceof ObjectNode inputs && inputs.has("steps")) {
                inputs.put("steps", 4_000);
            }
        }
        var answer =
                client.post(
                        "/api/v1/jobs",
                        "{\"workflow\": %s, \"finish_within_s\": 5}".formatted(graph));
        var id = answer.json().path("job_id").stringValue();
        await().pollInterval(Duration.ofMillis(20))
                .untilAsserted(() -> assertThat(client.statusOf(id)).isEqualTo("running"));

        await().atMost(Duration.ofSeconds(30))
                .untilAsserted(() -> assertThat(client.statusOf(id)).isEqualTo("expired"));
        await().untilAsserted(() ->
                assertThat(comfyUis)
                        .allMatch(
                                c -> c.executions().stream().noneMatch(e -> e.endedNanos() == 0)));

        assertThat(client.job(id).at("/error/code").stringValue()).isEqualTo("deadline_exceeded");
        var attempts = client.get("/api/v1/jobs/%s/attempts".formatted(id)).json();
        assertThat(attempts.at("/attempts/0/outcome").stringValue()).isEqualTo("expired");
        assertThat(attempts.at("/attempts/0/worker").stringValue()).isNotEmpty();
    }

    @Test
    void a_scheduled_job_is_canceled_before_it_starts() throws Exception {
        var answer =
                client.post(
                        "/api/v1/jobs",
                        """
                        {"prompt": "later", "run_after": "%s"}
                        """
                                .formatted(Instant.now().plus(Duration.ofHours(1))));
        assertThat(answer.json().path("status").stringValue()).isEqualTo("scheduled");
        var path = "/api/v1/jobs/" + answer.json().path("job_id").stringValue();

        assertThat(client.post(path + "/cancel", "").status()).isEqualTo(200);

        assertThat(client.get(path).json().path("status").stringValue()).isEqualTo("canceled");
        assertThat(client.post(path + "/cancel", "").status()).isEqualTo(200);
    }

    @Test
    void a_request_that_is_repeated_with_its_key_makes_one_job() throws Exception {
        var body = small("once");
        var key = new String[] {"Idempotency-Key", "order-17"};

        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var answers =
                    threads.invokeAll(
                            IntStream.range(0, 20)
                                    .<Callable<Client.Answer>>mapToObj(
                                            _ -> () -> client.post("/api/v1/jobs", body, key))
                                    .toList());
            var ids = new java.util.HashSet<String>();
            for (var answer : answers) {
                assertThat(answer.get().status()).as(answer.get().toString()).isIn(202, 409);
                if (answer.get().status() == 202) {
                    ids.add(answer.get().json().path("job_id").stringValue());
                }
            }
            assertThat(ids).hasSize(1);
        }
        assertThat(client.post("/api/v1/jobs", body, key).header("Idempotency-Replayed"))
                .isEqualTo("true");
        assertThat(client.post("/api/v1/jobs", small("other"), key).status()).isEqualTo(422);
    }

    @Test
    void jobs_are_listed_in_pages_newest_first() throws Exception {
        var submitted = new ArrayList<String>();
        for (int i = 0; i < 5; i++) {
            submitted.addFirst(client.submit("listed " + i));
        }

        var seen = new ArrayList<String>();
        var path = "/api/v1/jobs?limit=2";
        for (int page = 0; page < 3; page++) {
            var answer = client.get(path).json();
            answer.path("jobs").forEach(job -> seen.add(job.path("job_id").stringValue()));
            path = "/api/v1/jobs?limit=2&cursor=" + answer.path("next_cursor").asString();
        }

        assertThat(seen).startsWith(submitted.toArray(String[]::new));
    }

    @Test
    void bad_input_is_refused_and_nothing_is_stored() throws Exception {
        var before = client.get("/api/v1/jobs?limit=1").json();

        var answer =
                client.post(
                        "/api/v1/jobs",
                        """
                        {"promt": "x", "width": 63, "steps": 0, "seed": 18446744073709551616}
                        """);

        assertThat(answer.status()).isEqualTo(422);
        assertThat(answer.header("Content-Type")).startsWith("application/problem+json");
        assertThat(
                        StreamSupport.stream(answer.json().path("errors").spliterator(), false)
                                .map(error -> error.path("pointer").stringValue()))
                .contains("#/promt", "#/prompt", "#/width", "#/steps", "#/seed");
        assertThat(client.get("/api/v1/jobs?limit=1").json().path("jobs").path(0).path("job_id"))
                .isEqualTo(before.path("jobs").path(0).path("job_id"));
    }

    @Test
    void everything_is_still_there_after_a_restart() throws Exception {
        var finished =
                client.post("/api/v1/generate", small("kept")).json().path("job_id").stringValue();

        platform.close();
        platform = started();

        var job = client.job(finished);
        assertThat(job.path("status").stringValue()).isEqualTo("succeeded");
        assertThat(client.get(job.path("image_url").stringValue()).image().getWidth())
                .isEqualTo(64);
        assertThat(client.get("/health").json().path("status").stringValue()).isEqualTo("healthy");
        // Needs a library that no other answer does.
        assertThat(client.get("/openapi.yaml").status()).isEqualTo(200);
    }
}
