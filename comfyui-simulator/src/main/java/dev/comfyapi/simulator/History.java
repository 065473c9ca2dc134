package dev.comfyapi.simulator;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.node.ObjectNode;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What became of finished prompts, oldest first, in memory only. Thread-safe.
final class History {

    private static final int CAPACITY = 10_000;

    /// One finished prompt.
    ///
    /// @param outputs what each output node reported
    /// @param status success or error, and the messages sent on the way
    /// @param meta which node each output came from
    record Entry(QueuedPrompt prompt, ObjectNode outputs, ObjectNode status, ObjectNode meta) {
        ObjectNode toJson() {
            var entry = Json.object();
            entry.set("prompt", prompt.toJson());
            entry.set("outputs", outputs);
            entry.set("status", status);
            entry.set("meta", meta);
            return entry;
        }
    }

    private final Map<String, Entry> entries = new LinkedHashMap<>();

    /// A second run under the same id takes the place of the first.
    synchronized void put(Entry entry) {
        entries.put(entry.prompt().id(), entry);
        if (entries.size() > CAPACITY) {
            entries.remove(entries.keySet().iterator().next());
        }
    }

    synchronized @Nullable Entry find(String id) {
        return entries.get(id);
    }

    synchronized List<Entry> all() {
        return new ArrayList<>(entries.values());
    }

    /// A part of the history, oldest first; a negative offset means the newest `max`.
    synchronized List<Entry> page(int max, int offset) {
        var from = offset < 0 ? Math.max(0, entries.size() - max) : offset;
        return entries.values().stream().skip(from).limit(Math.max(0, max)).toList();
    }

    synchronized void delete(String id) {
        entries.remove(id);
    }

    synchronized void clear() {
        entries.clear();
    }
}
