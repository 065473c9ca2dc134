package dev.comfyapi.simulator;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Checks one graph as ComfyUI 0.33 does before queueing it: same order, same errors, same texts.
///
/// Converts literals in place (`"64"` becomes 64), as ComfyUI does. One instance checks one graph,
/// once.
final class GraphCheck {

    /// What the check found. With an error nothing runs; without one, the good outputs do.
    record Verdict(@Nullable ObjectNode error, List<String> goodOutputs, ObjectNode nodeErrors) {
        Verdict {
            goodOutputs = List.copyOf(goodOutputs);
        }

        private static Verdict refused(ObjectNode error) {
            return new Verdict(error, List.of(), Json.object());
        }
    }

    private record Finding(boolean valid, List<ObjectNode> errors) {}

    private final ObjectNode graph;
    private final NodeSignatures signatures;
    private final ServerFolders disk;
    private final Map<String, Finding> findings = new LinkedHashMap<>();
    private final List<String> visiting = new ArrayList<>();

    GraphCheck(ObjectNode graph, NodeSignatures signatures, ServerFolders disk) {
        this.graph = graph;
        this.signatures = signatures;
        this.disk = disk;
    }

    static ObjectNode error(String type, String message, String details) {
        var error = Json.object().put("type", type).put("message", message).put("details", details);
        error.putObject("extra_info");
        return error;
    }

    /// @param targets run only these outputs; null means all
    /// @throws Python.PythonException where ComfyUI itself stumbles and answers 500
    Verdict check(@Nullable List<String> targets) {
        var outputs = new ArrayList<String>();
        for (var entry : graph.properties()) {
            var id = entry.getKey();
            if (!(entry.getValue() instanceof ObjectNode node)) {
                throw Python.typeError("a node must be an object");
            }
            var classType = node.path("class_type");
            var nodeClass = classType.isString() ? signatures.find(classType.stringValue()) : null;
            if (nodeClass == null) {
                return Verdict.refused(missingNodeType(id, node));
            }
            if (nodeClass.isOutput() && (targets == null || targets.contains(id))) {
                outputs.add(id);
            }
        }
        if (outputs.isEmpty()) {
            return Verdict.refused(error("prompt_no_outputs", "Prompt has no outputs", ""));
        }
        return checkOutputs(outputs);
    }

    private static ObjectNode missingNodeType(String id, ObjectNode node) {
        var title = node.path("_meta").path("title");
        var classType = node.get("class_type");
        ObjectNode error;
        String shown;
        if (classType == null) {
            shown = title.isString() ? title.stringValue() : "ID #" + id;
            error =
                    error(
                            "missing_node_type",
                            "Node '%s' has no class_type. The workflow may be corrupted or a custom node is missing."
                                    .formatted(shown),
                            "Node ID '#%s'".formatted(id));
        } else {
            shown = title.isString() ? title.stringValue() : Python.str(classType);
            error =
                    error(
                            "missing_node_type",
                            "Node '%s' not found. The custom node may not be installed."
                                    .formatted(shown),
                            "Node ID '#%s'".formatted(id));
        }
        var extra = error.putObject("extra_info").put("node_id", id);
        extra.set("class_type", classType == null ? Json.text(null) : classType);
        extra.put("node_title", shown);
        return error;
    }

    private Verdict checkOutputs(List<String> outputs) {
        var good = new ArrayList<String>();
        var nodeErrors = Json.object();
        var summary = new ArrayList<String>();
        for (var output : outputs) {
            Finding finding;
            try {
                finding = check(output);
            } catch (Python.PythonException e) {
                finding =
                        new Finding(
                                false,
                                List.of(stumble("exception_during_validation", e, null, null)));
                findings.put(output, finding);
            }
            if (finding.valid()) {
                good.add(output);
                continue;
            }
            finding.errors()
                    .forEach(error ->
                            summary.add(
                                    error.path("message").asString()
                                            + ": "
                                            + error.path("details").asString()));
            blame(output, nodeErrors);
        }
        if (good.isEmpty()) {
            var error =
                    error(
                            "prompt_outputs_failed_validation",
                            "Prompt outputs failed validation",
                            String.join("\n", summary));
            return new Verdict(error, good, nodeErrors);
        }
        return new Verdict(null, good, nodeErrors);
    }

    /// Lists the output under every node found faulty so far, which may include faults of earlier
    /// outputs.
    private void blame(String output, ObjectNode nodeErrors) {
        findings.forEach((id, finding) -> {
            if (finding.valid() || finding.errors().isEmpty()) {
                return;
            }
            if (!nodeErrors.has(id)) {
                var reported = nodeErrors.putObject(id);
                reported.putArray("errors").addAll(finding.errors());
                reported.putArray("dependent_outputs");
                reported.put("class_type", classOf(id).name());
            }
            ((ArrayNode) nodeErrors.path(id).path("dependent_outputs")).add(output);
        });
    }

