package dev.comfyapi.model.workflow;

import dev.comfyapi.model.job.JobClass;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// What a graph needs of a worker, read off its loader nodes.
public final class Needs {

    /// Which input of which loader names a file of which of ComfyUI's model folders (ComfyUI 0.33).
    ///
    /// Order matters: the first loader class that a graph has names its main model.
    private static final List<Loader> LOADERS =
            List.of(
                    new Loader("CheckpointLoaderSimple", "ckpt_name", "checkpoints"),
                    new Loader("unCLIPCheckpointLoader", "ckpt_name", "checkpoints"),
                    new Loader("ImageOnlyCheckpointLoader", "ckpt_name", "checkpoints"),
                    new Loader("UNETLoader", "unet_name", "diffusion_models"),
                    new Loader("CLIPLoader", "clip_name", "text_encoders"),
                    new Loader("DualCLIPLoader", "clip_name1", "text_encoders"),
                    new Loader("DualCLIPLoader", "clip_name2", "text_encoders"),
                    new Loader("TripleCLIPLoader", "clip_name1", "text_encoders"),
                    new Loader("TripleCLIPLoader", "clip_name2", "text_encoders"),
                    new Loader("TripleCLIPLoader", "clip_name3", "text_encoders"),
                    new Loader("QuadrupleCLIPLoader", "clip_name1", "text_encoders"),
                    new Loader("QuadrupleCLIPLoader", "clip_name2", "text_encoders"),
                    new Loader("QuadrupleCLIPLoader", "clip_name3", "text_encoders"),
                    new Loader("QuadrupleCLIPLoader", "clip_name4", "text_encoders"),
                    new Loader("VAELoader", "vae_name", "vae"),
                    new Loader("LoraLoader", "lora_name", "loras"),
                    new Loader("LoraLoaderModelOnly", "lora_name", "loras"),
                    new Loader("ControlNetLoader", "control_net_name", "controlnet"),
                    new Loader("DiffControlNetLoader", "control_net_name", "controlnet"),
                    new Loader("UpscaleModelLoader", "model_name", "upscale_models"),
                    new Loader("CLIPVisionLoader", "clip_name", "clip_vision"),
                    new Loader("StyleModelLoader", "style_model_name", "style_models"),
                    new Loader("GLIGENLoader", "gligen_name", "gligen"));

    /// What VAELoader offers without a file of the name behind it.
    private static final Set<String> BUILT_IN =
            Set.of("vae/pixel_space", "vae/taesd", "vae/taesdxl", "vae/taesd3", "vae/taef1");

    private record Loader(String nodeClass, String input, String folder) {}

    private Needs() {}

    /// The model folder whose files an input names; empty when it names none.
    static Optional<String> folder(String nodeClass, String input) {
        return LOADERS.stream()
                .filter(l -> l.nodeClass().equals(nodeClass) && l.input().equals(input))
                .map(Loader::folder)
                .findFirst();
    }

    /// Whether ComfyUI brings this itself.
    static boolean isBuiltIn(String folder, String name) {
        return BUILT_IN.contains(folder + "/" + name);
    }

    /// The class of jobs that this graph belongs to.
    ///
    /// @param pool the workers' pool it is to run in
    public static JobClass of(Graph graph, String pool) {
        var classes = graph.classes();
        var models = new ArrayList<String>();
        for (var loader : LOADERS) {
            for (Map.Entry<String, String> node : classes.entrySet()) {
                var name = graph.inputs(node.getKey()).path(loader.input());
                if (node.getValue().equals(loader.nodeClass()) && name.isString()) {
                    var path = loader.folder() + "/" + name.stringValue().replace('\\', '/');
                    if (!BUILT_IN.contains(path)) {
                        models.add(path);
                    }
                }
            }
        }
        var affinity = models.isEmpty() ? "" : models.getFirst();
        return new JobClass(affinity, models, List.copyOf(classes.values()), 0, pool);
    }
}
