package dev.comfyapi.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.model.job.JobState;
import dev.comfyapi.model.workflow.Graph;
import dev.comfyapi.simulator.ComfyUiSimulator;
import dev.comfyapi.worker.Platform.Accepted;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/// Files of every kind, from the nodes of a simulated ComfyUI into the store.
class OutputJourneyTest {

    private static final Duration SOON = Duration.ofSeconds(20);
    private static final AtomicInteger NAMES = new AtomicInteger();
    private static Platform platform = Platform.start();

    private final String name = "gpu-" + NAMES.incrementAndGet();
    private final List<AutoCloseable> opened = new ArrayList<>();

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

    /// What every kind of file is known by: node, kind, type, extension, the name ComfyUI gave it.
    @Test
    void files_of_every_kind_are_stored_in_order_of_their_nodes() throws Exception {
        var comfyUi = aComfyUi();
        var job =
                ran(
                        """
                        {"1": {"class_type": "EmptyImage", "inputs": {"width": 96, "height": 64, "batch_size": 2, "color": 255}},
                         "2": {"class_type": "EmptyAudio", "inputs": {"duration": 1.5, "sample_rate": 48000, "channels": 2}},
                         "3": {"class_type": "CreateVideo", "inputs": {"images": ["1", 0], "fps": 24, "audio": ["2", 0]}},
                         "4": {"class_type": "PrimitiveString", "inputs": {"value": "a lighthouse <script>"}},
                         "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
                         "6": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd15.safetensors"}},
                         "7": {"class_type": "VAEDecodeHunyuan3D", "inputs": {"samples": ["5", 0], "vae": ["6", 2],
                               "num_chunks": 8000, "octree_resolution": 256}},
                         "8": {"class_type": "VoxelToMesh", "inputs": {"voxel": ["7", 0], "algorithm": "basic", "threshold": 0.6}},
                         "30": {"class_type": "SaveAnimatedWEBP", "inputs": {"images": ["1", 0], "filename_prefix": "p",
                                "fps": 6, "lossless": true, "quality": 80, "method": "default"}},
                         "10": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "p"}},
                         "9": {"class_type": "SaveVideo", "inputs": {"video": ["3", 0], "filename_prefix": "p", "format": "auto"}},
                         "11": {"class_type": "SaveVideo", "inputs": {"video": ["3", 0], "filename_prefix": "p", "format": "mkv"}},
                         "12": {"class_type": "SaveWEBM", "inputs": {"images": ["1", 0], "filename_prefix": "p", "codec": "vp9",
                                "fps": 24, "crf": 32}},
                         "13": {"class_type": "SaveAudio", "inputs": {"audio": ["2", 0], "filename_prefix": "p"}},
                         "14": {"class_type": "SaveAudioMP3", "inputs": {"audio": ["2", 0], "filename_prefix": "p", "quality": "V0"}},
                         "15": {"class_type": "SaveAudioOpus", "inputs": {"audio": ["2", 0], "filename_prefix": "p", "quality": "128k"}},
                         "16": {"class_type": "SaveText", "inputs": {"text": ["4", 0], "filename_prefix": "p", "format": "md"}},
                         "17": {"class_type": "SaveGLB", "inputs": {"mesh": ["8", 0], "filename_prefix": "p"}},
                         "18": {"class_type": "SaveLatent", "inputs": {"samples": ["5", 0], "filename_prefix": "p"}},
                         "19": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
                         "20": {"class_type": "PreviewAudio", "inputs": {"audio": ["2", 0]}},
                         "21": {"class_type": "PreviewAny", "inputs": {"source": ["4", 0]}},
                         "22": {"class_type": "SaveAnimatedPNG", "inputs": {"images": ["1", 0], "filename_prefix": "p",
                                "fps": 6, "compress_level": 4}},
                         "end": {"class_type": "SimulatorCombine", "inputs": {"images": ["1", 0], "filename_prefix": "p"}}}
                        """,
                        comfyUi);

        assertThat(artifacts(job))
                .extracting(artifact ->
                        "%s %s %s %s"
                                .formatted(
                                        artifact.path("node_id").asString(),
                                        artifact.path("kind").asString(),
                                        artifact.path("content_type").asString(),
                                        extension(artifact.path("key"))))
                .containsExactly(
                        "9 video video/mp4 mp4",
                        "10 image image/png png",
                        "10 image image/png png",
                        "11 video video/x-matroska mkv",
                        "12 video video/webm webm",
                        "13 audio audio/flac flac",
                        "14 audio audio/mpeg mp3",
                        "15 audio audio/ogg ogg",
                        "16 text text/plain; charset=utf-8 txt",
                        "17 model3d model/gltf-binary glb",
                        "18 file application/octet-stream latent",
                        "22 image image/png png",
                        "30 image image/webp webp",
                        "end image image/gif gif");
        int index = 0;
        for (var artifact : artifacts(job)) {
            var file = platform.artifacts().resolve(artifact.path("key").asString());
            var content = Files.readAllBytes(file);
            assertThat(artifact.path("index").asInt()).isEqualTo(index++);
            assertThat(artifact.path("size_bytes").asLong()).isEqualTo(content.length);
            assertThat(artifact.path("sha256").asString())
                    .isEqualTo(
                            HexFormat.of()
                                    .formatHex(
                                            MessageDigest.getInstance("SHA-256").digest(content)));
            // What is no PNG reaches the store as ComfyUI wrote it.
            if (!extension(artifact.path("key")).equals("png")) {
                assertThat(content).isEqualTo(written(comfyUi, job, artifact));
            }
        }
        // Neither previews nor what nodes said beside their files.
        assertThat(platform.files(job)).hasSize(index);
        assertThat(artifacts(job).get(1).path("width").asInt()).isEqualTo(96);
        assertThat(artifacts(job).get(5).path("width").isNull()).isTrue();
    }