    private NodeClass classOf(String id) {
        var nodeClass = signatures.find(graph.path(id).path("class_type").asString());
        if (nodeClass == null) {
            throw Python.keyError(id);
        }
        return nodeClass;
    }

    private Finding check(String id) {
        var known = findings.get(id);
        if (known != null) {
            return known;
        }
        if (visiting.contains(id)) {
            return cycle(id);
        }
        if (!(graph.path(id).get("inputs") instanceof ObjectNode inputs)) {
            throw Python.keyError("inputs");
        }
        var nodeClass = classOf(id);
        var errors = new ArrayList<ObjectNode>();
        var upstreamValid = true;
        for (var input : nodeClass.inputs().values()) {
            var value = inputs.get(input.name());
            if (value == null) {
                if (!input.optional()) {
                    errors.add(
                            inputError(
                                    "required_input_missing",
                                    "Required input is missing",
                                    input,
                                    input.name()));
                }
            } else if (value.isArray()) {
                upstreamValid &= checkLink(id, input, value, errors);
            } else {
                checkLiteral(nodeClass, input, inputs, value, errors);
            }
        }
        var inLoop = findings.get(id);
        if (inLoop != null) {
            return inLoop;
        }
        var finding = new Finding(errors.isEmpty() && upstreamValid, errors);
        findings.put(id, finding);
        return finding;
    }

    private Finding cycle(String id) {
        var path = new ArrayList<>(visiting.subList(visiting.indexOf(id), visiting.size()));
        path.add(id);
        var members = new LinkedHashSet<>(path);
        var shown =
                String.join(
                        " -> ",
                        path.stream().map(n -> "%s (%s)".formatted(n, classOf(n).name())).toList());
        for (var member : members) {
            var error = error("dependency_cycle", "Dependency cycle detected", shown);
            error.putObject("extra_info")
                    .put("node_id", member)
                    .set("cycle_nodes", Json.array(members));
            findings.put(member, new Finding(false, List.of(error)));
        }
        return new Finding(false, List.of());
    }

    /// Answers whether everything behind the link is valid; faults of the link itself become
    /// errors.
    private boolean checkLink(
            String id, NodeClass.Input input, JsonNode link, List<ObjectNode> errors) {
        if (link.size() != 2) {
            var error =
                    inputError(
                            "bad_linked_input",
                            "Bad linked input, must be a length-2 list of [node_id, slot_index]",
                            input,
                            input.name());
            configured(error, input).set("received_value", link);
            errors.add(error);
            return true;
        }
        var from = Python.str(link.path(0));
        if (!graph.has(from) || !link.path(0).isString()) {
            throw new Python.PythonException("KeyError", Python.repr(link.path(0)));
        }
        var received = outputType(classOf(from), link.path(1));
        if (!compatible(received, input)) {
            var error =
                    inputError(
                            "return_type_mismatch",
                            "Return type mismatch between linked nodes",
                            input,
                            "%s, received_type(%s) mismatch input_type(%s)"
                                    .formatted(input.name(), received, shownType(input)));
            configured(error, input).put("received_type", received).set("linked_node", link);
            errors.add(error);
            return true;
        }
        visiting.add(id);
        try {
            // Whatever is wrong upstream is already noted there.
            return check(from).valid();
        } catch (Python.PythonException e) {
            var error = stumble("exception_during_inner_validation", e, input, link);
            findings.put(from, new Finding(false, List.of(error)));
            return false;
        } finally {
            visiting.removeLast();
        }
    }

    private static String outputType(NodeClass from, JsonNode index) {
        if (!index.isIntegralNumber()) {
            throw Python.typeError(
                    "tuple indices must be integers or slices, not "
                            + (index.isString() ? "str" : "float"));
        }
        var position = index.asInt();
        var outputs = from.outputs();
        if (position < 0) {
            position += outputs.size();
        }
        if (position < 0 || position >= outputs.size()) {
            throw Python.indexError();
        }
        return outputs.get(position).type();
    }

    private boolean compatible(String received, NodeClass.Input input) {
        if (input.notation() == NodeClass.Notation.PICK) {
            return received.equals("*");
        }
        var wanted = List.of(input.type().split(","));
        return received.equals("*")
                || wanted.contains("*")
                || List.of(received.split(",")).stream().anyMatch(wanted::contains);
    }

    private String shownType(NodeClass.Input input) {
        return input.notation() == NodeClass.Notation.PICK
                ? Python.repr(signatures.choices(input))
                : input.type();
    }

    private void checkLiteral(
            NodeClass node,
            NodeClass.Input input,
            ObjectNode inputs,
            JsonNode given,
            List<ObjectNode> errors) {
        var value = given;
        if (value.isObject() && value.has("__value__")) {
            value = value.path("__value__");
            inputs.set(input.name(), value);
        }
        try {
            value = convert(input.type(), value);
            inputs.set(input.name(), value);
        } catch (Python.PythonException e) {
            var error =
                    inputError(
                            "invalid_input_type",
                            "Failed to convert an input value to a %s value"
                                    .formatted(input.type()),
                            input,
                            "%s, %s, %s".formatted(input.name(), Python.str(value), e.text()));
            var extra = configured(error, input);
            extra.set("received_value", value);
            extra.put("exception_message", e.text());
            errors.add(error);
            return;
        }
        var refusal = refusalByNode(node, input, value);
        if (refusal != null) {
            if (!refusal.isEmpty()) {
                errors.add(
                        inputError(
                                "custom_validation_failed",
                                "Custom validation failed for node",
                                input,
                                input.name() + " - " + refusal));
            }
            return;
        }
        checkRange(input, value, errors);
    }

