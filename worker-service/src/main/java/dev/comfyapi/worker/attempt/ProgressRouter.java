package dev.comfyapi.worker.attempt;

import dev.comfyapi.worker.comfyui.ComfyUiEvent;

import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/// Hands what the WebSocket says to the run it is about.
final class ProgressRouter implements Consumer<ComfyUiEvent> {

    private final Map<String, RunProgress> runs = new ConcurrentHashMap<>();

    /// The prompt whose node began last; older versions send previews that do not name theirs.
    private volatile String running = "";

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
        if (event instanceof ComfyUiEvent.NodeStarted) {
            running = event.promptId();
        }
        var run = runs.get(event.promptId().isEmpty() ? running : event.promptId());
        if (run != null) {
            run.accept(event);
        }
    }
}
