package dev.comfyapi.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;

/// The common kinds of graphs run with the models that a simulator has from the start.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class GraphKindsTest {

    private ComfyUiSimulator simulator;
    private Comfy comfy;

    @BeforeAll
    void start() {
        simulator = ComfyUiSimulator.builder().stepDelay(Duration.ZERO).start();
        comfy = new Comfy(simulator.uri());
        var picture = Png.encode(Picture.filled(96, 64, 0x336699), Map.of());
        comfy.upload("/upload/image", "in.png", picture, Map.of());
        comfy.upload("/upload/image", "one.png", picture, Map.of("subfolder", "faces"));
    }

    @AfterAll
    void stop() {
        comfy.close();
        simulator.close();
    }

    /// A graph from lines such as `id Class name=value other=<from.0`, where `<` begins a link.
    private static String graph(String lines) {
        var graph = Json.object();
        for (var line : lines.strip().lines().toList()) {
            var words = line.strip().split(" ", -1);
            var node = graph.putObject(words[0]).put("class_type", words[1]);
            var inputs = node.putObject("inputs");
            for (var i = 2; i < words.length; i++) {
                var pair = words[i].split("=", 2);
                set(inputs, pair[0], pair[1]);
            }
        }
        return Json.write(graph);
    }

    private static void set(ObjectNode inputs, String name, String value) {
        if (value.startsWith("<")) {
            var link = value.substring(1).split("[.]", 2);
            inputs.putArray(name).add(link[0]).add(Integer.parseInt(link[1]));
        } else if (value.matches("-?[0-9.]+")) {
            inputs.set(name, Comfy.json(value));
        } else if (value.equals("true") || value.equals("false")) {
            inputs.put(name, value.equals("true"));
        } else {
            inputs.put(name, value);
        }
    }

    private static final String MODEL =
            """
            m CheckpointLoaderSimple ckpt_name=sd15.safetensors
            p CLIPTextEncode text=hills clip=<m.1
            n CLIPTextEncode text=blur clip=<m.1
            """;

    private static String sampler(
            String id,
            String model,
            String positive,
            String negative,
            String latent,
            String denoise) {
        return "%s KSampler model=%s seed=7 steps=2 cfg=7 sampler_name=euler scheduler=normal positive=%s negative=%s latent_image=%s denoise=%s\n"
                .formatted(id, model, positive, negative, latent, denoise);
    }

    private static String saved(String latent, String vae) {
        return "d VAEDecode samples=%s vae=%s\no SaveImage images=<d.0 filename_prefix=kinds/x\n"
                .formatted(latent, vae);
    }

    private void assertSize(String lines, int width, int height) throws IOException {
        var job = run(lines);
        var image = PictureFiles.read(comfy.onlyPicture(job));
        assertThat(image.getWidth()).isEqualTo(width);
        assertThat(image.getHeight()).isEqualTo(height);
    }

    private JsonNode run(String lines) {
        var response = comfy.post(Comfy.request(Comfy.newId(), graph(lines)));
        assertThat(Comfy.body(response).path("node_errors")).as(Comfy.text(response)).isEmpty();
        var job = comfy.awaitEnd(Comfy.body(response).path("prompt_id").asString());
        assertThat(job.path("status").asString()).as(Json.write(job)).isEqualTo("completed");
        return job;
    }

    @Test
    void image_to_image() throws IOException {
        assertSize(
                MODEL
                        + """
                        i LoadImage image=in.png
                        s ImageScale image=<i.0 upscale_method=lanczos width=64 height=64 crop=center
                        e VAEEncode pixels=<s.0 vae=<m.2
                        """
                        + sampler("k", "<m.0", "<p.0", "<n.0", "<e.0", "0.6")
                        + saved("<k.0", "<m.2"),
                64,
                64);
    }

    @Test
    void outpainting() throws IOException {
        assertSize(
                MODEL
                        + """
                        i LoadImage image=in.png
                        w ImagePadForOutpaint image=<i.0 left=32 top=0 right=32 bottom=16 feathering=8
                        e VAEEncodeForInpaint pixels=<w.0 vae=<m.2 mask=<w.1 grow_mask_by=6
                        """
                        + sampler("k", "<m.0", "<p.0", "<n.0", "<e.0", "1.0")
                        + saved("<k.0", "<m.2"),
                160,
                80);
    }

    @Test
    void loras_and_a_control_net() throws IOException {
        assertSize(
                MODEL
                        + """
                        a LoraLoader model=<m.0 clip=<m.1 lora_name=style_a.safetensors strength_model=0.8 strength_clip=0.8
                        b LoraLoader model=<a.0 clip=<a.1 lora_name=style_b.safetensors strength_model=0.5 strength_clip=0.5
                        i LoadImage image=in.png
                        y Canny image=<i.0 low_threshold=0.4 high_threshold=0.8
                        c ControlNetLoader control_net_name=control_canny.safetensors
                        u ControlNetApplyAdvanced positive=<p.0 negative=<n.0 control_net=<c.0 image=<y.0 strength=0.8 start_percent=0.0 end_percent=1.0
                        l EmptyLatentImage width=72 height=64 batch_size=1
                        """
                        + sampler("k", "<b.0", "<u.0", "<u.1", "<l.0", "1.0")
                        + saved("<k.0", "<m.2"),
                72,
                64);
    }

    @Test
    void a_second_pass_at_a_higher_resolution() throws IOException {
        assertSize(
                MODEL
                        + "l EmptyLatentImage width=64 height=64 batch_size=1\n"
                        + sampler("k", "<m.0", "<p.0", "<n.0", "<l.0", "1.0")
                        + "g LatentUpscaleBy samples=<k.0 upscale_method=bislerp scale_by=1.5\n"
                        + sampler("h", "<m.0", "<p.0", "<n.0", "<g.0", "0.5")
                        + saved("<h.0", "<m.2"),
                96,
                96);
    }

    @Test
    void sd3_with_three_text_encoders_and_sizes_in_sixteens() throws IOException {
        assertSize(
                """
                m CheckpointLoaderSimple ckpt_name=sd3.5_large.safetensors
                t TripleCLIPLoader clip_name1=clip_l.safetensors clip_name2=clip_g.safetensors clip_name3=t5xxl_fp16.safetensors
                p CLIPTextEncode text=teapot clip=<t.0
                n ConditioningZeroOut conditioning=<p.0
                x ModelSamplingSD3 model=<m.0 shift=3.0
                l EmptySD3LatentImage width=72 height=64 batch_size=1
                """
                        + sampler("k", "<x.0", "<p.0", "<n.0", "<l.0", "1.0")
                        + saved("<k.0", "<m.2"),
                64,
                64);
    }

    @Test
    void base_and_refiner() throws IOException {
        var step =
                "sampler_name=euler scheduler=normal noise_seed=4 steps=5 cfg=7 positive=<p.0 negative=<n.0";
        assertSize(
                MODEL
                        + "r CheckpointLoaderSimple ckpt_name=sdxl_refiner.safetensors\n"
                        + "l EmptyLatentImage width=64 height=64 batch_size=1\n"
                        + "a KSamplerAdvanced model=<m.0 add_noise=enable %s latent_image=<l.0 start_at_step=0 end_at_step=4 return_with_leftover_noise=enable\n"
                                .formatted(step)
                        + "b KSamplerAdvanced model=<r.0 add_noise=disable %s latent_image=<a.0 start_at_step=4 end_at_step=10000 return_with_leftover_noise=disable\n"
                                .formatted(step)
                        + saved("<b.0", "<r.2"),
                64,
                64);
    }

    @Test
    void upscaling_with_a_model() throws IOException {
        assertSize(
                """
                i LoadImage image=in.png
                u UpscaleModelLoader model_name=4x_model.pth
                x ImageUpscaleWithModel upscale_model=<u.0 image=<i.0
                o SaveImage images=<x.0 filename_prefix=kinds/up
                """,
                384,
                256);
    }

    @Test
    void a_composite_with_a_preview_beside_it() {
        var job =
                run(
                        """
                        1 EmptyImage width=32 height=32 batch_size=1 color=255
                        2 SolidMask value=0.5 width=32 height=32
                        3 EmptyImage width=32 height=32 batch_size=1 color=16711680
                        4 ImageCompositeMasked destination=<1.0 source=<3.0 x=0 y=0 resize_source=false mask=<2.0
                        5 ImageScale image=<4.0 upscale_method=lanczos width=64 height=0 crop=disabled
                        6 SaveImage images=<5.0 filename_prefix=kinds/c
                        7 PreviewImage images=<4.0
                        """);

        assertThat(job.path("outputs_count").asInt()).isEqualTo(2);
        assertThat(job.path("preview_output").path("nodeId").asString()).isEqualTo("6");
        assertThat(job.path("outputs").path("7").path("images").path(0).path("filename").asString())
                .matches("ComfyUI_temp_[a-z]{5}_00001_\\.png");
    }

    @Test
    void animations_are_single_files() {
        var job =
                run(
                        """
                        1 EmptyImage width=16 height=16 batch_size=3 color=255
                        2 SaveAnimatedWEBP images=<1.0 filename_prefix=kinds/w fps=6.0 lossless=true quality=80 method=default
                        3 SaveAnimatedPNG images=<1.0 filename_prefix=kinds/p fps=6.0 compress_level=4
                        """);

        assertThat(Json.write(job.path("outputs").path("2")))
                .isEqualTo(
                        "{\"images\":[{\"filename\":\"w_00001_.webp\",\"subfolder\":\"kinds\",\"type\":\"output\"}],\"animated\":[true]}");
        assertThat(job.path("outputs_count").asInt()).isEqualTo(2);
    }

    @Test
    void texts_are_shown_and_saved() {
        var job =
                run(
                        """
                        1 StringConcatenate string_a=hello string_b=world delimiter=-
                        2 PreviewAny source=<1.0
                        3 SaveText text=<1.0 filename_prefix=kinds/t format=txt
                        """);

        assertThat(job.path("outputs").path("2").path("text").path(0).asString())
                .isEqualTo("hello-world");
        assertThat(job.path("outputs").path("3").path("files").path(0).path("filename").asString())
                .isEqualTo("t_00001.txt");
    }

    /// Bytes of the only file that a node reported, which lies under a name with this ending.
    private byte[] file(JsonNode job, String node, String key, String ending) {
        var file = job.path("outputs").path(node).path(key).path(0);
        assertThat(file.path("filename").asString()).endsWith(ending);
        assertThat(file.path("type").asString()).isEqualTo("output");
        return comfy.picture(file);
    }

    private static String latin(byte[] content) {
        return new String(content, StandardCharsets.ISO_8859_1);
    }

    @Test
    void sounds_are_silent_and_as_long_as_was_asked() {
        var job =
                run(
                        """
                        1 EmptyAudio duration=3.5 sample_rate=44100 channels=2
                        2 SaveAudio audio=<1.0 filename_prefix=sounds/a
                        3 SaveAudioMP3 audio=<1.0 filename_prefix=sounds/b quality=V0
                        4 SaveAudioOpus audio=<1.0 filename_prefix=sounds/c quality=128k
                        5 PreviewAudio audio=<1.0
                        """);

        var flac = ByteBuffer.wrap(file(job, "2", "audio", "a_00001.flac"));
        assertThat(latin(flac.array())).startsWith("fLaC");
        assertThat(flac.getLong(18) & 0xF_FFFF_FFFFL).isEqualTo(154_350);
        assertThat(flac.getLong(18) >>> 44).isEqualTo(44_100);
        var mp3 = file(job, "3", "audio", "b_00001.mp3");
        assertThat(mp3).hasSize(104 * 134); // Of 1152 samples each.
        assertThat(mp3).startsWith(0xFF, 0xFB, 0x10, 0x00);
        var opus = file(job, "4", "audio", "c_00001.opus");
        assertThat(latin(opus)).startsWith("OggS").contains("OpusHead").contains("OpusTags");
        assertThat(opus).hasSizeLessThan(2_000);
        assertThat(job.path("outputs").path("5").path("audio").path(0).path("type").asString())
                .isEqualTo("temp");
    }

    @Test
    void a_sound_that_no_memory_holds_fails() {
        var response =
                comfy.post(
                        Comfy.request(
                                Comfy.newId(),
                                graph(
                                        """
                                        1 EmptyAudio duration=1000000000000 sample_rate=192000 channels=2
                                        2 SaveAudio audio=<1.0 filename_prefix=kinds/long
                                        """)));

        var job = comfy.awaitEnd(Comfy.body(response).path("prompt_id").asString());

        assertThat(job.path("status").asString()).isEqualTo("failed");
    }

    @Test
    void videos_are_of_the_kind_that_was_asked() {
        var job =
                run(
                        """
                        1 EmptyImage width=320 height=192 batch_size=3 color=255
                        2 CreateVideo images=<1.0 fps=24.0
                        3 SaveVideo video=<2.0 filename_prefix=kinds/v format=auto
                        4 SaveVideo video=<2.0 filename_prefix=kinds/v format=mkv
                        5 SaveVideo video=<2.0 filename_prefix=kinds/v format=webm
                        6 SaveWEBM images=<1.0 filename_prefix=kinds/w codec=vp9 fps=24.0 crf=32.0
                        """);

        var mp4 = file(job, "3", "images", "_.mp4");
        assertThat(latin(mp4).substring(4)).startsWith("ftyp").contains("moov").contains("avc1");
        assertThat(mp4).hasSizeLessThan(25_000);
        assertThat(latin(file(job, "4", "images", "_.mkv"))).contains("matroska");
        assertThat(latin(file(job, "5", "images", "_.webm"))).contains("webm").contains("V_VP9");
        assertThat(file(job, "6", "images", "_.webm")).hasSizeLessThan(1_000);
        assertThat(Json.write(job.path("outputs").path("6").path("animated"))).isEqualTo("[true]");
    }

    @Test
    void a_body_is_binary_gltf() {
        var job =
                run(
                        """
                        m CheckpointLoaderSimple ckpt_name=sd15.safetensors
                        l EmptyLatentHunyuan3Dv2 resolution=3072 batch_size=1
                        x VAEDecodeHunyuan3D samples=<l.0 vae=<m.2 num_chunks=8000 octree_resolution=256
                        y VoxelToMesh voxel=<x.0 algorithm=basic threshold=0.6
                        o SaveGLB mesh=<y.0 filename_prefix=kinds/body
                        """);

        var glb =
                ByteBuffer.wrap(file(job, "o", "3d", "body_00001_.glb"))
                        .order(ByteOrder.LITTLE_ENDIAN);
        assertThat(latin(glb.array())).startsWith("glTF");
        assertThat(glb.getInt(8)).isEqualTo(glb.capacity());
        var json = new String(glb.array(), 20, glb.getInt(12), StandardCharsets.US_ASCII);
        assertThat(Comfy.json(json).path("meshes")).hasSize(1);
        assertThat(glb.getInt(20 + glb.getInt(12))).isEqualTo(168);
    }

    @Test
    void a_trained_lora_is_a_model_at_once() {
        run(
                """
                m CheckpointLoaderSimple ckpt_name=sd15.safetensors
                f LoadImageTextDataSetFromFolder folder=faces
                r ResizeAndPadImage image=<f.0 target_width=64 target_height=64 padding_color=white interpolation=lanczos
                e MakeTrainingDataset images=<r.0 vae=<m.2 clip=<m.1 texts=<f.1
                t TrainLoraNode model=<m.0 latents=<e.0 positive=<e.1 batch_size=1 grad_accumulation_steps=1 steps=5 learning_rate=0.0005 rank=8 optimizer=AdamW loss_function=MSE seed=7 training_dtype=bf16 lora_dtype=bf16 quantized_backward=false algorithm=LoRA gradient_checkpointing=true checkpoint_depth=1 offloading=false existing_lora=[None] bucket_mode=false bypass_mode=false
                s SaveLoRA lora=<t.0 prefix=loras/mine steps=<t.2
                g LossGraphNode loss=<t.1 filename_prefix=loss
                """);

        assertThat(Json.write(comfy.getJson("/models/loras")))
                .contains("mine_5_steps_00001_.safetensors");
        var head =
                comfy.send(
                        "HEAD",
                        "/view?filename=mine_5_steps_00001_.safetensors&subfolder=loras",
                        new byte[0]);
        assertThat(head.statusCode()).isEqualTo(200);
        assertThat(head.headers().firstValue("Content-Type")).contains("application/safetensors");
    }
}
