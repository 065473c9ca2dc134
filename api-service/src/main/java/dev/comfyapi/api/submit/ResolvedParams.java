package dev.comfyapi.api.submit;

import dev.comfyapi.model.generation.GenerationRequest;

import tools.jackson.databind.node.JsonNodeFactory;

/// The parameters as the job shows them: nothing left to default, the seed as a string.
final class ResolvedParams {

    private ResolvedParams() {}

    static String json(GenerationRequest request) {
        var params = JsonNodeFactory.instance.objectNode();
        params.put("prompt", request.prompt())
                .put("negative_prompt", request.negativePrompt())
                .put("width", request.width())
                .put("height", request.height())
                .put("steps", request.steps())
                .put("cfg_scale", request.cfgScale())
                .put("sampler", request.sampler())
                .put("scheduler", request.scheduler())
                .put("seed", request.seed().toString())
                .put("model", request.model())
                .put("batch_size", request.batchSize());
        var loras = params.putArray("loras");
        for (var lora : request.loras()) {
            loras.addObject().put("name", lora.name()).put("strength", lora.strength());
        }
        return params.toString();
    }
}
