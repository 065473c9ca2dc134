package dev.comfyapi.worker.attempt;

import dev.comfyapi.worker.comfyui.ComfyUi;
import dev.comfyapi.worker.comfyui.ComfyUiHealth;
import dev.comfyapi.worker.comfyui.PromptState;

import java.io.IOException;
import java.time.Duration;

/// Asks ComfyUI how a prompt stands, and does not take one lost answer for a lost ComfyUI.
final class Looking {

    private static final Duration PAUSE = Duration.ofMillis(250);

    /// It may answer some requests and not this one.
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final ComfyUi comfyUi;
    private final ComfyUiHealth health;

    Looking(ComfyUi comfyUi, ComfyUiHealth health) {
        this.comfyUi = comfyUi;
        this.health = health;
    }

    PromptState look(Attempt attempt) throws ComfyUiGoneException, InterruptedException {
        long since = System.nanoTime();
        while (true) {
            try {
                return comfyUi.look(attempt.promptId());
            } catch (IOException e) {
                boolean tooLong = System.nanoTime() - since > PATIENCE.toNanos();
                if (tooLong || health.condition() == ComfyUiHealth.Condition.AWAY) {
                    throw new ComfyUiGoneException(e);
                }
                attempt.awaitNews(PAUSE);
            }
        }
    }
}
