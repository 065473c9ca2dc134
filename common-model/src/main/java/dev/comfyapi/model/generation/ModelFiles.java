package dev.comfyapi.model.generation;

import java.util.List;

/// The files that a model is loaded from.
public sealed interface ModelFiles {

    /// The file that requests name.
    String main();

    /// A file of the `checkpoints` folder that has everything in it.
    record Checkpoint(String main) implements ModelFiles {}

    /// A file of the `checkpoints` folder, its text encoders apart in `text_encoders`.
    record BareCheckpoint(String main, List<String> textEncoders) implements ModelFiles {
        public BareCheckpoint {
            textEncoders = List.copyOf(textEncoders);
        }
    }

    /// A file of the `diffusion_models` folder, its text encoders in `text_encoders`, its decoder
    /// in `vae`.
    record Separate(String main, List<String> textEncoders, String vae) implements ModelFiles {
        public Separate {
            textEncoders = List.copyOf(textEncoders);
        }
    }
}
