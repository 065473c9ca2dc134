package dev.comfyapi.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.artifact.ArtifactKey;
import dev.comfyapi.model.job.JobState;
import dev.comfyapi.model.workflow.Graph;
import dev.comfyapi.simulator.ComfyUiSimulator;
import dev.comfyapi.worker.Platform.Accepted;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import tools.jackson.databind.json.JsonMapper;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;

import javax.imageio.ImageIO;

/// Files that jobs name, on their way to a simulated ComfyUI.
class InputJourneyTest {

    private static final Duration SOON = Duration.ofSeconds(20);
    private static final AtomicInteger NAMES = new AtomicInteger();
    private static final int OTHER_TENANT = 2;
    private static Platform platform = Platform.start();

    private final String name = "gpu-" + NAMES.incrementAndGet();
    private final List<AutoCloseable> opened = new ArrayList<>();

    @BeforeAll
    static void twoTenants() {
        platform.makeDays();
        platform.jdbc.sql("INSERT INTO tenant (id, name) VALUES (2, 'other')").update();
    }

    @AfterAll
    static void stop() {
        platform.close();
    }

    @AfterEach
    void everything_ends_and_no_invariant_is_broken() throws Exception {
        for (var resource : opened.reversed()) {
            resource.close();
        }
        assertThat(platform.invariants.broken()).isEmpty();
    }

    @Test
    void a_file_that_a_graph_names_twice_is_handed_over_once() throws Exception {
        var comfyUi = aComfyUi();
        aWorker(comfyUi);
        var reference = "asset://" + platform.asset(Platform.TENANT, picture(0xff3366cc));
        var job = platform.submit(aGraphOf(reference, reference));

        platform.assign(job, name);

        awaitState(job, JobState.SUCCEEDED);
        var files = platform.files(job);
        assertThat(files).hasSize(2);
        for (var file : files) {
            assertThat(ImageIO.read(file.toFile()).getRGB(3, 3)).isEqualTo(0xff3366cc);
        }
        assertThat(inputs(comfyUi))
                .singleElement()
                .asString()
                .matches(".*/comfyapi/%s/1/[0-9a-f-]{36}\\.png".formatted(job.id()));
    }

    @Test
    void an_output_of_one_job_is_an_input_of_the_next() throws Exception {
        var comfyUi = aComfyUi();
        aWorker(comfyUi);
        var asset = "asset://" + platform.asset(Platform.TENANT, picture(0xff118844));
        var first = platform.submit(aGraphOf(asset, asset));
        platform.assign(first, name);
        awaitState(first, JobState.SUCCEEDED);
        var second =
                platform.submit(
                        aGraphOf(
                                "job://%s/artifacts/0".formatted(first.id()),
                                "job://%s/1".formatted(first.id())));

        platform.assign(second, name);

        awaitState(second, JobState.SUCCEEDED);
        assertThat(inputs(comfyUi)).hasSize(3);
        assertThat(ImageIO.read(platform.files(second).getFirst().toFile()).getRGB(3, 3))
                .isEqualTo(0xff118844);
    }

    @Test
    void a_file_that_is_not_there_fails_the_job_for_good_and_comfyui_hears_nothing()
            throws Exception {
        var comfyUi = aComfyUi();
        aWorker(comfyUi);
        var theirs = platform.asset(OTHER_TENANT, picture(0xff000000));
        var lost = platform.asset(Platform.TENANT, picture(0xff000000));
        Files.delete(
                platform.artifacts()
                        .resolve(ArtifactKey.ofAsset(Platform.TENANT, lost, "png").path()));

        for (var reference :
                List.of(
                        "asset://" + UUID.randomUUID(),
                        "asset://" + theirs,
                        "asset://" + lost,
                        "job://" + UUID.randomUUID() + "/artifacts/0")) {
            var job = platform.submit(aGraphOf(reference, reference));
            platform.assign(job, name);

            awaitState(job, JobState.FAILED);
            var row = platform.read(job);
            assertThat(row.errorCode()).as(reference).isEqualTo("missing_asset");
            assertThat(JsonMapper.shared().readTree(row.error()).path("message").asString())
                    .contains(reference);
        }
        assertThat(comfyUi.executions()).isEmpty();
        assertThat(inputs(comfyUi)).isEmpty();
    }

    @Test
    void an_upload_that_comfyui_stumbles_over_is_repeated() throws Exception {
        var comfyUi = aComfyUi();
        aWorker(comfyUi);
        var reference = "asset://" + platform.asset(Platform.TENANT, picture(0xff3366cc));
        var job = platform.submit(aGraphOf(reference, reference));
        comfyUi.faults().failRequests(3);

        platform.assign(job, name);

        awaitState(job, JobState.SUCCEEDED);
        assertThat(platform.read(job).failures()).isZero();
    }

    @Test
    void what_was_handed_over_is_deleted_after_the_run_where_that_is_possible() throws Exception {
        var comfyUi = aComfyUi();
        aWorker(comfyUi, "--comfyapi.worker.comfyui-input-dir=" + inputFolder(comfyUi));
        var reference = "asset://" + platform.asset(Platform.TENANT, picture(0xff3366cc));
        var job = platform.submit(aGraphOf(reference, reference));

        platform.assign(job, name);

        awaitState(job, JobState.SUCCEEDED);
        assertThat(comfyUi.executions()).hasSize(1);
        assertThat(inputs(comfyUi)).isEmpty();
        assertThat(inputFolder(comfyUi).resolve("comfyapi")).isEmptyDirectory();
    }

    // -- reaching states ----------------------------------------------------------------------

    private ComfyUiSimulator aComfyUi() {
        var comfyUi = ComfyUiSimulator.builder().stepDelay(Duration.ofMillis(5)).start();
        opened.add(comfyUi);
        return comfyUi;
    }

    private void aWorker(ComfyUiSimulator comfyUi, String... more) {
        opened.add(platform.startWorker(name, comfyUi.uri(), more));
        await().atMost(SOON).until(() -> platform.worker(name).isPresent());
    }

    private static Graph aGraphOf(String first, String second) {
        return Graph.parse(
                """
                {"1": {"class_type": "LoadImage", "inputs": {"image": "%s"}},
                 "2": {"class_type": "LoadImage", "inputs": {"image": "%s"}},
                 "3": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "p"}},
                 "4": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "p"}}}
                """
                        .formatted(first, second)
                        .getBytes(StandardCharsets.UTF_8));
    }

    private static byte[] picture(int colour) throws IOException {
        var image = new BufferedImage(16, 8, BufferedImage.TYPE_INT_RGB);
        for (int x = 0; x < 16; x++) {
            for (int y = 0; y < 8; y++) {
                image.setRGB(x, y, colour);
            }
        }
        var out = new ByteArrayOutputStream();
        ImageIO.write(image, "png", out);
        return out.toByteArray();
    }

    // -- looking ------------------------------------------------------------------------------

    private static void awaitState(Accepted job, JobState state) {
        await().atMost(SOON)
                .pollInterval(Duration.ofMillis(20))
                .untilAsserted(() -> assertThat(platform.read(job).state()).isEqualTo(state));
    }

    private static Path inputFolder(ComfyUiSimulator comfyUi) {
        return comfyUi.folder().resolve("input");
    }

    private static List<Path> inputs(ComfyUiSimulator comfyUi) throws IOException {
        var folder = inputFolder(comfyUi).resolve("comfyapi");
        if (!Files.exists(folder)) {
            return List.of();
        }
        try (var files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile).toList();
        }
    }
}
