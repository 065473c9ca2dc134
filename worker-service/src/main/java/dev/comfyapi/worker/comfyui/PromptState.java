package dev.comfyapi.worker.comfyui;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.List;
import java.util.Set;

/// How ComfyUI says a prompt stands.
public sealed interface PromptState {

    /// Never heard of, removed while pending, or forgotten in a restart.
    record Absent() implements PromptState {}

    /// In ComfyUI's own queue.
    record Pending() implements PromptState {}

    record Running() implements PromptState {}

    /// @param files what its nodes reported, in that order, previews included
    /// @param ran how long, by ComfyUI's clock; null when it does not say
    /// @param cached ids of the nodes that were not run: their results were still there
    record Completed(List<OutputFile> files, @Nullable Duration ran, Set<String> cached)
            implements PromptState {
        public Completed {
            files = List.copyOf(files);
            cached = Set.copyOf(cached);
        }
    }

    record Failed(ExecutionError error) implements PromptState {}

    /// Stopped by a cancel, ours or an operator's.
    record Interrupted() implements PromptState {}
}
