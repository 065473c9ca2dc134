package dev.comfyapi.model.generation;

import dev.comfyapi.model.generation.GraphBuilder.Output;

/// Step 8: enlarging by a model of its own.
final class UpscaleModel {

    private UpscaleModel() {}

    static Output apply(GraphBuilder graph, Output picture, String name) {
        var loaded =
                graph.add("upscale_model", "UpscaleModelLoader").with("model_name", name).output();
        return graph.add("upscale", "ImageUpscaleWithModel")
                .with("upscale_model", loaded)
                .with("image", picture)
                .output();
    }
}
