package dev.comfyapi.model.generation;

import dev.comfyapi.model.generation.GraphBuilder.Output;

/// Step 4: the prompts as the model reads them.
record Conditioning(Output positive, Output negative) {

    static Conditioning encode(GraphBuilder graph, LoadedModel model, GenerationRequest request) {
        var positive = encoded(graph, "positive", model, request.prompt());
        return switch (request.family()) {
            case SD15, SDXL, SD3 ->
                    new Conditioning(
                            positive, encoded(graph, "negative", model, request.negativePrompt()));
            case FLUX ->
                    new Conditioning(
                            graph.add("guidance", "FluxGuidance")
                                    .with("conditioning", positive)
                                    .with("guidance", request.cfgScale())
                                    .output(),
                            nothing(graph, positive));
            case FLUX_SCHNELL -> new Conditioning(positive, nothing(graph, positive));
        };
    }

    private static Output encoded(GraphBuilder graph, String id, LoadedModel model, String text) {
        return graph.add(id, "CLIPTextEncode")
                .with("text", text)
                .with("clip", model.clip())
                .output();
    }

    /// Flux does not look at a negative prompt, but samplers have an input for one.
    private static Output nothing(GraphBuilder graph, Output positive) {
        return graph.add("negative", "ConditioningZeroOut").with("conditioning", positive).output();
    }
}
