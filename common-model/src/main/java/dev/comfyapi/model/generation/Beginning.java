package dev.comfyapi.model.generation;

import dev.comfyapi.model.generation.GenerationRequest.StartImage;
import dev.comfyapi.model.generation.GraphBuilder.Output;

import java.math.BigDecimal;

/// Step 6: what the sampler begins with: noise, a picture, or a picture to repaint in part.
///
/// @param denoise how much the sampler paints anew, 0 to 1
record Beginning(Conditioning conditioning, Output latent, BigDecimal denoise) {

    private static final BigDecimal EVERYTHING = new BigDecimal("1.0");

    static Beginning of(
            GraphBuilder graph,
            Conditioning conditioning,
            LoadedModel model,
            GenerationRequest request,
            Canvas canvas) {
        var start = request.start();
        if (start == null) {
            return new Beginning(conditioning, noise(graph, request, canvas), EVERYTHING);
        }
        var loaded = graph.add("init_image", "LoadImage").with("image", start.image()).output();
        var picture = Canvas.scaled(graph, "init_scaled", loaded, "lanczos", canvas.painted());
        var one =
                start.mask() == null
                        ? picture(graph, conditioning, model, picture, start)
                        : repaint(graph, conditioning, model, picture, start, start.mask(), canvas);
        return one.repeated(graph, request.batchSize());
    }

    private static Output noise(GraphBuilder graph, GenerationRequest request, Canvas canvas) {
        var nodeClass =
                switch (request.family()) {
                    case SD15, SDXL -> "EmptyLatentImage";
                    case SD3, FLUX, FLUX_SCHNELL -> "EmptySD3LatentImage";
                };
        return graph.add("latent", nodeClass)
                .with("width", canvas.painted().width())
                .with("height", canvas.painted().height())
                .with("batch_size", request.batchSize())
                .output();
    }

    private static Beginning picture(
            GraphBuilder graph,
            Conditioning conditioning,
            LoadedModel model,
            Output picture,
            StartImage start) {
        var latent =
                graph.add("latent", "VAEEncode")
                        .with("pixels", picture)
                        .with("vae", model.vae())
                        .output();
        return new Beginning(conditioning, latent, start.strength());
    }

    /// With inpainting models and ordinary ones alike.
    private static Beginning repaint(
            GraphBuilder graph,
            Conditioning conditioning,
            LoadedModel model,
            Output picture,
            StartImage start,
            String reference,
            Canvas canvas) {
        var loaded = graph.add("mask_image", "LoadImage").with("image", reference).output();
        // As the picture is cut and scaled, so is its mask.
        var scaled = Canvas.scaled(graph, "mask_scaled", loaded, "bilinear", canvas.painted());
        var mask =
                graph.add("mask", "ImageToMask")
                        .with("image", scaled)
                        .with("channel", "red")
                        .output();
        var node =
                graph.add("latent", "InpaintModelConditioning")
                        .with("positive", conditioning.positive())
                        .with("negative", conditioning.negative())
                        .with("vae", model.vae())
                        .with("pixels", picture)
                        .with("mask", mask)
                        .with("noise_mask", true);
        return new Beginning(
                new Conditioning(node.output(0), node.output(1)), node.output(2), start.strength());
    }

    /// One picture gives one latent, whatever the batch.
    private Beginning repeated(GraphBuilder graph, int batchSize) {
        if (batchSize == 1) {
            return this;
        }
        var batch =
                graph.add("batch", "RepeatLatentBatch")
                        .with("samples", latent)
                        .with("amount", batchSize)
                        .output();
        return new Beginning(conditioning, batch, denoise);
    }
}
