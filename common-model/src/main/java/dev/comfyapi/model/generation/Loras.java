package dev.comfyapi.model.generation;

/// Step 2: small models laid over the model, one after the other.
final class Loras {

    private Loras() {}

    static LoadedModel apply(GraphBuilder graph, LoadedModel loaded, GenerationRequest request) {
        var model = loaded;
        for (int i = 0; i < request.loras().size(); i++) {
            var id = "lora" + (i + 1);
            var lora = request.loras().get(i);
            model =
                    loaded.separate() && request.family().isFlux()
                            ? overModelOnly(graph, id, model, lora)
                            : overBoth(graph, id, model, lora);
        }
        return model;
    }

    private static LoadedModel overBoth(
            GraphBuilder graph, String id, LoadedModel loaded, GenerationRequest.Lora lora) {
        var node =
                graph.add(id, "LoraLoader")
                        .with("model", loaded.model())
                        .with("clip", loaded.clip())
                        .with("lora_name", lora.name())
                        .with("strength_model", lora.strength())
                        .with("strength_clip", lora.strength());
        return loaded.with(node.output(0), node.output(1));
    }

    private static LoadedModel overModelOnly(
            GraphBuilder graph, String id, LoadedModel loaded, GenerationRequest.Lora lora) {
        var node =
                graph.add(id, "LoraLoaderModelOnly")
                        .with("model", loaded.model())
                        .with("lora_name", lora.name())
                        .with("strength_model", lora.strength());
        return loaded.with(node.output(), loaded.clip());
    }
}
