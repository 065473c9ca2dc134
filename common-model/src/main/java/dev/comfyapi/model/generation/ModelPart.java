package dev.comfyapi.model.generation;

import java.util.List;

/// A file that some models need beside their own.
public enum ModelPart {
    CLIP_L("text_encoders", "clip_l.safetensors"),
    CLIP_G("text_encoders", "clip_g.safetensors"),
    T5XXL("text_encoders", "t5xxl_fp16.safetensors"),
    FLUX_VAE("vae", "ae.safetensors"),
    SD3_VAE("vae", "sd3_vae.safetensors");

    private final String folder;
    private final String usualName;

    ModelPart(String folder, String usualName) {
        this.folder = folder;
        this.usualName = usualName;
    }

    /// ComfyUI's model folder that it lies in.
    public String folder() {
        return folder;
    }

    /// The name it is usually published under.
    public String usualName() {
        return usualName;
    }

    /// The shipped patterns of its name, the preferred ones first.
    List<String> patterns() {
        return switch (this) {
            case CLIP_L -> List.of("clip_l*");
            case CLIP_G -> List.of("clip_g*");
            case T5XXL -> List.of("t5xxl_fp16*", "t5xxl_fp8*", "*t5xxl*");
            case FLUX_VAE -> List.of("ae.*", "*flux*");
            case SD3_VAE -> List.of("*sd3*");
        };
    }
}