    private static JsonNode convert(String type, JsonNode value) {
        return switch (type) {
            case "INT" -> Json.number(Python.toInt(value));
            case "FLOAT" -> Json.number(Python.toFloat(value));
            case "STRING" -> Json.text(Python.str(value));
            case "BOOLEAN" -> Json.bool(Python.truth(value));
            default -> value;
        };
    }

    /// Some nodes check an input themselves: null if this is none of them, empty if they are
    /// content.
    private @Nullable String refusalByNode(NodeClass node, NodeClass.Input input, JsonNode value) {
        var what =
                switch (node.name() + "." + input.name()) {
                    case "LoadImage.image", "LoadImageMask.image" -> "image";
                    case "LoadLatent.latent" -> "latent";
                    default -> null;
                };
        if (what == null) {
            return null;
        }
        var name = Python.str(value);
        return disk.annotatedFile(name, ServerFolders.Kind.INPUT).isPresent()
                ? ""
                : "Invalid %s file: %s".formatted(what, name);
    }

    private void checkRange(NodeClass.Input input, JsonNode value, List<ObjectNode> errors) {
        var min = input.options().get("min");
        var max = input.options().get("max");
        if (min != null && value.isNumber() && compare(value, min) < 0) {
            errors.add(outOfRange("value_smaller_than_min", "smaller than min", input, value, min));
        } else if (max != null && value.isNumber() && compare(value, max) > 0) {
            errors.add(outOfRange("value_bigger_than_max", "bigger than max", input, value, max));
        } else if (input.isChoice()) {
            var choices = signatures.choices(input);
            if (!value.isString() || !choices.contains(value.stringValue())) {
                errors.add(notInList(input, value, choices));
            }
        }
    }

    private static int compare(JsonNode value, JsonNode limit) {
        var number = value.doubleValue();
        if (Double.isNaN(number)) {
            return 0; // Python: every comparison with NaN is false.
        }
        return Double.isInfinite(number)
                ? Double.compare(number, 0)
                : decimal(value).compareTo(decimal(limit));
    }

    private static BigDecimal decimal(JsonNode number) {
        return number.isIntegralNumber()
                ? new BigDecimal(number.bigIntegerValue())
                : number.decimalValue();
    }

    private ObjectNode outOfRange(
            String type, String words, NodeClass.Input input, JsonNode value, JsonNode limit) {
        var error =
                inputError(
                        type,
                        "Value %s %s of %s"
                                .formatted(Python.repr(value), words, Python.repr(limit)),
                        input,
                        input.name());
        configured(error, input).set("received_value", value);
        return error;
    }

    private ObjectNode notInList(NodeClass.Input input, JsonNode value, List<String> choices) {
        var config = signatures.configUnlessLong(input);
        var list =
                config == null
                        ? "(list of length %d)".formatted(choices.size())
                        : Python.repr(choices);
        var error =
                inputError(
                        "value_not_in_list",
                        "Value not in list",
                        input,
                        "%s: %s not in %s".formatted(input.name(), Python.repr(value), list));
        var extra = (ObjectNode) error.path("extra_info");
        extra.set("input_config", config == null ? Json.text(null) : config);
        extra.set("received_value", value);
        return error;
    }

    private static ObjectNode inputError(
            String type, String message, NodeClass.Input input, String details) {
        var error = error(type, message, details);
        error.putObject("extra_info").put("input_name", input.name());
        return error;
    }

    private ObjectNode configured(ObjectNode error, NodeClass.Input input) {
        var extra = (ObjectNode) error.path("extra_info");
        extra.set("input_config", signatures.config(input));
        return extra;
    }

    private ObjectNode stumble(
            String type,
            Python.PythonException e,
            NodeClass.@Nullable Input input,
            @Nullable JsonNode link) {
        var inner = input != null;
        var error =
                error(
                        type,
                        "Exception when validating " + (inner ? "inner node" : "node"),
                        e.text());
        var extra = error.putObject("extra_info");
        if (input != null) {
            extra.put("input_name", input.name());
            extra.set("input_config", signatures.config(input));
            extra.put("exception_message", e.text());
        }
        extra.put("exception_type", e.type());
        extra.putArray("traceback")
                .add(
                        "  File \"/srv/comfyui/execution.py\", line 1041, in validate_inputs\n    %s\n"
                                .formatted(e.type().toLowerCase(Locale.ROOT)));
        if (link != null) {
            extra.set("linked_node", link);
        }
        return error;
    }
}