    @Test
    void a_workflow_that_makes_no_picture_succeeds_with_what_it_makes() {
        var job =
                ran(
                        """
                        {"1": {"class_type": "EmptyAudio", "inputs": {"duration": 60, "sample_rate": 44100, "channels": 1}},
                         "2": {"class_type": "SaveAudio", "inputs": {"audio": ["1", 0], "filename_prefix": "p"}}}
                        """,
                        aComfyUi());

        assertThat(artifacts(job))
                .singleElement()
                .satisfies(only -> assertThat(only.path("kind").asString()).isEqualTo("audio"));
    }

    @Test
    void previews_and_texts_alone_are_no_result() {
        var job =
                submitted(
                        """
                        {"1": {"class_type": "EmptyImage", "inputs": {"width": 16, "height": 16, "batch_size": 1, "color": 0}},
                         "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
                         "3": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}}}
                        """,
                        aComfyUi());

        awaitState(job, JobState.FAILED);
        assertThat(platform.read(job).errorCode()).isEqualTo("no_outputs");
        assertThat(platform.files(job)).isEmpty();
    }

    // -- reaching states ----------------------------------------------------------------------

    private ComfyUiSimulator aComfyUi() {
        var comfyUi = ComfyUiSimulator.builder().stepDelay(Duration.ofMillis(5)).start();
        opened.add(comfyUi);
        return comfyUi;
    }

    private Accepted submitted(String graph, ComfyUiSimulator comfyUi) {
        opened.add(platform.startWorker(name, comfyUi.uri()));
        await().atMost(SOON).until(() -> platform.worker(name).isPresent());
        var job = platform.submit(Graph.parse(graph.getBytes(StandardCharsets.UTF_8)));
        platform.assign(job, name);
        return job;
    }

    private Accepted ran(String graph, ComfyUiSimulator comfyUi) {
        var job = submitted(graph, comfyUi);
        awaitState(job, JobState.SUCCEEDED);
        return job;
    }

    // -- looking ------------------------------------------------------------------------------

    private static void awaitState(Accepted job, JobState state) {
        await().atMost(SOON)
                .pollInterval(Duration.ofMillis(20))
                .untilAsserted(() ->
                        assertThat(platform.read(job).state())
                                .as(() -> String.valueOf(platform.read(job).error()))
                                .isEqualTo(state));
    }

    private static JsonNode artifacts(Accepted job) {
        return JsonMapper.shared()
                .readTree(String.valueOf(platform.read(job).result()))
                .path("artifacts");
    }

    private static String extension(JsonNode key) {
        var path = key.asString();
        return path.substring(path.lastIndexOf('.') + 1);
    }

    /// The file in ComfyUI's own folder, whose names are unique here.
    private static byte[] written(ComfyUiSimulator comfyUi, Accepted job, JsonNode artifact)
            throws Exception {
        try (var files = Files.walk(comfyUi.folder().resolve("output"))) {
            return Files.readAllBytes(
                    files.filter(file ->
                                    file.toString().contains(job.id().toString())
                                            && file.getFileName()
                                                    .toString()
                                                    .equals(artifact.path("filename").asString()))
                            .findFirst()
                            .orElseThrow());
        }
    }
}
