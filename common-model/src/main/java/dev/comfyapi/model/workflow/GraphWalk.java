package dev.comfyapi.model.workflow;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Goes along the links of a graph, from the end to the beginning. Never deeper than one call: the
/// depth of a graph is its client's choice.
final class GraphWalk {

    /// A link from an input to the node that feeds it.
    record Edge(String node, String input, String from) {}

    private final Map<String, List<Edge>> edges;

    /// @param edges the links into each node; only to nodes that are there
    GraphWalk(Map<String, List<Edge>> edges) {
        this.edges = edges;
    }

    /// These nodes and all that feeds them.
    Set<String> behind(Collection<String> roots) {
        var seen = new LinkedHashSet<>(roots);
        var next = new ArrayDeque<>(roots);
        while (!next.isEmpty()) {
            for (var edge : edges(next.remove())) {
                if (seen.add(edge.from())) {
                    next.add(edge.from());
                }
            }
        }
        return seen;
    }

    /// Of each circle that is met the link that closes it.
    List<Edge> closingEdges(Collection<String> nodes) {
        var closing = new ArrayList<Edge>();
        var open = new HashSet<String>();
        var done = new HashSet<String>();
        for (var start : nodes) {
            if (!done.contains(start)) {
                walk(start, open, done, closing);
            }
        }
        return closing;
    }

    private record Step(String node, Iterator<Edge> left) {}

    private void walk(String start, Set<String> open, Set<String> done, List<Edge> closing) {
        var path = new ArrayDeque<Step>();
        path.push(new Step(start, edges(start).iterator()));
        open.add(start);
        while (!path.isEmpty()) {
            var step = path.element();
            if (!step.left.hasNext()) {
                open.remove(step.node);
                done.add(step.node);
                path.pop();
                continue;
            }
            var edge = step.left.next();
            if (open.contains(edge.from())) {
                closing.add(edge);
            } else if (!done.contains(edge.from())) {
                open.add(edge.from());
                path.push(new Step(edge.from(), edges(edge.from()).iterator()));
            }
        }
    }

    private List<Edge> edges(String node) {
        return edges.getOrDefault(node, List.of());
    }

    /// The links of a graph, from its inputs.
    static GraphWalk of(Collection<Edge> all) {
        var byNode = new HashMap<String, List<Edge>>();
        for (var edge : all) {
            byNode.computeIfAbsent(edge.node(), _ -> new ArrayList<>()).add(edge);
        }
        return new GraphWalk(byNode);
    }
}
