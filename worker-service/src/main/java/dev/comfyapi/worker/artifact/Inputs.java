package dev.comfyapi.worker.artifact;

import dev.comfyapi.artifact.ArtifactKey;
import dev.comfyapi.artifact.ArtifactStore;
import dev.comfyapi.worker.comfyui.ComfyUi;

import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.util.Optional;

/// Hands files from the store to ComfyUI. Thread-safe; no file is held in memory.
public final class Inputs {

    private final ComfyUi comfyUi;
    private final ArtifactStore store;

    Inputs(ComfyUi comfyUi, ArtifactStore store) {
        this.comfyUi = comfyUi;
        this.store = store;
    }

    /// Uploads one file. Each call makes another file in ComfyUI's input folder.
    ///
    /// @param key in the store
    /// @param subfolder of ComfyUI's input folder
    /// @param name without extension; the file keeps its own
    /// @return what a graph calls the file; empty when the store does not have it
    /// @throws IOException when ComfyUI or the store does not do its part
    public Optional<String> hand(String key, String subfolder, String name)
            throws IOException, InterruptedException {
        var found = store.open(new ArtifactKey(key));
        if (found.isEmpty()) {
            return Optional.empty();
        }
        try (var file = found.get()) {
            InputStream content = Channels.newInputStream(file);
            var extension = key.substring(key.lastIndexOf('.'));
            return Optional.of(
                    comfyUi.upload(subfolder, name + extension, () -> content, file.size()));
        }
    }
}
