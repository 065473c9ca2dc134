package dev.comfyapi.model.workflow;

import dev.comfyapi.model.workflow.GraphFindings.Place;
import dev.comfyapi.model.workflow.GraphWalk.Edge;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;

/// Makes a graph of what a client sent, or says everything that is wrong with it. Thread-safe.
///
/// What ComfyUI would not run is left out of the graph: nodes that nothing with a result depends
/// on, and inputs that their class does not have. File names are the server's. Nothing of the fleet
/// is asked when nothing is known of it: then form and policy decide alone.
public final class GraphCheck {

    public static final int MOST_NODES = 2_000;
    public static final int MOST_BYTES = 2 << 20;

    /// ComfyUI takes 16384 by 16384 pixels 4096 times, and dies of it. This is a gigabyte or two
    /// for every node that has them.
    public static final long MOST_PIXELS = 200_000_000;

    /// Their files go with ComfyUI's next start.
    private static final Set<String> PREVIEWS =
            Set.of("PreviewImage", "MaskPreview", "PreviewAudio", "PreviewAny");

    private static final List<String> FACTORS = List.of("width", "height", "batch_size", "length");

    private static final BigDecimal LARGEST_FACTOR = BigDecimal.valueOf(1_000_000);

    private static final int LONGEST_ID = 100;
    private static final String PREFIX = "filename_prefix";

    /// What the graph says where the worker puts the prefix of its attempt.
    private static final String PREFIX_VALUE = "picture";

    private final NodeCatalogue catalogue;
    private final Predicate<String> allowed;
    private final @Nullable Function<String, Set<String>> models;
    private final NearestNames nearest;

    /// @param catalogue what the fleet's nodes are; empty when nothing is known of it
    /// @param allowed which node classes clients may use
    /// @param models the fleet's files in each of ComfyUI's model folders
    public GraphCheck(
            NodeCatalogue catalogue,
            Predicate<String> allowed,
            Function<String, Set<String>> models,
            NearestNames nearest) {
        this.catalogue = catalogue;
        this.allowed = allowed;
        this.models = catalogue.isEmpty() ? null : models;
        this.nearest = nearest;
    }

    /// @param graph empty when there are problems
    /// @param warnings what was left out
    public record Result(
            Optional<Graph> graph, List<GraphProblem> problems, List<GraphProblem> warnings) {

        public Result {
            problems = List.copyOf(problems);
            warnings = List.copyOf(warnings);
        }
    }

    /// A node whose form is right.
    private record Node(String id, String nodeClass, ObjectNode json, ObjectNode inputs) {

        Place place() {
            return Place.node(id, nodeClass);
        }
    }

    public Result check(JsonNode json) {
        var findings = new GraphFindings(nearest);
        if (!(json instanceof ObjectNode object)) {
            InputCheck.wrongType(findings, Place.GRAPH, "an object", json);
            return result(findings, Optional.empty());
        }
        if (isOfTheEditor(object)) {
            findings.refuse(
                    Place.GRAPH,
                    "workflow_format_ui",
                    "is a file that ComfyUI's editor saved; export it with Workflow → Export (API)"
                            + " and send that file's content");
            return result(findings, Optional.empty());
        }
        if (isOfTheRoute(object)) {
            findings.refuse(
                    Place.GRAPH,
                    "workflow_format_prompt",
                    "is a body for ComfyUI's POST /prompt; send the graph that is its prompt");
            return result(findings, Optional.empty());
        }
        if (isTooLarge(object, findings)) {
            return result(findings, Optional.empty());
        }
        var nodes = nodes(object, findings);
        return result(findings, checked(object, nodes, findings));
    }

    private static Result result(GraphFindings findings, Optional<Graph> graph) {
        return new Result(
                findings.problems().isEmpty() ? graph : Optional.empty(),
                findings.problems(),
                findings.warnings());
    }

    /// The editor's files list nodes and links; in API format these would be names of nodes.
    private static boolean isOfTheEditor(ObjectNode object) {
        return object.path("nodes").isArray() || object.path("links").isArray();
    }

    /// What programs send to ComfyUI has the graph inside.
    private static boolean isOfTheRoute(ObjectNode object) {
        return object.path("prompt").isObject()
                && !object.path("prompt").isEmpty()
                && object.path("prompt").valueStream().allMatch(node -> node.has("class_type"));
    }

    private static boolean isTooLarge(ObjectNode object, GraphFindings findings) {
        if (object.size() > MOST_NODES) {
            findings.refuse(
                    Place.GRAPH,
                    "workflow_too_large",
                    "must have at most %d nodes".formatted(MOST_NODES),
                    Map.of("max", MOST_NODES, "actual", object.size()));
            return true;
        }
        int bytes = object.toString().getBytes(StandardCharsets.UTF_8).length;
        if (bytes > MOST_BYTES) {
            findings.refuse(
                    Place.GRAPH,
                    "workflow_too_large",
                    "must have at most %d bytes".formatted(MOST_BYTES),
                    Map.of("max", MOST_BYTES, "actual", bytes));
            return true;
        }
        return false;
    }

