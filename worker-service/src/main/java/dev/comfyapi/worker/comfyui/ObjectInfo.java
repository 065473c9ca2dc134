package dev.comfyapi.worker.comfyui;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

import java.util.Set;
import java.util.TreeSet;

/// ComfyUI's description of its node classes, brought into a form that stays the same while the
/// installation does.
final class ObjectInfo {

    /// Their choices are files and folders that jobs bring and leave.
    private static final Set<String> LISTS_OF_JOB_FILES =
            Set.of(
                    "LoadLatent",
                    "LoadImageDataSetFromFolder",
                    "LoadImageTextDataSetFromFolder",
                    "LoadTrainingDataset");

    private ObjectInfo() {}

    /// The classes in order of their names, without the lists of files that jobs bring and leave.
    static ObjectNode stable(JsonNode objectInfo) {
        var stable = JsonNodeFactory.instance.objectNode();
        for (var name : new TreeSet<>(objectInfo.propertyNames())) {
            if (objectInfo.get(name) instanceof ObjectNode description) {
                var copy = description.deepCopy();
                for (var group : new String[] {"required", "optional"}) {
                    for (var input : copy.path("input").path(group)) {
                        forgetFiles(input, LISTS_OF_JOB_FILES.contains(name));
                    }
                }
                stable.set(name, copy);
            }
        }
        return stable;
    }

    /// Choices are `[["a", "b"], {…}]` in old nodes and `["COMBO", {"options": ["a", "b"]}]` in new
    /// ones; those of uploaded files say so by an option such as `image_upload`.
    private static void forgetFiles(JsonNode input, boolean always) {
        var options = input.path(1);
        boolean uploads =
                options.propertyNames().stream()
                        .anyMatch(name ->
                                name.endsWith("_upload") && options.path(name).asBoolean(false));
        if (!always && !uploads) {
            return;
        }
        if (input.path(0).isArray() && input instanceof ArrayNode array) {
            array.set(0, JsonNodeFactory.instance.arrayNode());
        }
        if (options.has("options") && options instanceof ObjectNode object) {
            object.putArray("options");
        }
        if (options.has("default") && options instanceof ObjectNode object) {
            object.remove("default");
        }
    }
}
