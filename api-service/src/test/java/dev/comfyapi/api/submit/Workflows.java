package dev.comfyapi.api.submit;

import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

import java.util.List;
import java.util.Map;

/// Graphs as people export them, one of each usual kind.
final class Workflows {

    /// @param models every model file it names, with the pointer to the place
    record Example(String name, ObjectNode graph, Map<String, String> models) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static final JsonMapper JSON = JsonMapper.shared();

    /// What the SD 1.5 graphs share; they differ in where the latent comes from.
    private static final String BASE =
            """
            "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd15.safetensors"}},
            "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a stone bridge", "clip": ["4", 1]}},
            "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "fog", "clip": ["4", 1]}},
            "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
            "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "ComfyUI", "images": ["8", 0]},
                  "_meta": {"title": "Save Image"}}
            """;

    private static final String SAMPLER =
            """
            "3": {"class_type": "KSampler", "inputs": {"seed": 8566257, "steps": 20, "cfg": 8, "sampler_name": "euler",
                  "scheduler": "normal", "denoise": %s, "model": ["%s", 0], "positive": ["%s", 0],
                  "negative": ["%s", %d], "latent_image": ["5", %d]}},
            """;

    private static final String EMPTY =
            """
            "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 512, "batch_size": 1}},
            """;

    private static final String CHECKPOINT = "/4/inputs/ckpt_name";

    private Workflows() {}

    static List<Example> all() {
        return List.of(
                textToImage(),
                imageToImage(),
                lora(),
                controlNet(),
                upscale(),
                inpaint(),
                sdxl(),
                flux(),
                sd3(),
                twoPasses(),
                outpaint(),
                otherDecoder(),
                soundAndFilm(),
                body());
    }

    static Example textToImage() {
        return of(
                "text to image",
                sampler("1", "4", "6", "7") + EMPTY + BASE,
                Map.of(CHECKPOINT, "checkpoints/sd15.safetensors"));
    }

    private static Example imageToImage() {
        return of(
                "image to image",
                sampler("0.6", "4", "6", "7")
                        + """
                        "1": {"class_type": "LoadImage", "inputs":
                              {"image": "asset://0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f", "upload": "image"}},
                        "5": {"class_type": "VAEEncode", "inputs": {"pixels": ["1", 0], "vae": ["4", 2]}},
                        """
                        + BASE,
                Map.of(CHECKPOINT, "checkpoints/sd15.safetensors"));
    }

    private static Example lora() {
        return of(
                "LoRA",
                sampler("1", "10", "6", "7")
                        + """
                        "10": {"class_type": "LoraLoader", "inputs": {"lora_name": "add_detail.safetensors",
                               "strength_model": 0.8, "strength_clip": 1, "model": ["4", 0], "clip": ["4", 1]}},
                        """
                        + EMPTY
                        + BASE,
                Map.of(
                        CHECKPOINT,
                        "checkpoints/sd15.safetensors",
                        "/10/inputs/lora_name",
                        "loras/add_detail.safetensors"));
    }

    private static Example controlNet() {
        return of(
                "ControlNet",
                SAMPLER.formatted("1", "4", "12", "12", 1, 0)
                        + """
                        "1": {"class_type": "LoadImage", "inputs": {"image": "edges.png"}},
                        "2": {"class_type": "Canny", "inputs":
                              {"low_threshold": 0.4, "high_threshold": 0.8, "image": ["1", 0]}},
                        "11": {"class_type": "ControlNetLoader", "inputs":
                               {"control_net_name": "control_v11p_sd15_canny.safetensors"}},
                        "12": {"class_type": "ControlNetApplyAdvanced", "inputs": {"strength": 0.8, "start_percent": 0,
                               "end_percent": 0.9, "positive": ["6", 0], "negative": ["7", 0],
                               "control_net": ["11", 0], "image": ["2", 0], "vae": ["4", 2]}},
                        """
                        + EMPTY
                        + BASE,
                Map.of(
                        CHECKPOINT,
                        "checkpoints/sd15.safetensors",
                        "/11/inputs/control_net_name",
                        "controlnet/control_v11p_sd15_canny.safetensors"));
    }

    private static Example upscale() {
        return of(
                "upscale",
                """
                "1": {"class_type": "LoadImage", "inputs":
                      {"image": "asset://0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f"}},
                "2": {"class_type": "UpscaleModelLoader", "inputs": {"model_name": "RealESRGAN_x4plus.pth"}},
                "3": {"class_type": "ImageUpscaleWithModel", "inputs": {"upscale_model": ["2", 0], "image": ["1", 0]}},
                "4": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "big"}}
                """,
                Map.of("/2/inputs/model_name", "upscale_models/RealESRGAN_x4plus.pth"));
    }

