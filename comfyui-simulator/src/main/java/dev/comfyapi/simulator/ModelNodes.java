package dev.comfyapi.simulator;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Loaders, patches, text encoders and conditioning: they only carry names and words onwards.
final class ModelNodes {

    private ModelNodes() {}

    static Map<String, NodeWork> works() {
        var works = new HashMap<String, NodeWork>();
        works.put("CheckpointLoaderSimple", call -> checkpoint(call, "ckpt_name"));
        works.put("unCLIPCheckpointLoader", call -> checkpoint(call, "ckpt_name"));
        works.put("DiffusersLoader", call -> checkpoint(call, "model_path"));
        works.put("UNETLoader", ModelNodes::diffusionModel);
        works.put("CLIPLoader", call -> token(call, "CLIP", "clip_name"));
        works.put("DualCLIPLoader", call -> token(call, "CLIP", "clip_name1"));
        works.put("TripleCLIPLoader", call -> token(call, "CLIP", "clip_name1"));
        works.put("QuadrupleCLIPLoader", call -> token(call, "CLIP", "clip_name1"));
        works.put("VAELoader", call -> token(call, "VAE", "vae_name"));
        works.put("UpscaleModelLoader", call -> token(call, "UPSCALE_MODEL", "model_name"));
        works.put("ControlNetLoader", call -> token(call, "CONTROL_NET", "control_net_name"));
        works.put("LoraLoader", ModelNodes::lora);
        works.put("LoraLoaderModelOnly", ModelNodes::lora);
        works.put("LoraModelLoader", call -> List.of(call.model("model").with("trained LoRA")));
        for (var patch :
                List.of(
                        "ModelSamplingFlux",
                        "ModelSamplingSD3",
                        "ModelSamplingDiscrete",
                        "FreeU",
                        "FreeU_V2",
                        "RescaleCFG",
                        "PerturbedAttentionGuidance",
                        "TomePatchModel",
                        "HyperTile")) {
            works.put(patch, ModelNodes::patch);
        }
        works.put("CLIPTextEncode", call -> encoded(call.text("text")));
        works.put(
                "CLIPTextEncodeSDXL",
                call -> encoded(joined(call.text("text_g"), call.text("text_l"))));
        works.put("CLIPTextEncodeSDXLRefiner", call -> encoded(call.text("text")));
        works.put(
                "CLIPTextEncodeFlux",
                call -> encoded(joined(call.text("t5xxl"), call.text("clip_l"))));
        works.put(
                "CLIPTextEncodeSD3",
                call ->
                        encoded(
                                joined(
                                        joined(call.text("t5xxl"), call.text("clip_l")),
                                        call.text("clip_g"))));
        works.put("ConditioningZeroOut", call -> encoded(""));
        works.put(
                "ConditioningCombine", call -> combined(call, "conditioning_1", "conditioning_2"));
        works.put(
                "ConditioningConcat",
                call -> combined(call, "conditioning_to", "conditioning_from"));
        works.put(
                "ConditioningAverage",
                call -> combined(call, "conditioning_to", "conditioning_from"));
        works.put(
                "FluxGuidance",
                call ->
                        List.of(
                                call.conditioning("conditioning")
                                        .with("guidance " + call.real("guidance"))));
        works.put("ControlNetApply", ModelNodes::control);
        works.put("ControlNetApplyAdvanced", ModelNodes::controlBoth);
        works.put("ControlNetApplySD3", ModelNodes::controlBoth);
        works.put("ControlNetInpaintingAliMamaApply", ModelNodes::controlBoth);
        return works;
    }

    private static List<Value> checkpoint(NodeCall call, String input) throws ServerProcess.Gone {
        var name = call.text(input);
        call.process().load(name);
        return List.of(
                new Value.Model(name, List.of()),
                new Value.Token("CLIP", name),
                new Value.Token("VAE", name),
                new Value.Token("CLIP_VISION", name));
    }

    private static List<Value> diffusionModel(NodeCall call) throws ServerProcess.Gone {
        var name = call.text("unet_name");
        call.process().load(name);
        return List.of(new Value.Model(name, List.of()));
    }

    private static List<Value> token(NodeCall call, String type, String input) {
        return List.of(new Value.Token(type, call.text(input)));
    }

    private static List<Value> lora(NodeCall call) throws NodeFailure {
        var change = "%s at %s".formatted(call.text("lora_name"), call.real("strength_model"));
        var model = call.model("model").with(change);
        return call.find("clip") instanceof Value.Token clip
                ? List.of(model, clip)
                : List.of(model);
    }

    private static List<Value> patch(NodeCall call) throws NodeFailure {
        return List.of(call.model("model").with(call.nodeClass().name()));
    }

    private static String joined(String first, String second) {
        if (first.isBlank() || first.equals(second)) {
            return second;
        }
        return second.isBlank() ? first : first + " / " + second;
    }

    private static List<Value> encoded(String text) {
        return List.of(new Value.Conditioning(text, List.of()));
    }

    private static List<Value> combined(NodeCall call, String first, String second)
            throws NodeFailure {
        var one = call.conditioning(first);
        var other = call.conditioning(second);
        return List.of(new Value.Conditioning(joined(one.text(), other.text()), one.controls()));
    }

    private static String controlName(NodeCall call) throws NodeFailure {
        var name =
                call.find("control_net") instanceof Value.Token(_, var net) ? net : "control net";
        var picture = CacheKeys.fingerprint(call.pictures("image").all().getFirst());
        return "%s at %s of %s".formatted(name, call.real("strength"), picture);
    }

    private static List<Value> control(NodeCall call) throws NodeFailure {
        return List.of(call.conditioning("conditioning").with(controlName(call)));
    }

    private static List<Value> controlBoth(NodeCall call) throws NodeFailure {
        var control = controlName(call);
        return List.of(
                call.conditioning("positive").with(control),
                call.conditioning("negative").with(control));
    }
}
