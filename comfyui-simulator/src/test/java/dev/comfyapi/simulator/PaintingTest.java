package dev.comfyapi.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// Sampling graphs: what was asked can be seen in the picture.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PaintingTest {

    private static final String BIG_SEED = "18446744073709551615";

    private ComfyUiSimulator simulator;
    private Comfy comfy;

    @BeforeAll
    void start() {
        simulator = ComfyUiSimulator.builder().stepDelay(Duration.ZERO).start();
        comfy = new Comfy(simulator.uri());
    }

    @AfterAll
    void stop() {
        comfy.close();
        simulator.close();
    }

    private JsonNode painted(String graph) {
        var job = comfy.awaitEnd(comfy.submit(graph));
        assertThat(job.path("status").asString()).as(Json.write(job)).isEqualTo("completed");
        return job;
    }

    private Picture picture(String prompt, String seed) {
        var job = painted(Graphs.painting(prompt, seed, 96, 64, 1, 3, "p/" + Comfy.newId()));
        try {
            return Picture.of(PictureFiles.read(comfy.onlyPicture(job)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void a_picture_depends_on_prompt_and_seed_and_on_nothing_else() {
        var picture = picture("a red bicycle", "1");

        assertThat(picture("a red bicycle", "1").rgb()).isEqualTo(picture.rgb());
        assertThat(picture("a red bicycle", "2").rgb()).isNotEqualTo(picture.rgb());
        assertThat(picture("a blue bicycle", "1").rgb()).isNotEqualTo(picture.rgb());
    }

    @Test
    void a_batch_has_as_many_different_pictures() {
        var job =
                painted(
                        Graphs.painting(
                                "four boats", BIG_SEED, 64, 64, 4, 2, "p/" + Comfy.newId()));

        var items = job.path("outputs").path("save").path("images");
        assertThat(items).hasSize(4);
        assertThat(
                        items.values().stream()
                                .map(item -> new BigInteger(comfy.picture(item)))
                                .distinct())
                .hasSize(4);
    }

    @Test
    void steps_are_counted_and_throttled() {
        try (var owner = comfy.socket("painter")) {
            var graph = Graphs.painting("steps", "5", 64, 64, 1, 50, "p/" + Comfy.newId());
            comfy.submit(Comfy.request(Comfy.newId(), graph).put("client_id", "painter"));
            owner.awaitLine("executing null");

            assertThat(owner.lines()).contains("progress paint 1/50", "progress paint 50/50");
            assertThat(owner.lines().stream().filter(line -> line.startsWith("progress")))
                    .hasSizeLessThan(50);
        }
    }

    @Test
    void a_prompt_may_ask_for_previews() {
        try (var owner = comfy.socket("viewer")) {
            var graph = Graphs.painting("previews", "5", 512, 256, 1, 3, "p/" + Comfy.newId());
            var request = Comfy.request(Comfy.newId(), graph).put("client_id", "viewer");
            request.putObject("extra_data").put("preview_method", "auto");
            comfy.submit(request);
            owner.awaitLine("executing null");

            assertThat(owner.lines().stream().filter("preview kind 1 jpeg"::equals)).hasSize(3);
        }
    }

    @Test
    void the_file_carries_its_graph_and_what_the_client_added() {
        var request =
                Comfy.request(
                        Comfy.newId(),
                        Graphs.painting("schöner Wald", "5", 64, 64, 1, 1, "p/" + Comfy.newId()));
        request.putObject("extra_data")
                .putObject("extra_pnginfo")
                .putObject("workflow")
                .put("id", "mine");
        var id = comfy.submit(request);

        var file = new String(comfy.onlyPicture(comfy.awaitEnd(id)), StandardCharsets.ISO_8859_1);

        assertThat(file)
                .contains("tEXtprompt\0{", "sch\\u00f6ner Wald", "tEXtworkflow\0{\"id\":\"mine\"}");
    }

    @Test
    void a_picture_can_be_painted_over_another_only_where_the_mask_allows() throws IOException {
        comfy.upload(
                "/upload/image",
                "base.png",
                Png.encode(Picture.filled(64, 64, 0x00FF00), Map.of()),
                Map.of());
        var half = Mask.of(64, 64, (x, _) -> x < 32 ? 0 : 1).toPicture();
        comfy.upload("/upload/image", "half.png", Png.encode(half, Map.of()), Map.of());

        var job =
                painted(
                        """
                        {"m": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd15.safetensors"}},
                         "y": {"class_type": "CLIPTextEncode", "inputs": {"text": "ivy", "clip": ["m", 1]}},
                         "i": {"class_type": "LoadImage", "inputs": {"image": "base.png"}},
                         "k": {"class_type": "LoadImageMask", "inputs": {"image": "half.png", "channel": "red"}},
                         "e": {"class_type": "VAEEncodeForInpaint", "inputs": {"pixels": ["i", 0], "vae": ["m", 2], "mask": ["k", 0], "grow_mask_by": 0}},
                         "s": {"class_type": "KSampler", "inputs": {"model": ["m", 0], "seed": 1, "steps": 1, "cfg": 7, "sampler_name": "euler",
                           "scheduler": "normal", "positive": ["y", 0], "negative": ["y", 0], "latent_image": ["e", 0], "denoise": 1}},
                         "d": {"class_type": "VAEDecode", "inputs": {"samples": ["s", 0], "vae": ["m", 2]}},
                         "o": {"class_type": "SaveImage", "inputs": {"images": ["d", 0], "filename_prefix": "p/over"}}}
                        """);

        var picture = Picture.of(PictureFiles.read(comfy.onlyPicture(job)));
        assertThat(picture.at(5, 5)).isEqualTo(0x00FF00);
        assertThat(picture.at(60, 5)).isNotEqualTo(0x00FF00);
    }

    @Test
    void flux_style_graphs_carry_prompt_seed_and_steps_too() {
        var job =
                painted(
                        """
                        {"u": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux1-dev.safetensors", "weight_dtype": "default"}},
                         "c": {"class_type": "DualCLIPLoader", "inputs": {"clip_name1": "t5xxl_fp16.safetensors", "clip_name2": "clip_l.safetensors", "type": "flux"}},
                         "v": {"class_type": "VAELoader", "inputs": {"vae_name": "ae.safetensors"}},
                         "p": {"class_type": "CLIPTextEncode", "inputs": {"text": "a paper boat", "clip": ["c", 0]}},
                         "f": {"class_type": "FluxGuidance", "inputs": {"conditioning": ["p", 0], "guidance": 3.5}},
                         "n": {"class_type": "RandomNoise", "inputs": {"noise_seed": 42}},
                         "g": {"class_type": "BasicGuider", "inputs": {"model": ["u", 0], "conditioning": ["f", 0]}},
                         "k": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
                         "s": {"class_type": "BasicScheduler", "inputs": {"model": ["u", 0], "scheduler": "simple", "steps": 4, "denoise": 1.0}},
                         "l": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 72, "height": 64, "batch_size": 1}},
                         "x": {"class_type": "SamplerCustomAdvanced", "inputs": {"noise": ["n", 0], "guider": ["g", 0], "sampler": ["k", 0], "sigmas": ["s", 0], "latent_image": ["l", 0]}},
                         "d": {"class_type": "VAEDecode", "inputs": {"samples": ["x", 0], "vae": ["v", 0]}},
                         "o": {"class_type": "SaveImage", "inputs": {"images": ["d", 0], "filename_prefix": "p/flux-%width%"}}}
                        """);

        assertThat(job.path("preview_output").path("filename").asString())
                .isEqualTo("flux-64_00001_.png");
    }

    @ParameterizedTest
    @ValueSource(ints = {64, 65, 200, 512, 777, 2048})
    void any_size_can_be_painted_and_captioned(int size) {
        var asked =
                new Asked(
                        "a very long wish with anunbelievablylongwordthatfitsnowhere and 東京 "
                                .repeat(9),
                        "",
                        new BigInteger(BIG_SEED),
                        20,
                        7,
                        "sd15",
                        List.of());
        var painter = new Painter();

        var picture = painter.paint(asked, size, size / 2 + 32, 0);

        assertThat(picture.width()).isEqualTo(size);
        assertThat(picture.height()).isEqualTo(size / 2 + 32);
        assertThat(Arrays.stream(picture.rgb()).filter(color -> color == 0xFFFFFF)).isNotEmpty();
    }

    @Test
    void pictures_survive_being_written_and_read() throws IOException {
        var picture =
                new Painter()
                        .paint(new Asked("x", "", BigInteger.ONE, 1, 1, "m", List.of()), 77, 33, 0);

        assertThat(Picture.of(PictureFiles.read(Png.encode(picture, Map.of()))).rgb())
                .isEqualTo(picture.rgb());
        var clear = PictureFiles.read(Png.encodeWithAlpha(picture, Mask.filled(77, 33, 0)));
        assertThat(PictureFiles.transparency(clear).at(1, 1)).isEqualTo(1);
        var frames = Png.animate(List.of(picture, picture), 4, Map.of());
        assertThat(Picture.of(PictureFiles.read(frames)).rgb()).isEqualTo(picture.rgb());
    }
}
