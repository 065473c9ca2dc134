package dev.comfyapi.worker.attempt;

import dev.comfyapi.worker.comfyui.ComfyUiEvent;

import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/// Hands what the WebSocket says to the run it is about.
final class ProgressRouter implements Consumer<ComfyUiEvent> {

    private final Map<String, RunProgress> runs = new ConcurrentHashMap<>();

    void add(UUID prompt, RunProgress run) {
        runs.put(prompt.toString(), run);
    }

    void remove(UUID prompt) {
        runs.remove(prompt.toString());
    }

    boolean has(UUID prompt) {
        return runs.containsKey(prompt.toString());
    }

    @Override
    public void accept(ComfyUiEvent event) {
        var run = runs.get(event.promptId());
        if (run != null) {
            run.accept(event);
        }
    }
}
