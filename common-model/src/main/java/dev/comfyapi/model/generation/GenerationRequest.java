package dev.comfyapi.model.generation;

import java.math.BigDecimal;
import java.util.List;

/// A request for pictures from a prompt: complete, in range, nothing left to default.
///
/// @param prompt trimmed, 1 to [#MAX_PROMPT] characters (code points)
/// @param width pixels, [#MIN_SIZE] to [#MAX_SIZE], divisible by [#SIZE_STEP]
/// @param steps sampler steps, 1 to [#MAX_STEPS]
/// @param cfgScale how closely to follow the prompt, 1 to 30
/// @param sampler a name ComfyUI knows, aliases resolved
/// @param scheduler a name ComfyUI knows
/// @param model checkpoint file name, relative to ComfyUI's `checkpoints` folder
/// @param batchSize pictures in one run, 1 to [#MAX_BATCH]
/// @param loras applied one after the other, at most [#MAX_LORAS]
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
        String model,
        int batchSize,
        List<Lora> loras) {

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

    /// A small model laid over the checkpoint.
    ///
    /// @param name file name, relative to ComfyUI's `loras` folder
    /// @param strength −100 to 100; 1 is as trained
    public record Lora(String name, BigDecimal strength) {}

    public GenerationRequest {
        loras = List.copyOf(loras);
    }
}
