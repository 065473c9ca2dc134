package dev.comfyapi.model.workflow;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;

/// The node classes that a fleet has, as its ComfyUIs describe them. Thread-safe.
///
/// Where installations differ, what any of them takes is taken: whether one worker can run a whole
/// graph is another question.
public final class NodeCatalogue {

    private final Set<String> names;
    private final Map<String, ObjectNode> descriptions;
    private final Map<String, NodeClass> classes = new ConcurrentHashMap<>();

    private NodeCatalogue(Set<String> names, Map<String, ObjectNode> descriptions) {
        this.names = names;
        this.descriptions = descriptions;
    }

    /// @param names all classes, also such as nobody described
    /// @param objectInfos what each installation answers to `GET /object_info`
    public static NodeCatalogue merged(
            Collection<String> names, Collection<? extends JsonNode> objectInfos) {
        var all = new TreeSet<>(names);
        var descriptions = new TreeMap<String, ObjectNode>();
        for (var info : objectInfos) {
            for (var entry : info.properties()) {
                if (entry.getValue() instanceof ObjectNode description) {
                    all.add(entry.getKey());
                    descriptions.merge(entry.getKey(), description, NodeCatalogue::union);
                }
            }
        }
        return new NodeCatalogue(Set.copyOf(all), descriptions);
    }

    /// Whether nobody has said anything yet.
    public boolean isEmpty() {
        return names.isEmpty();
    }

    public Set<String> names() {
        return names;
    }

    /// As ComfyUI describes it; the caller leaves it as it is.
    public Optional<JsonNode> description(String name) {
        return Optional.ofNullable(descriptions.get(name));
    }

    /// Empty when nobody has described it.
    public Optional<NodeClass> find(String name) {
        var description = descriptions.get(name);
        return description == null
                ? Optional.empty()
                : Optional.of(classes.computeIfAbsent(name, n -> NodeClass.of(n, description)));
    }

    private static ObjectNode union(ObjectNode one, ObjectNode other) {
        if (one.equals(other)) {
            return one;
        }
        var all = one.deepCopy();
        var inputs = all.withObject("/input");
        var groups = new LinkedHashMap<String, String>();
        for (var group : new String[] {"required", "optional"}) {
            inputs.path(group).propertyNames().forEach(name -> groups.putIfAbsent(name, group));
        }
        for (var group : new String[] {"required", "optional"}) {
            for (var input : other.path("input").path(group).properties()) {
                var mine = groups.get(input.getKey());
                if (mine == null) {
                    // Who has it not does not miss it.
                    inputs.withObject("/optional").set(input.getKey(), input.getValue());
                } else if (inputs.path(mine).path(input.getKey()) instanceof ArrayNode both) {
                    widen(both, input.getValue());
                }
            }
        }
        return all;
    }

    private static void widen(ArrayNode mine, JsonNode other) {
        if (NodeInput.choices(mine) instanceof ArrayNode choices) {
            var known = new LinkedHashSet<JsonNode>();
            choices.forEach(known::add);
            for (var choice : NodeInput.choices(other)) {
                if (known.add(choice)) {
                    choices.add(choice);
                }
            }
        }
        if (mine.path(1) instanceof ObjectNode options) {
            widen(options, other.path(1), "min", -1);
            widen(options, other.path(1), "max", 1);
        }
    }

    private static void widen(ObjectNode options, JsonNode other, String limit, int direction) {
        var theirs = other.path(limit);
        if (!theirs.isNumber()) {
            options.remove(limit);
        } else if (options.path(limit).isNumber()
                && direction
                        == Integer.signum(
                                Double.compare(
                                        theirs.doubleValue(), options.path(limit).doubleValue()))) {
            options.set(limit, theirs);
        }
    }
}