    // The form of the nodes.

    private Map<String, Node> nodes(ObjectNode object, GraphFindings findings) {
        if (object.isEmpty()) {
            findings.refuse(Place.GRAPH, "required", "must have at least one node");
        }
        var nodes = new LinkedHashMap<String, Node>();
        for (var entry : object.properties()) {
            node(entry.getKey(), entry.getValue(), findings)
                    .ifPresent(node -> nodes.put(node.id, node));
        }
        return nodes;
    }

    private Optional<Node> node(String id, JsonNode json, GraphFindings findings) {
        var place = Place.node(id, null);
        if (id.isEmpty()
                || id.length() > LONGEST_ID
                || id.chars().anyMatch(Character::isISOControl)) {
            findings.refuse(
                    place,
                    "invalid_node_id",
                    "must be a name of 1 to %d printable characters".formatted(LONGEST_ID),
                    Map.of("max", LONGEST_ID));
            return Optional.empty();
        }
        if (!(json instanceof ObjectNode node)) {
            InputCheck.wrongType(findings, place, "an object", json);
            return Optional.empty();
        }
        var nodeClass = member(node, "class_type", place, findings);
        var inputs = member(node, "inputs", place, findings);
        if (nodeClass != null && !nodeClass.isString()) {
            InputCheck.wrongType(findings, place.at("class_type"), "a string", nodeClass);
        }
        if (inputs != null && !inputs.isObject()) {
            InputCheck.wrongType(findings, place.at("inputs"), "an object", inputs);
        }
        if (nodeClass == null || !nodeClass.isString()) {
            return Optional.empty();
        }
        boolean usable = isUsable(Place.node(id, nodeClass.stringValue()), findings);
        return usable && inputs instanceof ObjectNode object
                ? Optional.of(new Node(id, nodeClass.stringValue(), node, object))
                : Optional.empty();
    }

    private static @Nullable JsonNode member(
            ObjectNode node, String name, Place place, GraphFindings findings) {
        var value = node.get(name);
        if (value == null || value.isNull()) {
            findings.refuse(place.at(name), "required", "is required");
            return null;
        }
        return value;
    }

    private boolean isUsable(Place place, GraphFindings findings) {
        var name = String.valueOf(place.nodeClass());
        var at = place.at("class_type");
        if (!allowed.test(name)) {
            findings.refuseName(
                    at,
                    "node_not_allowed",
                    "is not a node class that may be used here",
                    name,
                    catalogue.names().stream().filter(allowed).toList());
            return false;
        }
        if (!catalogue.isEmpty() && !catalogue.names().contains(name)) {
            findings.refuseName(
                    at,
                    "node_not_available",
                    "is a node class that no live worker has",
                    name,
                    catalogue.names().stream().filter(allowed).toList());
            return false;
        }
        return true;
    }

    // What the nodes say to each other.

    private Optional<Graph> checked(
            ObjectNode object, Map<String, Node> nodes, GraphFindings findings) {
        var walk = GraphWalk.of(edges(nodes));
        var ends = nodes.values().stream().filter(this::mayBeOutput).toList();
        if (ends.isEmpty() && nodes.size() == object.size() && !nodes.isEmpty()) {
            findings.refuse(
                    Place.GRAPH,
                    "no_output_node",
                    "must have a node that gives a result, such as SaveImage");
        }
        if (!ends.isEmpty() && ends.stream().allMatch(node -> PREVIEWS.contains(node.nodeClass))) {
            findings.refuse(
                    Place.GRAPH,
                    "no_output_node",
                    "gives only previews, which are not kept: it must have a node that saves a"
                            + " file, such as SaveImage");
        }
        var used = walk.behind(ends.stream().map(Node::id).toList());
        var classes = new LinkedHashMap<String, String>();
        nodes.values().forEach(node -> classes.put(node.id, node.nodeClass));
        checkInputs(object, nodes, used, findings);
        for (var edge : walk.closingEdges(used)) {
            var place = Place.node(edge.node(), classes.get(edge.node()));
            findings.refuse(
                    place.input(edge.input()),
                    "cycle",
                    "closes a circle: node %s depends on node %s itself"
                            .formatted(edge.from(), edge.node()),
                    Map.of("node", edge.node(), "from", edge.from()));
        }
        for (var node : nodes.values()) {
            if (!used.contains(node.id)) {
                findings.warn(node.place(), "unused_node", "is left out: no result depends on it");
            }
        }
        return findings.problems().isEmpty()
                ? Optional.of(graph(nodes, used, findings))
                : Optional.empty();
    }

