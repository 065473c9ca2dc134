package dev.comfyapi.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.embedded.FreePort;
import dev.comfyapi.standalone.Standalone;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/// The commands as they are typed, and the examples of the other clients, against the whole
/// platform.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CommandsTest {

    private static final Path CLIENTS = Path.of("..", "clients").toAbsolutePath().normalize();

    private final int port = FreePort.find();

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path folder;

    @SuppressWarnings("NullAway.Init")
    private Standalone platform;

    private record Ran(int status, String out, String err) {}

    @BeforeAll
    void start(@TempDir Path data) throws Exception {
        platform =
                Standalone.start(
                        Map.of(
                                "PORT", String.valueOf(port),
                                "DATA_DIR", data.toString(),
                                "STEP_DELAY_MS", "5"));
    }

    @AfterAll
    void stop() {
        platform.close();
    }

    private String url() {
        return "http://127.0.0.1:" + port;
    }

    private Ran run(String... command) {
        var out = new ByteArrayOutputStream();
        var err = new ByteArrayOutputStream();
        var terminal =
                new Terminal(
                        new PrintStream(out, true, StandardCharsets.UTF_8),
                        new PrintStream(err, true, StandardCharsets.UTF_8),
                        false);
        int status = Comfyapi.run(terminal, Map.of("COMFYAPI_URL", url()), command);
        return new Ran(
                status, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    @Test
    void a_prompt_becomes_a_file() throws Exception {
        var file = folder.resolve("fox.png");

        var ran = run("generate", "a fox", "-W", "64", "-H", "64", "-o", file.toString());

        assertThat(ran.status()).as(ran.err()).isZero();
        assertThat(ran.out()).contains("fox.png");
        assertThat(Files.readAllBytes(file)).startsWith(0x89, 'P', 'N', 'G');
    }

    @Test
    void several_pictures_are_numbered() {
        var file = folder.resolve("owls.png");

        var ran = run("generate", "owls", "-W", "64", "-H", "64", "-n", "2", "-o", file.toString());

        assertThat(ran.status()).as(ran.err()).isZero();
        assertThat(folder.resolve("owls-0.png")).exists();
        assertThat(folder.resolve("owls-1.png")).exists();
    }

    @Test
    void a_picture_can_begin_with_a_file() {
        var first = folder.resolve("first.png");
        assertThat(run("generate", "a", "-W", "64", "-H", "64", "-o", first.toString()).status())
                .isZero();

        var ran =
                run(
                        "generate",
                        "the same in winter",
                        "--init-image",
                        first.toString(),
                        "--strength",
                        "0.5",
                        "-o",
                        folder + "/winter/");

        assertThat(ran.status()).as(ran.err()).isZero();
        assertThat(folder.resolve("winter")).isDirectoryContaining("glob:**.png");
    }

    @Test
    void everything_that_is_wrong_is_said_at_once() {
        var ran = run("generate", "a fox", "-W", "65", "--steps", "1000");

        assertThat(ran.status()).isEqualTo(ExitCode.REFUSED.status());
        assertThat(ran.err()).contains("#/width").contains("#/steps");
    }

    @Test
    void a_job_can_be_left_alone_listed_watched_and_canceled() {
        var id = run("generate", "a fox", "-W", "64", "-H", "64", "--detach").out().strip();

        assertThat(run("watch", id).status()).isZero();
        assertThat(run("jobs").out()).contains(id).contains("a fox");
        assertThat(run("cancel", id).out()).contains("succeeded");
        assertThat(run("jobs", "--json", "-n", "1").out()).contains("\"jobs\"");
    }

    @Test
    void a_workflow_runs_and_what_cannot_be_read_is_refused() throws Exception {
        var graph = folder.resolve("blue.json");
        Files.writeString(
                graph,
                """
                {"1": {"class_type": "EmptyImage", "inputs":
                        {"width": 64, "height": 64, "batch_size": 1, "color": 255}},
                 "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}}}
                """);

        var ran = run("run", graph.toString(), "-o", folder.resolve("blue.png").toString());

        assertThat(ran.status()).as(ran.err()).isZero();
        assertThat(folder.resolve("blue.png")).isNotEmptyFile();
        assertThat(run("run", folder.resolve("none.json").toString()).status())
                .isEqualTo(ExitCode.REFUSED.status());
        assertThat(run("watch", "00000000-0000-7000-8000-000000000000").status())
                .isEqualTo(ExitCode.REFUSED.status());
    }

    @Test
    void a_job_that_did_not_succeed_ends_with_a_status_of_its_own() {
        var id = run("generate", "a fox", "--steps", "150", "-n", "4", "--detach").out().strip();
        run("cancel", id);

        var ran = run("watch", id);

        assertThat(ran.status()).isEqualTo(ExitCode.JOB_NOT_SUCCEEDED.status());
        assertThat(ran.err()).contains(id).contains("canceled");
    }

    @Test
    void a_file_of_requests_becomes_a_folder_of_pictures() throws Exception {
        var file = folder.resolve("requests.jsonl");
        Files.writeString(
                file,
                """
                {"prompt": "one", "width": 64, "height": 64, "custom_id": "first"}

                {"prompt": "two", "width": 64, "height": 64}
                """);

        var ran =
                run(
                        "batch",
                        file.toString(),
                        "-o",
                        folder.resolve("many").toString(),
                        "--max-concurrency",
                        "1",
                        "--name",
                        "two & more");

        assertThat(ran.status()).as(ran.err()).isZero();
        assertThat(ran.err()).contains("Batch: succeeded");
        try (var files = Files.list(folder.resolve("many"))) {
            assertThat(files).hasSize(2);
        }
        assertThat(folder.resolve("many").resolve("first-0.png")).isNotEmptyFile();
        Files.writeString(file, "{\"prompt\": \"a\"}\n{\"prompt\": 1}");
        assertThat(run("batch", file.toString()).err()).contains("#/lines/2/prompt");
        assertThat(run("batch", folder.resolve("none.jsonl").toString()).status())
                .isEqualTo(ExitCode.REFUSED.status());
    }

    @Test
    void the_fleet_is_shown() {
        assertThat(run("models").out()).contains("checkpoint");
        assertThat(run("workers").out()).contains("worker-1").contains("worker-2");
    }

    @Test
    void an_address_where_nothing_answers_is_told_with_what_to_do() {
        var ran = run("--url", "http://127.0.0.1:1", "models");

        assertThat(ran.status()).isEqualTo(ExitCode.UNAVAILABLE.status());
        assertThat(ran.err()).contains("COMFYAPI_URL");
    }

    @Test
    void the_python_examples_work() throws Exception {
        Programs.requirePython();
        var fox = folder.resolve("python.png");

        Programs.run(
                CLIENTS.resolve("python"),
                environment(),
                "python3",
                "examples/generate.py",
                "a red fox",
                fox.toString());
        Programs.run(
                CLIENTS.resolve("python"),
                environment(),
                "python3",
                "examples/batch.py",
                folder.resolve("python-batch").toString(),
                "a red fox",
                "a blue fox");

        assertThat(fox).isNotEmptyFile();
        assertThat(folder.resolve("python-batch")).isDirectoryContaining("glob:**.png");
    }

    @Test
    void the_typescript_example_works() throws Exception {
        Programs.requireNode();
        var package_ = CLIENTS.resolve("typescript");
        var fox = folder.resolve("typescript.png");

        Programs.run(
                package_,
                Map.of(),
                "npm",
                "install",
                "--no-package-lock",
                "--no-audit",
                "--no-fund");
        Programs.run(package_, Map.of(), "npm", "run", "build");
        Programs.run(
                package_,
                environment(),
                "node",
                "dist/examples/generate.js",
                "a red fox",
                fox.toString());

        assertThat(fox).isNotEmptyFile();
    }

    private Map<String, String> environment() {
        return Map.of("COMFYAPI_URL", url(), "PYTHONPATH", ".", "PYTHONDONTWRITEBYTECODE", "1");
    }
}
