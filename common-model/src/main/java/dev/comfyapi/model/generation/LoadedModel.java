package dev.comfyapi.model.generation;

import dev.comfyapi.model.generation.GraphBuilder.Output;

import java.util.List;

/// Step 1: what the model's files give.
///
/// @param separate whether its text encoders are apart from it
record LoadedModel(Output model, Output clip, Output vae, boolean separate) {

    static LoadedModel load(GraphBuilder graph, ModelFamily family, ModelFiles files) {
        return switch (files) {
            case ModelFiles.Checkpoint(var name) -> checkpoint(graph, name);
            case ModelFiles.BareCheckpoint(var name, var encoders) -> {
                var loaded = checkpoint(graph, name);
                yield new LoadedModel(
                        loaded.model, encoders(graph, family, encoders), loaded.vae, true);
            }
            case ModelFiles.Separate(var name, var encoders, var vae) ->
                    new LoadedModel(
                            graph.add("model", "UNETLoader")
                                    .with("unet_name", name)
                                    .with("weight_dtype", "default")
                                    .output(),
                            encoders(graph, family, encoders),
                            graph.add("vae", "VAELoader").with("vae_name", vae).output(),
                            true);
        };
    }

    LoadedModel with(Output newModel, Output newClip) {
        return new LoadedModel(newModel, newClip, vae, separate);
    }

    private static LoadedModel checkpoint(GraphBuilder graph, String name) {
        var node = graph.add("checkpoint", "CheckpointLoaderSimple").with("ckpt_name", name);
        return new LoadedModel(node.output(0), node.output(1), node.output(2), false);
    }

    private static Output encoders(GraphBuilder graph, ModelFamily family, List<String> names) {
        var node =
                family.isFlux()
                        ? graph.add("clip", "DualCLIPLoader").with("type", "flux")
                        : graph.add("clip", "TripleCLIPLoader");
        for (int i = 0; i < names.size(); i++) {
            node.with("clip_name" + (i + 1), names.get(i));
        }
        return node.output();
    }
}
