package dev.comfyapi.model.generation;

import dev.comfyapi.model.generation.GenerationRequest.Upscale;
import dev.comfyapi.model.generation.GraphBuilder.Output;

import java.math.BigDecimal;

/// Step 7: the painting itself, once, or a second time on an enlarged canvas.
final class Sampling {

    /// Flux has its guidance in the prompt; the sampler's own would spoil the picture.
    private static final BigDecimal NO_GUIDANCE = new BigDecimal("1.0");

    private Sampling() {}

    static Output first(
            GraphBuilder graph, LoadedModel model, Beginning beginning, GenerationRequest request) {
        return pass(
                graph,
                "sampler",
                model,
                beginning.conditioning(),
                request,
                beginning.latent(),
                beginning.denoise());
    }

    static Output second(
            GraphBuilder graph,
            LoadedModel model,
            Beginning beginning,
            GenerationRequest request,
            Upscale.SecondPass pass,
            Canvas canvas,
            Output latent) {
        var enlarged =
                graph.add("enlarged", "LatentUpscale")
                        .with("samples", latent)
                        .with("upscale_method", "bislerp")
                        .with("width", canvas.enlarged().width())
                        .with("height", canvas.enlarged().height())
                        .with("crop", "disabled")
                        .output();
        return pass(
                graph,
                "second_sampler",
                model,
                beginning.conditioning(),
                request,
                enlarged,
                pass.denoise());
    }

    private static Output pass(
            GraphBuilder graph,
            String id,
            LoadedModel model,
            Conditioning conditioning,
            GenerationRequest request,
            Output latent,
            BigDecimal denoise) {
        return graph.add(id, "KSampler")
                .with("model", model.model())
                .with("seed", request.seed().toBigInteger())
                .with("steps", request.steps())
                .with("cfg", request.family().isFlux() ? NO_GUIDANCE : request.cfgScale())
                .with("sampler_name", request.sampler())
                .with("scheduler", request.scheduler())
                .with("positive", conditioning.positive())
                .with("negative", conditioning.negative())
                .with("latent_image", latent)
                .with("denoise", denoise)
                .output();
    }
}
