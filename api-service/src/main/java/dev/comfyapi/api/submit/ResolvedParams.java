package dev.comfyapi.api.submit;

import dev.comfyapi.model.generation.GenerationRequest;
import dev.comfyapi.model.generation.GenerationRequest.ControlNet;
import dev.comfyapi.model.generation.GenerationRequest.StartImage;
import dev.comfyapi.model.generation.GenerationRequest.Upscale;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

import java.util.List;

/// The parameters as the job shows them: nothing left to default, the seed as a string.
///
/// They are a request of their own: sent again, they make the same pictures.
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
        addStart(params, request.start());
        addControlNets(params, request.controlNets());
        addUpscale(params, request.upscale());
        return params.toString();
    }

    private static void addStart(ObjectNode params, @Nullable StartImage start) {
        if (start == null) {
            return;
        }
        params.put("init_image", start.image()).put("strength", start.strength());
        if (start.mask() != null) {
            params.put("mask", start.mask());
        }
    }

    private static void addControlNets(ObjectNode params, List<ControlNet> controlNets) {
        if (controlNets.isEmpty()) {
            return;
        }
        var nets = params.putArray("controlnet");
        for (var net : controlNets) {
            nets.addObject()
                    .put("model", net.model())
                    .put("image", net.image())
                    .put("strength", net.strength())
                    .put("start", net.start())
                    .put("end", net.end());
        }
    }

    private static void addUpscale(ObjectNode params, @Nullable Upscale upscale) {
        switch (upscale) {
            case null -> {}
            case Upscale.ByModel(var model) -> params.putObject("upscale").put("model", model);
            case Upscale.SecondPass(var factor, var denoise) ->
                    params.putObject("upscale").put("factor", factor).put("denoise", denoise);
        }
    }
}
