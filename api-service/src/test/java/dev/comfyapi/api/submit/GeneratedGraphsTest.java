package dev.comfyapi.api.submit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.api.Api;
import dev.comfyapi.simulator.ComfyUiSimulator;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import javax.imageio.ImageIO;

/// Each graph that a request can lead to is one that ComfyUI accepts and runs to its pictures.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class GeneratedGraphsTest {

    private static final String IMAGE = "asset://0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f";
    private static final String MASK = "asset://0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f";
    private static final JsonMapper JSON = JsonMapper.shared();

    private final HttpClient http = HttpClient.newHttpClient();
    private ComfyUiSimulator comfy;
    private Api api;

    @BeforeAll
    void start() throws Exception {
        comfy =
                ComfyUiSimulator.builder()
                        .stepDelay(Duration.ZERO)
                        .models("checkpoints", checkpoints())
                        .start();
        upload("image.png");
        upload("mask.png");
        api = Api.fresh();
        api.anAsset();
        api.aWorker("w", installed());
    }

    @AfterAll
    void stop() {
        api.close();
        comfy.close();
        http.shutdownNow();
    }

    private static List<String> checkpoints() {
        return List.of(
                "flux1-dev-fp8.safetensors",
                "flux1-schnell-fp8.safetensors",
                "sd15.safetensors",
                "sd3.5_large.safetensors",
                "sd3_medium_incl_clips_t5xxlfp8.safetensors",
                "sd_xl_base_1.0.safetensors");
    }

    /// What a worker would report of this ComfyUI.
    private String[] installed() throws Exception {
        var paths = new ArrayList<String>();
        for (var folder :
                List.of(
                        "checkpoints",
                        "diffusion_models",
                        "text_encoders",
                        "vae",
                        "loras",
                        "controlnet",
                        "upscale_models")) {
            for (var name : get("/models/" + folder)) {
                paths.add(folder + "/" + name.stringValue());
            }
        }
        return paths.toArray(String[]::new);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "sd15.safetensors",
                "sd_xl_base_1.0.safetensors",
                "sd3.5_large.safetensors",
                "sd3_medium_incl_clips_t5xxlfp8.safetensors",
                "flux1-dev-fp8.safetensors",
                "flux1-schnell-fp8.safetensors",
                "flux1-dev.safetensors",
                "flux1-schnell.safetensors"
            })
    void all_features_go_together_with_each_kind_of_model(String model) {
        // 72 is a multiple of 8 and not of 16, the grid of SD3 and Flux.
        var size = "\"width\": 72, \"height\": 64, \"steps\": 1, \"batch_size\": 2";
        var jobs =
                combinations()
                        .map(members -> {
                            var body =
                                    "{\"prompt\": \"a fox\", \"model\": \"%s\", %s%s}"
                                            .formatted(model, size, members);
                            var answer = api.post("/api/v1/jobs", body);
                            assertThat(answer.status()).as(answer.text()).isEqualTo(202);
                            return new Posted(members, post(storedGraph(answer)));
                        })
                        .toList();

        for (var job : jobs) {
            var pictures = pictures(job);

            assertThat(pictures).as(job.members).hasSize(2);
            int factor =
                    job.members.contains("4x_model") ? 4 : job.members.contains("factor") ? 2 : 1;
            assertThat(size(pictures.get(1)))
                    .as(job.members)
                    .isEqualTo("%dx%d".formatted(72 * factor, 64 * factor));
        }
    }

    /// Each feature with each other one.
    private static Stream<String> combinations() {
        var loras =
                """
                , "loras": [{"name": "style_a.safetensors", "strength": 0.8}, {"name": "style_b.safetensors"}]\
                """;
        var nets =
                """
                , "controlnet": [{"model": "control_canny.safetensors", "image": "%s"},
                  {"model": "control_depth.safetensors", "image": "%s", "strength": 0.5, "end": 0.7}]\
                """
                        .formatted(IMAGE, MASK);
        var image = ", \"init_image\": \"%s\"".formatted(IMAGE);
        var mask = image + ", \"strength\": 1, \"mask\": \"%s\"".formatted(MASK);
        var bySampler = ", \"upscale\": {\"factor\": 2, \"denoise\": 0.4}";
        var byModel = ", \"upscale\": {\"model\": \"4x_model.pth\"}";
        return Stream.of("", loras)
                .flatMap(a -> Stream.of("", image, mask).map(b -> a + b))
                .flatMap(a -> Stream.of("", nets).map(b -> a + b))
                .flatMap(a -> Stream.of("", bySampler, byModel).map(b -> a + b));
    }

    @Test
    void the_examples_of_the_readme_are_accepted() throws IOException {
        var readme = Files.readString(Path.of("..", "README.md"));
        var bodies =
                Pattern.compile("/api/v1/(?:generate|jobs) .*-d '(\\{.*})'")
                        .matcher(readme)
                        .results()
                        .map(result -> result.group(1))
                        .toList();

        assertThat(bodies).hasSizeGreaterThan(3);
        for (var body : bodies) {
            assertThat(api.post("/api/v1/jobs", body).status()).as(body).isEqualTo(202);
        }
    }

    @Test
    void a_graph_holds_references_until_a_worker_puts_files_in_their_place() {
        var answer =
                api.post(
                        "/api/v1/jobs",
                        Api.aPrompt(
                                "\"init_image\": \"%s\", \"mask\": \"%s\", \"controlnet\":"
                                                .formatted(IMAGE, MASK)
                                        + " [{\"model\": \"control_canny.safetensors\", \"image\":"
                                        + " \"%s\"}]".formatted(IMAGE)));
        var graph = JSON.readTree(storedGraph(answer));

        assertThat(graph.at("/init_image/inputs/image").stringValue()).isEqualTo(IMAGE);
        assertThat(graph.at("/mask_image/inputs/image").stringValue()).isEqualTo(MASK);
        assertThat(graph.at("/control1_image/inputs/image").stringValue()).isEqualTo(IMAGE);
    }

    @Test
    void what_a_job_shows_as_its_parameters_makes_the_same_pictures_again() {
        var first =
                api.post(
                        "/api/v1/jobs",
                        "{\"prompt\": \"a fox\", \"model\": \"flux1-dev.safetensors\","
                                + " \"init_image\": \"%s\", \"mask\": \"%s\", \"upscale\":"
                                        .formatted(IMAGE, MASK)
                                + " {\"factor\": 1.5}, \"loras\": [{\"name\":"
                                + " \"style_a.safetensors\"}], \"controlnet\": [{\"model\":"
                                + " \"control_canny.safetensors\", \"image\": \"%s\"}]}"
                                        .formatted(IMAGE));

        var again = api.post("/api/v1/jobs", first.json().path("params").toString());

        assertThat(again.status()).isEqualTo(202);
        assertThat(storedGraph(again)).isEqualTo(storedGraph(first));
        assertThat(again.json().path("params")).isEqualTo(first.json().path("params"));
        assertThat(first.json().path("params").toString())
                .contains(
                        "\"width\":1024",
                        "\"steps\":20",
                        "\"cfg_scale\":3.5",
                        "\"sampler\":\"euler\"",
                        "\"scheduler\":\"simple\"",
                        "\"strength\":0.75",
                        "\"denoise\":0.5",
                        "\"start\":0",
                        "\"end\":1");
    }

    @ParameterizedTest
    @CsvSource({
        "sd15.safetensors, 512, 20, 7.0, euler_ancestral, normal",
        "sd_xl_base_1.0.safetensors, 1024, 30, 7.0, dpmpp_2m, karras",
        "sd3.5_large.safetensors, 1024, 28, 4.5, dpmpp_2m, sgm_uniform",
        "flux1-dev-fp8.safetensors, 1024, 20, 3.5, euler, simple",
        "flux1-schnell.safetensors, 1024, 4, 1.0, euler, simple"
    })
    void what_is_not_said_is_what_suits_the_model(
            String model, int size, int steps, String cfg, String sampler, String scheduler) {
        var params = api.post("/api/v1/jobs", prompt(model)).json().path("params");

        assertThat(params.path("width").intValue()).isEqualTo(size);
        assertThat(params.path("height").intValue()).isEqualTo(size);
        assertThat(params.path("steps").intValue()).isEqualTo(steps);
        assertThat(params.path("cfg_scale").asString()).isEqualTo(cfg);
        assertThat(params.path("sampler").stringValue()).isEqualTo(sampler);
        assertThat(params.path("scheduler").stringValue()).isEqualTo(scheduler);
    }

    @Test
    void files_that_no_worker_has_are_refused_with_the_nearest_names() {
        var answer =
                api.post(
                        "/api/v1/jobs",
                        Api.aPrompt(
                                "\"controlnet\": [{\"model\": \"control_cany.safetensors\","
                                        + " \"image\": \"%s\"}], \"upscale\": {\"model\":"
                                                .formatted(IMAGE)
                                        + " \"4x_modle.pth\"}, \"loras\": [{\"name\":"
                                        + " \"style_c.safetensors\"}]"));
        var model =
                api.post(
                        "/api/v1/jobs",
                        "{\"prompt\": \"a fox\", \"model\": \"flux1-dew.safetensors\"}");

        assertThat(answer.errors())
                .containsExactlyInAnyOrder(
                        "model_not_available #/loras/0/name",
                        "model_not_available #/controlnet/0/model",
                        "model_not_available #/upscale/model");
        assertThat(answer.text())
                .contains("control_canny.safetensors", "4x_model.pth", "style_a.safetensors");
        assertThat(model.errors()).containsExactly("model_not_available #/model");
        assertThat(model.at("/errors/0/params/similar/0")).isEqualTo("flux1-dev.safetensors");
    }

    @Test
    void a_model_whose_parts_are_nowhere_is_refused_with_what_is_missing() {
        try (var own = Api.fresh("--comfyapi.submit.parts.flux-vae=special_*")) {
            own.anAsset();
            own.aWorker(
                    "w",
                    "diffusion_models/flux1-dev.safetensors",
                    "diffusion_models/xl.safetensors",
                    "text_encoders/clip_l.safetensors",
                    "vae/ae.safetensors");

            var flux = own.post("/api/v1/jobs", prompt("flux1-dev.safetensors"));
            var sdxl = own.post("/api/v1/jobs", prompt("xl.safetensors"));

            assertThat(flux.errors()).containsExactly("model_not_available #/model");
            assertThat(flux.json().at("/errors/0/params/missing").toString())
                    .isEqualTo("[\"text_encoders/t5xxl_fp16.safetensors\",\"vae/ae.safetensors\"]");
            assertThat(sdxl.errors()).containsExactly("not_supported #/model");
        }
    }

    @Test
    void families_are_told_apart_as_configured() {
        try (var own = Api.fresh("--comfyapi.submit.families.flux-schnell=quick*,fast*")) {
            own.anAsset();
            own.aWorker("w", "checkpoints/fast1.safetensors", "checkpoints/flux-schnell.ckpt");

            var fast = own.post("/api/v1/jobs", prompt("fast1.safetensors"));
            var other = own.post("/api/v1/jobs", prompt("flux-schnell.ckpt"));

            assertThat(fast.at("/params/steps")).isEqualTo("4");
            assertThat(other.at("/params/steps")).isEqualTo("20");
        }
    }

    @Test
    void what_the_last_workers_had_decides_while_none_is_there() {
        try (var own = Api.fresh()) {
            own.anAsset();
            var last = own.aWorker("w", installedForFlux());
            own.leave(last);

            var answer = own.post("/api/v1/jobs", prompt("flux1-dev.safetensors"));

            assertThat(answer.status()).isEqualTo(202);
            assertThat(storedGraph(own, answer)).contains("UNETLoader", "DualCLIPLoader");
        }
    }

    private static String[] installedForFlux() {
        return new String[] {
            "diffusion_models/flux1-dev.safetensors",
            "text_encoders/clip_l.safetensors",
            "text_encoders/t5xxl_fp16.safetensors",
            "vae/ae.safetensors"
        };
    }

    private static String prompt(String model) {
        return "{\"prompt\": \"a fox\", \"model\": \"%s\"}".formatted(model);
    }

    // What a worker does.

    /// A graph on its way through ComfyUI.
    private record Posted(String members, String id) {}

    private String storedGraph(Api.Answer answer) {
        return storedGraph(api, answer);
    }

    private static String storedGraph(Api api, Api.Answer answer) {
        return api.jdbc()
                .sql("SELECT convert_from(graph, 'UTF8') FROM job WHERE id = :id")
                .param("id", answer.job().value())
                .query(String.class)
                .single();
    }

    private String post(String graph) {
        var runnable = graph.replace(IMAGE, "image.png").replace(MASK, "mask.png");
        var answer =
                send(
                        "/prompt",
                        "application/json",
                        ("{\"prompt\": " + runnable + "}").getBytes(StandardCharsets.UTF_8));
        assertThat(answer.path("node_errors").isEmpty()).as("%s%n%s", answer, runnable).isTrue();
        return answer.path("prompt_id").stringValue();
    }

    private List<JsonNode> pictures(Posted job) {
        var id = job.id;
        Awaitility.await()
                .atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(5))
                .until(() -> get("/history/" + id).has(id));
        var history = get("/history/" + id).path(id);
        assertThat(history.at("/status/status_str").asString())
                .as("%s%n%s", job.members, history)
                .isEqualTo("success");
        var pictures = new ArrayList<JsonNode>();
        history.at("/outputs/save/images").forEach(pictures::add);
        return pictures;
    }

    private String size(JsonNode picture) {
        var path =
                "/view?filename=%s&subfolder=%s&type=output"
                        .formatted(
                                encoded(picture.path("filename").stringValue()),
                                encoded(picture.path("subfolder").stringValue()));
        try (var bytes =
                http.send(
                                HttpRequest.newBuilder(comfy.uri().resolve(path)).build(),
                                BodyHandlers.ofInputStream())
                        .body()) {
            var image = ImageIO.read(bytes);
            return image.getWidth() + "x" + image.getHeight();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private void upload(String name) throws IOException {
        var body = new ByteArrayOutputStream();
        body.writeBytes(
                "--cut\r\nContent-Disposition: form-data; name=\"image\"; filename=\"%s\"\r\n\r\n"
                        .formatted(name)
                        .getBytes(StandardCharsets.UTF_8));
        ImageIO.write(new BufferedImage(96, 64, BufferedImage.TYPE_INT_RGB), "png", body);
        body.writeBytes("\r\n--cut--\r\n".getBytes(StandardCharsets.UTF_8));
        send("/upload/image", "multipart/form-data; boundary=cut", body.toByteArray());
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    private JsonNode get(String path) {
        return answer(HttpRequest.newBuilder(uri(path)).build());
    }

    private JsonNode send(String path, String type, byte[] body) {
        return answer(
                HttpRequest.newBuilder(uri(path))
                        .header("Content-Type", type)
                        .POST(BodyPublishers.ofByteArray(body))
                        .build());
    }

    private URI uri(String path) {
        return comfy.uri().resolve(path);
    }

    private JsonNode answer(HttpRequest request) {
        try {
            return JSON.readTree(http.send(request, BodyHandlers.ofByteArray()).body());
        } catch (IOException e) {
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
