package dev.comfyapi.model.generation;

import dev.comfyapi.model.generation.GenerationRequest.Upscale;
import dev.comfyapi.model.workflow.Graph;

/// The built-in graph that fulfils a request.
///
/// model → LoRAs → texts → ControlNets → what to begin with → sampler → second pass → decoder →
/// upscaler → file. Each step is a class of its own that adds its nodes and says what they give.
public final class PictureGraph {

    /// What the graph says where the worker puts the prefix of its attempt.
    private static final String PREFIX = "picture";

    private PictureGraph() {}

    public static Graph of(GenerationRequest request) {
        var graph = new GraphBuilder();
        var canvas = Canvas.of(request);

        var model = LoadedModel.load(graph, request.family(), request.files());
        model = Loras.apply(graph, model, request);
        model = SamplingShift.apply(graph, model, request.family(), canvas);
        var conditioning = Conditioning.encode(graph, model, request);
        conditioning = ControlNets.apply(graph, conditioning, model, request);
        var beginning = Beginning.of(graph, conditioning, model, request, canvas);
        var latent = Sampling.first(graph, model, beginning, request);
        if (request.upscale() instanceof Upscale.SecondPass pass) {
            latent = Sampling.second(graph, model, beginning, request, pass, canvas, latent);
        }
        var picture =
                graph.add("decode", "VAEDecode")
                        .with("samples", latent)
                        .with("vae", model.vae())
                        .output();
        picture = canvas.cut(graph, picture);
        if (request.upscale() instanceof Upscale.ByModel(var upscaler)) {
            picture = UpscaleModel.apply(graph, picture, upscaler);
        }
        graph.add("save", "SaveImage").with("filename_prefix", PREFIX).with("images", picture);
        return graph.build();
    }
}