    private static Example inpaint() {
        return of(
                "inpaint",
                SAMPLER.formatted("1", "4", "13", "13", 1, 2).replace("[\"5\", 2]", "[\"13\", 2]")
                        + """
                        "1": {"class_type": "LoadImage", "inputs": {"image": "photo.png"}},
                        "2": {"class_type": "LoadImageMask", "inputs": {"image": "hole.png", "channel": "red"}},
                        "13": {"class_type": "InpaintModelConditioning", "inputs": {"noise_mask": true,
                               "positive": ["6", 0], "negative": ["7", 0], "vae": ["4", 2], "pixels": ["1", 0],
                               "mask": ["2", 0]}},
                        """
                        + BASE.replace("sd15.safetensors", "sd15_inpainting.safetensors"),
                Map.of(CHECKPOINT, "checkpoints/sd15_inpainting.safetensors"));
    }

    private static Example sdxl() {
        return of(
                "SDXL with its refiner",
                """
                "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd_xl_base_1.0.safetensors"}},
                "2": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd_xl_refiner_1.0.safetensors"}},
                "3": {"class_type": "CLIPTextEncodeSDXL", "inputs": {"width": 1024, "height": 1024, "crop_w": 0,
                      "crop_h": 0, "target_width": 1024, "target_height": 1024, "text_g": "a harbour", "text_l": "a harbour",
                      "clip": ["1", 1]}},
                "4": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["1", 1]}},
                "5": {"class_type": "CLIPTextEncodeSDXLRefiner", "inputs": {"ascore": 6, "width": 1024, "height": 1024,
                      "text": "a harbour", "clip": ["2", 1]}},
                "6": {"class_type": "CLIPTextEncodeSDXLRefiner", "inputs": {"ascore": 2, "width": 1024, "height": 1024,
                      "text": "", "clip": ["2", 1]}},
                "7": {"class_type": "EmptyLatentImage", "inputs": {"width": 1024, "height": 1024, "batch_size": 1}},
                "8": {"class_type": "KSamplerAdvanced", "inputs": {"add_noise": "enable", "noise_seed": 721897303308196,
                      "steps": 25, "cfg": 8, "sampler_name": "dpmpp_2m", "scheduler": "karras", "start_at_step": 0,
                      "end_at_step": 20, "return_with_leftover_noise": "enable", "model": ["1", 0], "positive": ["3", 0],
                      "negative": ["4", 0], "latent_image": ["7", 0]}},
                "9": {"class_type": "KSamplerAdvanced", "inputs": {"add_noise": "disable", "noise_seed": 0, "steps": 25,
                      "cfg": 8, "sampler_name": "dpmpp_2m", "scheduler": "karras", "start_at_step": 20,
                      "end_at_step": 10000, "return_with_leftover_noise": "disable", "model": ["2", 0],
                      "positive": ["5", 0], "negative": ["6", 0], "latent_image": ["8", 0]}},
                "10": {"class_type": "VAEDecode", "inputs": {"samples": ["9", 0], "vae": ["2", 2]}},
                "11": {"class_type": "SaveImage", "inputs": {"filename_prefix": "sdxl", "images": ["10", 0]}}
                """,
                Map.of(
                        "/1/inputs/ckpt_name",
                        "checkpoints/sd_xl_base_1.0.safetensors",
                        "/2/inputs/ckpt_name",
                        "checkpoints/sd_xl_refiner_1.0.safetensors"));
    }

