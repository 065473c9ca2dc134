package dev.comfyapi.model.workflow;

import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;

/// A ComfyUI workflow in API format: node id → class and inputs. Immutable.
///
/// An input is a literal or a link, the two-element array `["node id", output index]`.
public final class Graph {

    /// Numbers stay as they were written.
    private static final JsonMapper JSON =
            JsonMapper.builder().enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS).build();

    private static final String SALT = "cache_salt";
    private static final Set<String> SEEDS = Set.of("seed", "noise_seed");

    private final ObjectNode nodes;

    private Graph(ObjectNode nodes) {
        this.nodes = nodes;
    }

    /// Takes a JSON object that has the shape of a graph.
    ///
    /// @throws MalformedGraphException when it has not, naming the place as a JSON pointer
    public static Graph of(JsonNode json) {
        if (!(json instanceof ObjectNode object) || object.isEmpty()) {
            throw new MalformedGraphException("", "a graph is an object with at least one node");
        }
        for (var node : object.properties()) {
            var pointer = "/" + node.getKey();
            if (!(node.getValue() instanceof ObjectNode)) {
                throw new MalformedGraphException(pointer, "a node is an object");
            }
            if (!node.getValue().path("class_type").isString()) {
                throw new MalformedGraphException(pointer + "/class_type", "must be a string");
            }
            if (!node.getValue().path("inputs").isObject()) {
                throw new MalformedGraphException(pointer + "/inputs", "must be an object");
            }
        }
        return new Graph(object.deepCopy());
    }

    /// Reads what [#toBytes] wrote.
    public static Graph parse(byte[] utf8) {
        try {
            return of(JSON.readTree(utf8));
        } catch (JacksonException e) {
            throw new MalformedGraphException("", "not JSON: " + e.getOriginalMessage());
        }
    }

    public byte[] toBytes() {
        return toText().getBytes(StandardCharsets.UTF_8);
    }

    /// As JSON.
    public String toText() {
        return nodes.toString();
    }

    /// A copy that the caller may change.
    public ObjectNode toJson() {
        return nodes.deepCopy();
    }

    public int size() {
        return nodes.size();
    }

    /// The class of each node by its id, in the order of the graph.
    public Map<String, String> classes() {
        var classes = new LinkedHashMap<String, String>();
        for (var node : nodes.properties()) {
            classes.put(node.getKey(), node.getValue().path("class_type").stringValue());
        }
        return classes;
    }

    /// The inputs of one node; an empty object for a node that is not there.
    JsonNode inputs(String nodeId) {
        return nodes.path(nodeId).path("inputs");
    }

    /// The same graph, writing its files under this prefix.
    ///
    /// The prefix must be the server's own and unique for each attempt: with an old one ComfyUI
    /// answers from its cache, with the names of files that may be gone.
    public Graph withFilenamePrefix(String prefix) {
        var copy = nodes.deepCopy();
        for (var node : copy.properties()) {
            if (node.getValue().path("inputs") instanceof ObjectNode inputs
                    && inputs.has("filename_prefix")) {
                inputs.set("filename_prefix", JsonNodeFactory.instance.stringNode(prefix));
            }
        }
        return new Graph(copy);
    }

    /// Whether these results were all it took: every node is among them but those that write the
    /// files, which [#withFilenamePrefix] makes run in any case.
    ///
    /// @param cached ids of nodes
    public boolean isAnsweredBy(Set<String> cached) {
        return !cached.isEmpty()
                && nodes.properties().stream()
                        .filter(node -> !node.getValue().path("inputs").has("filename_prefix"))
                        .allMatch(node -> cached.contains(node.getKey()));
    }

    /// The same graph, but ComfyUI has no result of any of its nodes yet: each that takes something
    /// from another node gets an input that its class does not know, which ComfyUI ignores in the
    /// run and minds in the key of its cache. What only loads files stays as it is.
    ///
    /// @param salt unique for each run that must be one
    public Graph withoutCache(String salt) {
        var copy = nodes.deepCopy();
        for (var node : copy.properties()) {
            if (node.getValue().path("inputs") instanceof ObjectNode inputs
                    && inputs.properties().stream().anyMatch(input -> input.getValue().isArray())) {
                inputs.set(SALT, JsonNodeFactory.instance.stringNode(salt));
            }
        }
        return new Graph(copy);
    }

    /// The same graph with another salt, if it is one [#withoutCache]; else as it is.
    public Graph withNewSalt(String salt) {
        return withInputs((name, value) ->
                name.equals(SALT) ? JsonNodeFactory.instance.stringNode(salt) : value);
    }

    /// The same graph with other seeds in the inputs that say one, not where another node does.
    public Graph withSeeds(UnaryOperator<BigInteger> instead) {
        return withInputs((name, value) ->
                SEEDS.contains(name) && value.isIntegralNumber()
                        ? JsonNodeFactory.instance.numberNode(
                                instead.apply(value.bigIntegerValue()))
                        : value);
    }

    private Graph withInputs(BiFunction<String, JsonNode, JsonNode> instead) {
        var copy = nodes.deepCopy();
        for (var node : copy.properties()) {
            if (node.getValue().path("inputs") instanceof ObjectNode inputs) {
                for (var input : List.copyOf(inputs.properties())) {
                    inputs.set(input.getKey(), instead.apply(input.getKey(), input.getValue()));
                }
            }
        }
        return new Graph(copy);
    }

    /// The texts among the inputs of all nodes, each once.
    public Set<String> texts() {
        var texts = new LinkedHashSet<String>();
        for (var node : nodes.properties()) {
            for (var input : node.getValue().path("inputs").properties()) {
                if (input.getValue().isString()) {
                    texts.add(input.getValue().stringValue());
                }
            }
        }
        return texts;
    }

    /// The same graph with other texts in its inputs: each input that is exactly one of these texts
    /// has the other one instead.
    public Graph withTexts(Map<String, String> instead) {
        return withInputs((_, value) -> {
            var text = value.isString() ? instead.get(value.stringValue()) : null;
            return text == null ? value : JsonNodeFactory.instance.stringNode(text);
        });
    }

    /// Graphs are equal when their JSON is, number for number as written.
    @Override
    public boolean equals(Object other) {
        return other instanceof Graph graph && graph.nodes.toString().equals(nodes.toString());
    }

    @Override
    public int hashCode() {
        return nodes.toString().hashCode();
    }

    /// The classes only: a graph holds its client's prompt, which no log may show.
    @Override
    public String toString() {
        return "Graph" + classes();
    }
}
