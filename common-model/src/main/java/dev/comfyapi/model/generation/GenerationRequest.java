package dev.comfyapi.model.generation;

import org.jspecify.annotations.Nullable;

import java.math.BigDecimal;
import java.util.List;

/// A request for pictures from a prompt: complete, in range, nothing left to default.
///
/// Pictures are named by references such as `asset://<asset_id>`; the worker puts the files in
/// their place.
///
/// @param prompt trimmed, 1 to [#MAX_PROMPT] characters (code points)
/// @param width pixels, [#MIN_SIZE] to [#MAX_SIZE], divisible by [#SIZE_STEP]
/// @param steps sampler steps, 1 to [#MAX_STEPS]
/// @param cfgScale how closely to follow the prompt, 1 to 30
/// @param sampler a name ComfyUI knows, aliases resolved
/// @param scheduler a name ComfyUI knows
/// @param family which kind of graph the model takes
/// @param files what the model is loaded from
/// @param batchSize pictures in one run, 1 to [#MAX_BATCH]
/// @param loras applied one after the other, at most [#MAX_LORAS]
/// @param start the picture to begin with; null to begin with noise
/// @param controlNets applied one after the other, at most [#MAX_CONTROL_NETS]
/// @param upscale how to enlarge; null for not at all
public record GenerationRequest(
        String prompt,
        String negativePrompt,
        int width,
        int height,
        int steps,
        BigDecimal cfgScale,
        String sampler,
        String scheduler,
        Seed seed,
        ModelFamily family,
        ModelFiles files,
        int batchSize,
        List<Lora> loras,
        @Nullable StartImage start,
        List<ControlNet> controlNets,
        @Nullable Upscale upscale) {

    public static final int MAX_PROMPT = 5_000;
    public static final int MAX_NEGATIVE_PROMPT = 2_000;
    public static final int MIN_SIZE = 64;
    public static final int MAX_SIZE = 2_048;
    public static final int SIZE_STEP = 8;
    public static final int DEFAULT_SIZE = 512;
    public static final int MAX_STEPS = 150;
    public static final int DEFAULT_STEPS = 20;
    public static final BigDecimal MIN_CFG_SCALE = new BigDecimal("1.0");
    public static final BigDecimal MAX_CFG_SCALE = new BigDecimal("30.0");
    public static final BigDecimal DEFAULT_CFG_SCALE = new BigDecimal("7.0");
    public static final String DEFAULT_SAMPLER = "euler_ancestral";
    public static final String DEFAULT_SCHEDULER = "normal";
    public static final int MAX_BATCH = 4;
    public static final int MAX_LORAS = 5;
    public static final int MAX_CONTROL_NETS = 3;

    /// Longest side of a picture after a second pass, in pixels.
    public static final int MAX_ENLARGED_SIZE = 4_096;

    /// A small model laid over the checkpoint.
    ///
    /// @param name file name, relative to ComfyUI's `loras` folder
    /// @param strength −100 to 100; 1 is as trained
    public record Lora(String name, BigDecimal strength) {}

    /// A picture to begin with; it is cut and scaled to the wanted size.
    ///
    /// @param image reference to the picture
    /// @param strength how much is painted anew, 0 (nothing) to 1 (everything)
    /// @param mask reference to a grey picture, white where to paint; null to paint everywhere
    public record StartImage(String image, BigDecimal strength, @Nullable String mask) {

        public static final BigDecimal DEFAULT_STRENGTH = new BigDecimal("0.75");
    }

    /// A picture that guides the composition.
    ///
    /// @param model file name, relative to ComfyUI's `controlnet` folder
    /// @param image reference to the guide as the model expects it: edges, depth, a pose
    /// @param strength 0 to 10; 1 is as trained
    /// @param start from which share of the steps it guides, 0 to 1
    /// @param end until which share of the steps it guides, `start` to 1
    public record ControlNet(
            String model, String image, BigDecimal strength, BigDecimal start, BigDecimal end) {}

    /// How to enlarge a picture.
    public sealed interface Upscale {

        /// By a model that decides the factor.
        ///
        /// @param model file name, relative to ComfyUI's `upscale_models` folder
        record ByModel(String model) implements Upscale {}

        /// By a second pass of the sampler over the enlarged picture ("hires fix").
        ///
        /// @param factor [#MIN_FACTOR] to [#MAX_FACTOR]
        /// @param denoise how much the second pass may change, 0 to 1
        record SecondPass(BigDecimal factor, BigDecimal denoise) implements Upscale {

            public static final BigDecimal MIN_FACTOR = new BigDecimal("1.0");
            public static final BigDecimal MAX_FACTOR = new BigDecimal("4.0");
            public static final BigDecimal DEFAULT_DENOISE = new BigDecimal("0.5");

            /// What a side becomes, in pixels.
            public int enlarged(int side) {
                return factor.multiply(BigDecimal.valueOf(side))
                                .divide(
                                        BigDecimal.valueOf(SIZE_STEP),
                                        0,
                                        java.math.RoundingMode.HALF_UP)
                                .intValue()
                        * SIZE_STEP;
            }
        }
    }

    public GenerationRequest {
        loras = List.copyOf(loras);
        controlNets = List.copyOf(controlNets);
    }

    /// From noise, with a Stable Diffusion 1.5 checkpoint.
    public GenerationRequest(
            String prompt,
            String negativePrompt,
            int width,
            int height,
            int steps,
            BigDecimal cfgScale,
            String sampler,
            String scheduler,
            Seed seed,
            String checkpoint,
            int batchSize,
            List<Lora> loras) {
        this(
                prompt,
                negativePrompt,
                width,
                height,
                steps,
                cfgScale,
                sampler,
                scheduler,
                seed,
                ModelFamily.SD15,
                new ModelFiles.Checkpoint(checkpoint),
                batchSize,
                loras,
                null,
                List.of(),
                null);
    }

    /// The model's file as requests name it.
    public String model() {
        return files.main();
    }
}