    private static Example flux() {
        return of(
                "Flux",
                """
                "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a kite", "clip": ["11", 0]}},
                "8": {"class_type": "VAEDecode", "inputs": {"samples": ["13", 0], "vae": ["10", 0]}},
                "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "flux", "images": ["8", 0]}},
                "10": {"class_type": "VAELoader", "inputs": {"vae_name": "ae.safetensors"}},
                "11": {"class_type": "DualCLIPLoader", "inputs": {"clip_name1": "t5xxl_fp8_e4m3fn.safetensors",
                       "clip_name2": "clip_l.safetensors", "type": "flux"}},
                "12": {"class_type": "UNETLoader", "inputs":
                       {"unet_name": "flux1-dev.safetensors", "weight_dtype": "default"}},
                "13": {"class_type": "SamplerCustomAdvanced", "inputs": {"noise": ["25", 0], "guider": ["22", 0],
                       "sampler": ["16", 0], "sigmas": ["17", 0], "latent_image": ["27", 0]}},
                "16": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
                "17": {"class_type": "BasicScheduler", "inputs":
                       {"scheduler": "simple", "steps": 20, "denoise": 1, "model": ["30", 0]}},
                "22": {"class_type": "BasicGuider", "inputs": {"model": ["30", 0], "conditioning": ["26", 0]}},
                "25": {"class_type": "RandomNoise", "inputs": {"noise_seed": 18446744073709551615}},
                "26": {"class_type": "FluxGuidance", "inputs": {"guidance": 3.5, "conditioning": ["6", 0]}},
                "27": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 1024, "height": 768, "batch_size": 1}},
                "30": {"class_type": "ModelSamplingFlux", "inputs": {"max_shift": 1.15, "base_shift": 0.5, "width": 1024,
                       "height": 768, "model": ["12", 0]}}
                """,
                Map.of(
                        "/10/inputs/vae_name",
                        "vae/ae.safetensors",
                        "/11/inputs/clip_name1",
                        "text_encoders/t5xxl_fp8_e4m3fn.safetensors",
                        "/11/inputs/clip_name2",
                        "text_encoders/clip_l.safetensors",
                        "/12/inputs/unet_name",
                        "diffusion_models/flux1-dev.safetensors"));
    }

    private static Example sd3() {
        return of(
                "SD 3",
                """
                "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd3.5_large.safetensors"}},
                "2": {"class_type": "TripleCLIPLoader", "inputs": {"clip_name1": "clip_l.safetensors",
                      "clip_name2": "clip_g.safetensors", "clip_name3": "t5xxl_fp16.safetensors"}},
                "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "a samovar", "clip": ["2", 0]}},
                "4": {"class_type": "ConditioningZeroOut", "inputs": {"conditioning": ["3", 0]}},
                "5": {"class_type": "ModelSamplingSD3", "inputs": {"shift": 3, "model": ["1", 0]}},
                "6": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 1024, "height": 1024, "batch_size": 1}},
                "7": {"class_type": "KSampler", "inputs": {"seed": "42", "steps": 28, "cfg": 4.5,
                      "sampler_name": "dpmpp_2m", "scheduler": "sgm_uniform", "denoise": 1.0, "model": ["5", 0],
                      "positive": ["3", 0], "negative": ["4", 0], "latent_image": ["6", 0]}},
                "8": {"class_type": "VAEDecode", "inputs": {"samples": ["7", 0], "vae": ["1", 2]}},
                "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0]}}
                """,
                Map.of(
                        "/1/inputs/ckpt_name",
                        "checkpoints/sd3.5_large.safetensors",
                        "/2/inputs/clip_name1",
                        "text_encoders/clip_l.safetensors",
                        "/2/inputs/clip_name2",
                        "text_encoders/clip_g.safetensors",
                        "/2/inputs/clip_name3",
                        "text_encoders/t5xxl_fp16.safetensors"));
    }

    private static Example twoPasses() {
        return of(
                "two passes",
                sampler("1", "4", "6", "7")
                        + sampler("0.5", "4", "6", "7")
                                .replace("\"3\":", "\"20\":")
                                .replace("[\"5\", 0]", "[\"21\", 0]")
                        + """
                        "21": {"class_type": "LatentUpscaleBy", "inputs":
                               {"upscale_method": "bislerp", "scale_by": 1.5, "samples": ["3", 0]}},
                        """
                        + EMPTY
                        + BASE.replace("[\"3\", 0]", "[\"20\", 0]"),
                Map.of(CHECKPOINT, "checkpoints/sd15.safetensors"));
    }

    private static Example outpaint() {
        return of(
                "outpaint",
                sampler("1", "4", "6", "7")
                        + """
                        "1": {"class_type": "LoadImage", "inputs": {"image": "photo.png"}},
                        "2": {"class_type": "ImagePadForOutpaint", "inputs": {"left": 0, "top": 0, "right": 256,
                              "bottom": 0, "feathering": 40, "image": ["1", 0]}},
                        "5": {"class_type": "VAEEncodeForInpaint", "inputs": {"grow_mask_by": 6, "pixels": ["2", 0],
                              "mask": ["2", 1], "vae": ["4", 2]}},
                        """
                        + BASE.replace("sd15.safetensors", "sd15_inpainting.safetensors"),
                Map.of(CHECKPOINT, "checkpoints/sd15_inpainting.safetensors"));
    }

