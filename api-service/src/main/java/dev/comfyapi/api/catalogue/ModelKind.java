package dev.comfyapi.api.catalogue;

import java.util.Map;

/// What clients call the models in each of ComfyUI's folders.
final class ModelKind {

    private static final Map<String, String> BY_FOLDER =
            Map.ofEntries(
                    Map.entry("audio_encoders", "audio_encoder"),
                    Map.entry("checkpoints", "checkpoint"),
                    Map.entry("classifiers", "classifier"),
                    Map.entry("diffusion_models", "diffusion_model"),
                    Map.entry("embeddings", "embedding"),
                    Map.entry("hypernetworks", "hypernetwork"),
                    Map.entry("latent_upscale_models", "latent_upscale_model"),
                    Map.entry("loras", "lora"),
                    Map.entry("model_patches", "model_patch"),
                    Map.entry("style_models", "style_model"),
                    Map.entry("text_encoders", "text_encoder"),
                    Map.entry("upscale_models", "upscale_model"));

    private ModelKind() {}

    /// Folders that custom nodes brought, and those that are no plural, go by their own name.
    static String of(String folder) {
        return BY_FOLDER.getOrDefault(folder, folder);
    }
}
