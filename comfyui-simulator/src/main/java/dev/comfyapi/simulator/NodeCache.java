package dev.comfyapi.simulator;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.node.ObjectNode;

import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Results of nodes by what they depend on, kept from one prompt to the next. Thread-safe.
final class NodeCache {

    /// @param ui what the node reported for the history, if anything
    /// @param madeBy the id of the node when it ran
    record Result(List<Value> values, @Nullable ObjectNode ui, String madeBy) {
        Result {
            values = List.copyOf(values);
        }
    }

    private final Map<String, Result> results = new HashMap<>();

    synchronized @Nullable Result find(String key) {
        return results.get(key);
    }

    synchronized void put(String key, Result result) {
        results.put(key, result);
    }

    /// Forgets everything that the coming prompt has no node for.
    synchronized void keepOnly(Collection<String> keys) {
        results.keySet().retainAll(keys);
    }

    synchronized void clear() {
        results.clear();
    }
}
