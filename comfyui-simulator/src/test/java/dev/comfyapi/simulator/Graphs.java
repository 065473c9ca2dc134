package dev.comfyapi.simulator;

/// Small graphs, most of them without any model.
final class Graphs {

    private Graphs() {}

    /// 1 makes a picture, 2 inverts it, 3 saves it.
    static String inverted(int color, String prefix) {
        return """
        {"1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 48, "batch_size": 1, "color": %d}},
         "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
         "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "%s"}}}
        """
                .formatted(color, prefix);
    }

    static String solid(int width, int height, int batch, String prefix) {
        return """
        {"1": {"class_type": "EmptyImage", "inputs": {"width": %d, "height": %d, "batch_size": %d, "color": 3368601}},
         "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "%s"}}}
        """
                .formatted(width, height, batch, prefix);
    }

    /// 1 makes a picture; 9 saves it at once; 2 works on it; 3 saves what comes of that.
    static String withEarlyOutput(
            int color, String classType, String inputs, String early, String late) {
        return """
        {"1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 48, "batch_size": 1, "color": %d}},
         "2": {"class_type": "%s", "inputs": {"image": ["1", 0], %s}},
         "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "%s"}},
         "9": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "%s"}}}
        """
                .formatted(color, classType, inputs, late, early);
    }

    static String failing(int color, String kind) {
        return withEarlyOutput(
                color,
                "SimulatorFail",
                "\"kind\": \"%s\", \"seed\": 1".formatted(kind),
                "t/early",
                "t/late");
    }

    static String counting(int color, int steps, double delay, boolean preview) {
        return withEarlyOutput(
                color,
                "SimulatorProgress",
                "\"steps\": %d, \"delay\": %s, \"preview\": %s, \"seed\": 1"
                        .formatted(steps, delay, preview),
                "t/early",
                "t/late");
    }

    /// Twelve heavy blurs one after the other: slow on any machine, and interruptible between them.
    static String slow(int color, String prefix) {
        var graph = new StringBuilder("{");
        graph.append(
                "\"0\": {\"class_type\": \"EmptyImage\", \"inputs\": {\"width\": 768, \"height\": 768, \"batch_size\": 1, \"color\": %d}},"
                        .formatted(color));
        for (var i = 1; i <= 12; i++) {
            graph.append(
                    "\"%d\": {\"class_type\": \"ImageBlur\", \"inputs\": {\"image\": [\"%d\", 0], \"blur_radius\": 31, \"sigma\": 10.0}},"
                            .formatted(i, i - 1));
        }
        return graph.append(
                        "\"99\": {\"class_type\": \"SaveImage\", \"inputs\": {\"images\": [\"12\", 0], \"filename_prefix\": \"%s\"}}}"
                                .formatted(prefix))
                .toString();
    }

    static String painting(
            String prompt,
            String seed,
            int width,
            int height,
            int batch,
            int steps,
            String prefix) {
        return """
        {"model": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd15.safetensors"}},
         "yes": {"class_type": "CLIPTextEncode", "inputs": {"text": "%s", "clip": ["model", 1]}},
         "no": {"class_type": "CLIPTextEncode", "inputs": {"text": "ugly", "clip": ["model", 1]}},
         "room": {"class_type": "EmptyLatentImage", "inputs": {"width": %d, "height": %d, "batch_size": %d}},
         "paint": {"class_type": "KSampler", "inputs": {"model": ["model", 0], "seed": %s, "steps": %d, "cfg": 7.0,
           "sampler_name": "euler", "scheduler": "normal", "positive": ["yes", 0], "negative": ["no", 0],
           "latent_image": ["room", 0], "denoise": 1.0}},
         "dry": {"class_type": "VAEDecode", "inputs": {"samples": ["paint", 0], "vae": ["model", 2]}},
         "save": {"class_type": "SaveImage", "inputs": {"images": ["dry", 0], "filename_prefix": "%s"}}}
        """
                .formatted(prompt, width, height, batch, seed, steps, prefix);
    }
}
