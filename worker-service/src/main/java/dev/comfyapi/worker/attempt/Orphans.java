package dev.comfyapi.worker.attempt;

import dev.comfyapi.worker.comfyui.ComfyUi;
import dev.comfyapi.worker.comfyui.PromptOwner;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;

/// Prompts of this worker's in ComfyUI that no attempt follows: their attempt was given up while
/// ComfyUI did not answer, or did not stop when told to. Left alone they would hold the GPU for
/// nobody.
final class Orphans {

    private static final Logger LOG = LoggerFactory.getLogger(Orphans.class);

    private final ComfyUi comfyUi;
    private final PromptOwner owner;
    private final ProgressRouter followed;

    Orphans(ComfyUi comfyUi, PromptOwner owner, ProgressRouter followed) {
        this.comfyUi = comfyUi;
        this.owner = owner;
        this.followed = followed;
    }

    /// Asks ComfyUI to stop them. An attempt is followed before its prompt is submitted, so none of
    /// a living attempt's is hit.
    void stop() throws IOException, InterruptedException {
        for (var prompt : comfyUi.unfinished(owner)) {
            if (!followed.has(prompt)) {
                LOG.info("Stopping prompt {}, which nobody follows any more", prompt);
                comfyUi.cancel(prompt);
            }
        }
    }
}
