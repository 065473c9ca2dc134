package dev.comfyapi.simulator;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.util.ArrayList;
import java.util.List;

/// A graph whose reachable nodes have been checked.
record Graph(ObjectNode nodes, NodeSignatures signatures) {

    /// Another node's output.
    record Link(String from, int output) {}

    static @Nullable Link link(JsonNode value) {
        return value.isArray()
                        && value.size() == 2
                        && value.path(0).isString()
                        && value.path(1).isNumber()
                ? new Link(value.path(0).stringValue(), value.path(1).asInt())
                : null;
    }

    boolean has(String id) {
        return nodes.has(id);
    }

    List<String> ids() {
        return List.copyOf(nodes.propertyNames());
    }

    NodeClass classOf(String id) {
        var nodeClass = signatures.find(nodes.path(id).path("class_type").asString());
        if (nodeClass == null) {
            throw new IllegalStateException("Node %s has no known class".formatted(id));
        }
        return nodeClass;
    }

    ObjectNode inputs(String id) {
        return nodes.path(id).get("inputs") instanceof ObjectNode inputs ? inputs : Json.object();
    }

    List<Link> links(String id) {
        var links = new ArrayList<Link>();
        inputs(id)
                .forEach(value -> {
                    var link = link(value);
                    if (link != null && has(link.from())) {
                        links.add(link);
                    }
                });
        return links;
    }
}
