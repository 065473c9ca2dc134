package dev.comfyapi.simulator;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The names of the models that this server claims to have, by folder. There are no files behind
/// them.
final class ModelFolders {

    private static final List<String> KNOWN =
            List.of(
                    "checkpoints",
                    "configs",
                    "loras",
                    "vae",
                    "text_encoders",
                    "diffusion_models",
                    "clip_vision",
                    "style_models",
                    "embeddings",
                    "diffusers",
                    "vae_approx",
                    "controlnet",
                    "gligen",
                    "upscale_models",
                    "latent_upscale_models",
                    "custom_nodes",
                    "datasets",
                    "hypernetworks",
                    "photomaker",
                    "classifiers",
                    "model_patches",
                    "audio_encoders",
                    "background_removal",
                    "frame_interpolation",
                    "geometry_estimation",
                    "optical_flow",
                    "detection");

    private final Map<String, List<String>> names = new LinkedHashMap<>();
    private final ServerFolders disk;

    ModelFolders(Map<String, List<String>> replaced, ServerFolders disk) {
        this.disk = disk;
        KNOWN.forEach(folder -> names.put(folder, List.of()));
        names.putAll(believable());
        replaced.forEach((folder, models) -> names.put(folder, models.stream().sorted().toList()));
    }

    /// What a small studio would have: SD 1.5, SDXL, SD 3.5 and Flux with their parts.
    private static Map<String, List<String>> believable() {
        return Map.of(
                "checkpoints",
                List.of(
                        "dreamshaper_8.safetensors",
                        "flux1-dev-fp8.safetensors",
                        "flux1-schnell-fp8.safetensors",
                        "juggernautXL_v9.safetensors",
                        "sd15.safetensors",
                        "sd15_inpainting.safetensors",
                        "sd3.5_large.safetensors",
                        "sd3_medium_incl_clips_t5xxlfp8.safetensors",
                        "sd_xl_base_1.0.safetensors",
                        "sd_xl_refiner_1.0.safetensors",
                        "sd_xl_turbo_1.0_fp16.safetensors",
                        "sdxl_base.safetensors",
                        "sdxl_refiner.safetensors",
                        "v1-5-pruned-emaonly.safetensors"),
                "vae",
                List.of("ae.safetensors", "sdxl_vae.safetensors", "vae-ft-mse.safetensors"),
                "loras",
                List.of(
                        "add_detail.safetensors",
                        "lcm_lora_sdv1-5.safetensors",
                        "pixel-art-xl.safetensors",
                        "style_a.safetensors",
                        "style_b.safetensors"),
                "controlnet",
                List.of(
                        "control_canny.safetensors",
                        "control_depth.safetensors",
                        "control_openpose.safetensors",
                        "control_v11p_sd15_canny.safetensors",
                        "diffusion_pytorch_model_promax.safetensors"),
                "upscale_models",
                List.of("4x-UltraSharp.pth", "4x_model.pth", "RealESRGAN_x4plus.pth"),
                "text_encoders",
                List.of(
                        "clip_g.safetensors",
                        "clip_l.safetensors",
                        "t5xxl_fp16.safetensors",
                        "t5xxl_fp8_e4m3fn.safetensors"),
                "diffusion_models",
                List.of("flux1-dev.safetensors", "flux1-schnell.safetensors"),
                "clip_vision",
                List.of("clip_vision_g.safetensors", "clip_vision_h.safetensors"),
                "style_models",
                List.of("flux1-redux-dev.safetensors"),
                "embeddings",
                List.of("easynegative.safetensors"));
    }

    List<String> folders() {
        return List.copyOf(names.keySet());
    }

    /// The model names of a folder, or null if there is no such folder.
    ///
    /// LoRAs trained here are models at once: ComfyUI searches `output/loras` too.
    @Nullable List<String> models(String folder) {
        var models = names.get(folder);
        if (models == null || !folder.equals("loras")) {
            return models;
        }
        var withTrained = new ArrayList<>(models);
        disk.list(ServerFolders.Kind.OUTPUT, "loras", ".safetensors").stream()
                .filter(name -> !models.contains(name))
                .forEach(withTrained::add);
        return withTrained;
    }
}
