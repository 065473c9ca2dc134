package dev.comfyapi.model.generation;

import dev.comfyapi.model.workflow.Graph;

import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

import java.math.BigDecimal;
import java.math.BigInteger;

/// Puts a graph together, node by node.
final class GraphBuilder {

    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private final ObjectNode nodes = JSON.objectNode();

    /// One output of one node, for others to take as input.
    record Output(String node, int index) {}

    /// Adds a node.
    ///
    /// @param id unique in this graph
    Node add(String id, String nodeClass) {
        var node = nodes.putObject(id);
        node.put("class_type", nodeClass);
        return new Node(id, node.putObject("inputs"));
    }

    Graph build() {
        return Graph.of(nodes);
    }

    /// A node whose inputs are being set.
    record Node(String id, ObjectNode inputs) {

        Node with(String input, String value) {
            inputs.put(input, value);
            return this;
        }

        Node with(String input, int value) {
            inputs.put(input, value);
            return this;
        }

        Node with(String input, boolean value) {
            inputs.put(input, value);
            return this;
        }

        Node with(String input, BigDecimal value) {
            inputs.put(input, value);
            return this;
        }

        Node with(String input, BigInteger value) {
            inputs.put(input, value);
            return this;
        }

        Node with(String input, Output source) {
            inputs.set(input, JSON.arrayNode(2).add(source.node()).add(source.index()));
            return this;
        }

        Output output(int index) {
            return new Output(id, index);
        }

        Output output() {
            return output(0);
        }
    }
}