    /// A class that nobody has described may be one.
    private boolean mayBeOutput(Node node) {
        return catalogue.find(node.nodeClass).map(NodeClass::isOutput).orElse(true);
    }

    private List<Edge> edges(Map<String, Node> nodes) {
        var edges = new ArrayList<Edge>();
        for (var node : nodes.values()) {
            for (var input : node.inputs.properties()) {
                if (isTaken(node, input.getKey())) {
                    InputCheck.link(input.getValue())
                            .filter(link -> nodes.containsKey(link.node()))
                            .ifPresent(link ->
                                    edges.add(new Edge(node.id, input.getKey(), link.node())));
                }
            }
        }
        return edges;
    }

    /// Whether the node's class has such an input: else ComfyUI would ignore the value.
    private boolean isTaken(Node node, String input) {
        var known = catalogue.find(node.nodeClass);
        if (known.isEmpty() || known.get().inputs().containsKey(input)) {
            return true;
        }
        // A part of an input that consists of several.
        int dot = input.indexOf('.');
        var whole = dot < 0 ? null : known.get().inputs().get(input.substring(0, dot));
        return whole != null && whole.isDynamic();
    }

    private void checkInputs(
            ObjectNode object, Map<String, Node> nodes, Set<String> used, GraphFindings findings) {
        var ids = new LinkedHashSet<>(object.propertyNames());
        var check =
                new InputCheck(
                        findings,
                        id ->
                                Optional.ofNullable(nodes.get(id))
                                        .flatMap(node -> catalogue.find(node.nodeClass)),
                        ids,
                        models);
        for (var node : nodes.values()) {
            if (!used.contains(node.id)) {
                continue;
            }
            var known = catalogue.find(node.nodeClass);
            known.ifPresent(nodeClass -> requireInputs(node, nodeClass, findings));
            checkPixels(node, findings);
            for (var input : node.inputs.properties()) {
                var name = input.getKey();
                if (name.equals(PREFIX) || !isTaken(node, name)) {
                    continue;
                }
                check.check(
                        node.place().input(name),
                        name,
                        known.map(nodeClass -> nodeClass.inputs().get(name)).orElse(null),
                        input.getValue());
            }
        }
    }

    /// By literals alone: what a link brings is known when it runs.
    private static void checkPixels(Node node, GraphFindings findings) {
        if (!node.inputs.has("width") || !node.inputs.has("height")) {
            return;
        }
        double pixels = 1;
        for (var factor : FACTORS) {
            var number = InputCheck.number(node.inputs.path(factor)).orElse(BigDecimal.ONE);
            pixels *= number.min(LARGEST_FACTOR).max(BigDecimal.ONE).doubleValue();
        }
        if (pixels > MOST_PIXELS) {
            findings.refuse(
                    node.place().input("width"),
                    "too_many_pixels",
                    "makes more than the %d pixels that a node may have, with all of its pictures"
                            .formatted(MOST_PIXELS),
                    Map.of("max", MOST_PIXELS));
        }
    }

    private static void requireInputs(Node node, NodeClass nodeClass, GraphFindings findings) {
        for (var input : nodeClass.inputs().entrySet()) {
            var name = input.getKey();
            if (input.getValue().required()
                    && !input.getValue().isDynamic()
                    && !name.equals(PREFIX)
                    && !node.inputs.has(name)) {
                findings.refuse(node.place().input(name), "required", "is required");
            }
        }
    }

    // The graph as it will run.

    private Graph graph(Map<String, Node> nodes, Set<String> used, GraphFindings findings) {
        var graph = JsonNodeFactory.instance.objectNode();
        for (var node : nodes.values()) {
            if (used.contains(node.id)) {
                graph.set(node.id, copy(node, findings));
            }
        }
        return Graph.of(graph);
    }

    private ObjectNode copy(Node node, GraphFindings findings) {
        var copy = JsonNodeFactory.instance.objectNode();
        copy.put("class_type", node.nodeClass);
        var inputs = copy.putObject("inputs");
        for (var input : node.inputs.properties()) {
            if (isTaken(node, input.getKey())) {
                inputs.set(input.getKey(), input.getValue());
            } else {
                findings.warn(
                        node.place().input(input.getKey()),
                        "unused_input",
                        "is left out: its class has no such input");
            }
        }
        boolean hasPrefix =
                catalogue
                        .find(node.nodeClass)
                        .map(nodeClass -> nodeClass.inputs().containsKey(PREFIX))
                        .orElseGet(() -> inputs.has(PREFIX));
        if (hasPrefix) {
            inputs.put(PREFIX, PREFIX_VALUE);
        }
        if (node.json.path("_meta").isObject()) {
            copy.set("_meta", node.json.path("_meta"));
        }
        return copy;
    }
}
