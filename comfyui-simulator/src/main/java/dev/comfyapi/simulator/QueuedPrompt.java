package dev.comfyapi.simulator;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

import java.util.List;
import java.util.Optional;

/// A graph in the queue.
///
/// @param number priority: the lower the sooner
/// @param outputs ids of the output nodes to run
record QueuedPrompt(
        JsonNode number, String id, ObjectNode graph, ObjectNode extraData, List<String> outputs)
        implements Comparable<QueuedPrompt> {

    QueuedPrompt {
        outputs = List.copyOf(outputs);
    }

    Optional<String> owner() {
        return Optional.ofNullable(extraData.get("client_id"))
                .filter(JsonNode::isString)
                .map(JsonNode::stringValue);
    }

    /// The five-element array that `/queue` and the history show.
    ArrayNode toJson() {
        return Json.array().add(number).add(id).add(graph).add(extraData).add(Json.array(outputs));
    }

    boolean collidesWith(QueuedPrompt other) {
        return compareTo(other) == 0;
    }

    @Override
    public int compareTo(QueuedPrompt other) {
        var byNumber = Double.compare(number.doubleValue(), other.number.doubleValue());
        return byNumber != 0 ? byNumber : id.compareTo(other.id);
    }
}