    private static Example otherDecoder() {
        return of(
                "another decoder, an earlier layer, and a mask for the noise",
                sampler("0.7", "4", "6", "7")
                        + """
                        "1": {"class_type": "LoadImage", "inputs": {"image": "photo.png"}},
                        "2": {"class_type": "VAELoader", "inputs": {"vae_name": "vae-ft-mse.safetensors"}},
                        "10": {"class_type": "VAEEncode", "inputs": {"pixels": ["1", 0], "vae": ["2", 0]}},
                        "5": {"class_type": "SetLatentNoiseMask", "inputs": {"samples": ["10", 0], "mask": ["1", 1]}},
                        "11": {"class_type": "CLIPSetLastLayer", "inputs": {"stop_at_clip_layer": -2, "clip": ["4", 1]}},
                        """
                        + BASE.replace("\"clip\": [\"4\", 1]", "\"clip\": [\"11\", 0]")
                                .replace("\"vae\": [\"4\", 2]", "\"vae\": [\"2\", 0]"),
                Map.of(
                        CHECKPOINT,
                        "checkpoints/sd15.safetensors",
                        "/2/inputs/vae_name",
                        "vae/vae-ft-mse.safetensors"));
    }

    private static Example soundAndFilm() {
        return of(
                "sound, film, animation and text",
                """
                "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 4, "color": 255}},
                "2": {"class_type": "EmptyAudio", "inputs": {"duration": 2.5, "sample_rate": 44100, "channels": 2}},
                "3": {"class_type": "CreateVideo", "inputs": {"fps": 24, "images": ["1", 0], "audio": ["2", 0]}},
                "4": {"class_type": "SaveVideo", "inputs":
                      {"filename_prefix": "video/film", "format": "mp4", "codec": "h264", "video": ["3", 0]}},
                "5": {"class_type": "SaveWEBM", "inputs":
                      {"filename_prefix": "film", "codec": "vp9", "fps": 24, "crf": 32, "images": ["1", 0]}},
                "6": {"class_type": "SaveAudio", "inputs": {"filename_prefix": "audio/a", "audio": ["2", 0]}},
                "7": {"class_type": "SaveAudioMP3", "inputs":
                      {"filename_prefix": "audio/a", "quality": "V0", "audio": ["2", 0]}},
                "8": {"class_type": "SaveAudioOpus", "inputs":
                      {"filename_prefix": "audio/a", "quality": "128k", "audio": ["2", 0]}},
                "9": {"class_type": "SaveAnimatedWEBP", "inputs": {"filename_prefix": "a", "fps": 6, "lossless": true,
                      "quality": 80, "method": "default", "images": ["1", 0]}},
                "10": {"class_type": "SaveAnimatedPNG", "inputs":
                       {"filename_prefix": "a", "fps": 6, "compress_level": 4, "images": ["1", 0]}},
                "11": {"class_type": "StringConcatenate", "inputs":
                       {"string_a": "a film of", "string_b": "four pictures", "delimiter": " "}},
                "12": {"class_type": "SaveText", "inputs": {"filename_prefix": "t", "format": "md", "text": ["11", 0]}},
                "13": {"class_type": "PreviewAny", "inputs": {"source": ["11", 0]}},
                "14": {"class_type": "PreviewAudio", "inputs": {"audio": ["2", 0]}}
                """,
                Map.of());
    }

    private static Example body() {
        return of(
                "a body and a latent",
                """
                "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd15.safetensors"}},
                "2": {"class_type": "EmptyLatentHunyuan3Dv2", "inputs": {"resolution": 3072, "batch_size": 1}},
                "3": {"class_type": "VAEDecodeHunyuan3D", "inputs":
                      {"num_chunks": 8000, "octree_resolution": 256, "samples": ["2", 0], "vae": ["1", 2]}},
                "4": {"class_type": "VoxelToMesh", "inputs":
                      {"algorithm": "surface net", "threshold": 0.6, "voxel": ["3", 0]}},
                "5": {"class_type": "SaveGLB", "inputs": {"filename_prefix": "3d/body", "mesh": ["4", 0]}},
                "6": {"class_type": "SaveLatent", "inputs": {"filename_prefix": "latents/body", "samples": ["2", 0]}}
                """,
                Map.of("/1/inputs/ckpt_name", "checkpoints/sd15.safetensors"));
    }

    private static String sampler(String denoise, String model, String positive, String negative) {
        return SAMPLER.formatted(denoise, model, positive, negative, 0, 0);
    }

    private static Example of(String name, String nodes, Map<String, String> models) {
        return new Example(name, (ObjectNode) JSON.readTree("{" + nodes + "}"), models);
    }
}
