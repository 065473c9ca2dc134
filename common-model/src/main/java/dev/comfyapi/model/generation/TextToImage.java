package dev.comfyapi.model.generation;

import dev.comfyapi.model.workflow.Graph;

import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// The built-in graph for a prompt: checkpoint → LoRAs → text encoders → sampler → decoder → file.
public final class TextToImage {

    /// What the graph says where the worker puts the prefix of its attempt.
    private static final String PREFIX = "picture";

    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private TextToImage() {}

    public static Graph graph(GenerationRequest request) {
        var nodes = JSON.objectNode();
        add(nodes, "checkpoint", "CheckpointLoaderSimple").put("ckpt_name", request.model());

        var model = link("checkpoint", 0);
        var clip = link("checkpoint", 1);
        for (int i = 0; i < request.loras().size(); i++) {
            var lora = request.loras().get(i);
            var id = "lora" + (i + 1);
            var inputs = add(nodes, id, "LoraLoader");
            inputs.set("model", model);
            inputs.set("clip", clip);
            inputs.put("lora_name", lora.name());
            inputs.put("strength_model", lora.strength());
            inputs.put("strength_clip", lora.strength());
            model = link(id, 0);
            clip = link(id, 1);
        }

        add(nodes, "positive", "CLIPTextEncode").put("text", request.prompt()).set("clip", clip);
        add(nodes, "negative", "CLIPTextEncode")
                .put("text", request.negativePrompt())
                .set("clip", clip.deepCopy());
        add(nodes, "latent", "EmptyLatentImage")
                .put("width", request.width())
                .put("height", request.height())
                .put("batch_size", request.batchSize());

        var sampler = add(nodes, "sampler", "KSampler");
        sampler.set("model", model);
        sampler.put("seed", request.seed().toBigInteger());
        sampler.put("steps", request.steps());
        sampler.put("cfg", request.cfgScale());
        sampler.put("sampler_name", request.sampler());
        sampler.put("scheduler", request.scheduler());
        sampler.set("positive", link("positive", 0));
        sampler.set("negative", link("negative", 0));
        sampler.set("latent_image", link("latent", 0));
        sampler.put("denoise", 1.0);

        var decode = add(nodes, "decode", "VAEDecode");
        decode.set("samples", link("sampler", 0));
        decode.set("vae", link("checkpoint", 2));
        add(nodes, "save", "SaveImage")
                .put("filename_prefix", PREFIX)
                .set("images", link("decode", 0));
        return Graph.of(nodes);
    }

    private static ObjectNode add(ObjectNode nodes, String id, String nodeClass) {
        var node = nodes.putObject(id);
        node.put("class_type", nodeClass);
        return node.putObject("inputs");
    }

    private static ArrayNode link(String node, int output) {
        return JSON.arrayNode().add(node).add(output);
    }
}
