package dev.comfyapi.model.generation;

import java.math.BigDecimal;
import java.util.List;
import java.util.Optional;

/// Models that are run by the same graph, and what suits them when a request does not say.
///
/// The order is the order in which [ModelFamilies] looks: a name may fit several.
public enum ModelFamily {

    /// Flux.1 schnell: distilled to a few steps, without guidance.
    FLUX_SCHNELL(16),

    /// Flux.1 dev and what was made of it: `cfg_scale` is its guidance.
    FLUX(16),

    /// Stable Diffusion 3 and 3.5.
    SD3(16),

    /// Stable Diffusion XL.
    SDXL(8),

    /// Stable Diffusion 1.5, and everything that fits no other family.
    SD15(8);

    /// What suits a family.
    ///
    /// @param size width and height in pixels
    public record Defaults(
            int size, int steps, BigDecimal cfgScale, String sampler, String scheduler) {

        private Defaults(int size, int steps, String cfgScale, String sampler, String scheduler) {
            this(size, steps, new BigDecimal(cfgScale), sampler, scheduler);
        }
    }

    private final int grid;

    /// @param grid pixels: sides of what it paints are multiples of it
    ModelFamily(int grid) {
        this.grid = grid;
    }

    public Defaults defaults() {
        return switch (this) {
            case FLUX_SCHNELL -> new Defaults(1024, 4, "1.0", "euler", "simple");
            case FLUX -> new Defaults(1024, 20, "3.5", "euler", "simple");
            case SD3 -> new Defaults(1024, 28, "4.5", "dpmpp_2m", "sgm_uniform");
            case SDXL -> new Defaults(1024, 30, "7.0", "dpmpp_2m", "karras");
            case SD15 ->
                    new Defaults(
                            GenerationRequest.DEFAULT_SIZE,
                            GenerationRequest.DEFAULT_STEPS,
                            GenerationRequest.DEFAULT_CFG_SCALE,
                            GenerationRequest.DEFAULT_SAMPLER,
                            GenerationRequest.DEFAULT_SCHEDULER);
        };
    }

    /// The text encoders that may lie apart from a model, in the order their loader takes them;
    /// none when the family comes as whole checkpoints only.
    public List<ModelPart> textEncoders() {
        return switch (this) {
            case FLUX, FLUX_SCHNELL -> List.of(ModelPart.T5XXL, ModelPart.CLIP_L);
            case SD3 -> List.of(ModelPart.CLIP_L, ModelPart.CLIP_G, ModelPart.T5XXL);
            case SDXL, SD15 -> List.of();
        };
    }

    /// The decoder that goes with a model of the `diffusion_models` folder.
    public Optional<ModelPart> decoder() {
        return switch (this) {
            case FLUX, FLUX_SCHNELL -> Optional.of(ModelPart.FLUX_VAE);
            case SD3 -> Optional.of(ModelPart.SD3_VAE);
            case SDXL, SD15 -> Optional.empty();
        };
    }

    /// The shipped patterns of its files' names.
    List<String> patterns() {
        return switch (this) {
            case FLUX_SCHNELL -> List.of("*flux*schnell*", "*schnell*flux*");
            case FLUX -> List.of("*flux*");
            case SD3 -> List.of("*sd3*", "*sd_3*", "*sd-3*", "*stable*diffusion*3*");
            case SDXL -> List.of("*xl*", "*pony*", "*illustrious*", "*noobai*");
            case SD15 -> List.of();
        };
    }

    boolean isFlux() {
        return this == FLUX || this == FLUX_SCHNELL;
    }

    /// The smallest size not below this one that the model can paint.
    int onGrid(int pixels) {
        return (pixels + grid - 1) / grid * grid;
    }
}
