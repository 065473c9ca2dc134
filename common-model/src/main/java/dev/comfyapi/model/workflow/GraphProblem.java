package dev.comfyapi.model.workflow;

import org.jspecify.annotations.Nullable;

import java.util.Map;

/// What is wrong with one place of a graph.
///
/// @param pointer JSON pointer relative to the graph, such as `/3/inputs/model`
/// @param code a stable machine word
/// @param detail one sentence without the place's name
/// @param params every value that appears in `detail`
/// @param nodeId the node it concerns; null for the graph as a whole
/// @param classType that node's class; null when it has none
public record GraphProblem(
        String pointer,
        String code,
        String detail,
        Map<String, Object> params,
        @Nullable String nodeId,
        @Nullable String classType) {

    public GraphProblem {
        params = Map.copyOf(params);
    }
}
