package dev.comfyapi.simulator;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/// Which node of a graph comes next: ComfyUI prefers outputs, then whatever leads to one soonest.
final class RunOrder {

    private final Graph graph;
    private final Map<String, Set<String>> waitsFor = new LinkedHashMap<>();
    private final Map<String, Set<String>> blocks = new LinkedHashMap<>();

    /// @param cached nodes that need not run because their result is known
    RunOrder(Graph graph, List<String> outputs, Predicate<String> cached) {
        this.graph = graph;
        outputs.forEach(output -> add(output, cached));
    }

    private void add(String output, Predicate<String> cached) {
        Deque<String> open = new ArrayDeque<>(List.of(output));
        while (!open.isEmpty()) {
            var id = open.removeLast();
            if (waitsFor.containsKey(id)) {
                continue;
            }
            var needed = new LinkedHashSet<String>();
            waitsFor.put(id, needed);
            if (cached.test(id)) {
                continue;
            }
            for (var link : graph.links(id)) {
                if (!cached.test(link.from())) {
                    open.addLast(link.from());
                    needed.add(link.from());
                    blocks.computeIfAbsent(link.from(), _ -> new LinkedHashSet<>()).add(id);
                }
            }
        }
    }

    /// The node to run now, or null when all are done.
    @Nullable String next() {
        var ready = new ArrayList<String>();
        waitsFor.forEach((id, needed) -> {
            if (needed.isEmpty()) {
                ready.add(id);
            }
        });
        if (ready.isEmpty()) {
            return null;
        }
        for (var distance = 0; distance <= 2; distance++) {
            for (var id : ready) {
                if (leadsToOutput(id, distance)) {
                    return id;
                }
            }
        }
        return ready.getFirst();
    }

    private boolean leadsToOutput(String id, int distance) {
        if (distance == 0) {
            return graph.classOf(id).isOutput();
        }
        return blocks.getOrDefault(id, Set.of()).stream()
                .anyMatch(next -> leadsToOutput(next, distance - 1));
    }

    void done(String id) {
        waitsFor.remove(id);
        waitsFor.values().forEach(needed -> needed.remove(id));
    }

    /// Every node still to run.
    Set<String> remaining() {
        return waitsFor.keySet();
    }
}
