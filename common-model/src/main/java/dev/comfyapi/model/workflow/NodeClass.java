package dev.comfyapi.model.workflow;

import tools.jackson.databind.JsonNode;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What a class of nodes takes and gives.
///
/// @param inputs by name, required ones first
/// @param outputs types by slot
/// @param isOutput whether it ends a graph, such as one that saves files: a graph needs one
public record NodeClass(
        String name, Map<String, NodeInput> inputs, List<String> outputs, boolean isOutput) {

    public NodeClass {
        inputs = Collections.unmodifiableMap(new LinkedHashMap<>(inputs));
        outputs = List.copyOf(outputs);
    }

    static NodeClass of(String name, JsonNode description) {
        var inputs = new LinkedHashMap<String, NodeInput>();
        for (var input : description.path("input").path("required").properties()) {
            inputs.put(input.getKey(), NodeInput.of(input.getValue(), true));
        }
        for (var input : description.path("input").path("optional").properties()) {
            inputs.putIfAbsent(input.getKey(), NodeInput.of(input.getValue(), false));
        }
        var outputs = new ArrayList<String>();
        for (var output : description.path("output")) {
            outputs.add(output.isArray() ? NodeInput.CHOICE : output.asString("*"));
        }
        return new NodeClass(
                name, inputs, outputs, description.path("output_node").asBoolean(false));
    }
}
