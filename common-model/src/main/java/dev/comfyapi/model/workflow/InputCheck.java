package dev.comfyapi.model.workflow;

import dev.comfyapi.model.asset.ContentReference;
import dev.comfyapi.model.workflow.GraphFindings.Place;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;

import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// Judges the value of one input: a literal, or a link to another node's output.
final class InputCheck {

    private static final int DEEPEST = 20;
    private static final BigDecimal LEAST_INT = BigDecimal.TWO.pow(63).negate();
    private static final BigDecimal MOST_INT = BigDecimal.TWO.pow(64).subtract(BigDecimal.ONE);
    private static final BigDecimal MOST_FLOAT = new BigDecimal("1e308");
    private static final Pattern NUMBER =
            Pattern.compile("[+-]?[0-9]{1,40}(\\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?");

    /// No separators, no `..`, and none of the `[output]` that ComfyUI reads as another folder.
    private static final Pattern PLAIN_FILE =
            Pattern.compile("[\\p{L}\\p{N}_](?:[\\p{L}\\p{N}_ ()+,@=-]|\\.(?!\\.)){0,199}");

    /// How a literal list is told from a link.
    private static final String WRAPPED = "__value__";

    /// Inputs that name uploaded files, also where nobody has described the class.
    private static final Map<String, String> UPLOADS =
            Map.of(
                    "LoadImage", "image",
                    "LoadImageMask", "image",
                    "LoadAudio", "audio",
                    "LoadVideo", "file");

    private final GraphFindings findings;
    private final Function<String, Optional<NodeClass>> classOf;
    private final Set<String> nodes;
    private final Function<String, Set<String>> models;
    private final boolean fleetIsKnown;

    /// @param classOf what is known of the class of the node with an id
    /// @param nodes ids of all nodes
    /// @param models the fleet's files in a model folder; null when nothing is known of the fleet
    InputCheck(
            GraphFindings findings,
            Function<String, Optional<NodeClass>> classOf,
            Set<String> nodes,
            @Nullable Function<String, Set<String>> models) {
        this.findings = findings;
        this.classOf = classOf;
        this.nodes = nodes;
        this.fleetIsKnown = models != null;
        this.models = models == null ? _ -> Set.of() : models;
    }

    /// @param input null when nothing is known of it
    void check(Place place, String name, @Nullable NodeInput input, JsonNode value) {
        var folder = folder(place, name);
        boolean upload = isUpload(place, name, input);
        var wrapped = value.isObject() && value.size() == 1 ? value.get(WRAPPED) : null;
        if (value.isArray() && !(input != null && input.many() && link(value).isEmpty())) {
            checkLink(place, input, value, folder.isPresent() || upload);
        } else if (wrapped != null) {
            checkLiteral(place, input, wrapped, folder, upload);
        } else {
            checkLiteral(place, input, value, folder, upload);
        }
    }

    private static Optional<String> folder(Place place, String name) {
        var nodeClass = place.nodeClass();
        return nodeClass == null ? Optional.empty() : Needs.folder(nodeClass, name);
    }

    private static boolean isUpload(Place place, String name, @Nullable NodeInput input) {
        var nodeClass = place.nodeClass();
        return (input != null && input.upload())
                || (nodeClass != null && name.equals(UPLOADS.get(nodeClass)));
    }

    // Links.

    /// @param slot from 0
    record Link(String node, int slot) {}

    /// Reads `["node id", output index]`; empty when the value is no such thing.
    static Optional<Link> link(JsonNode value) {
        return value.isArray()
                        && value.size() == 2
                        && value.path(0).isString()
                        && value.path(1).isIntegralNumber()
                        && value.path(1).canConvertToInt()
                ? Optional.of(new Link(value.path(0).stringValue(), value.path(1).intValue()))
                : Optional.empty();
    }

    private void checkLink(
            Place place, @Nullable NodeInput input, JsonNode value, boolean namesFile) {
        var link = link(value);
        if (link.isEmpty()) {
            findings.refuse(
                    place,
                    "invalid_link",
                    "must be a link, [\"node id\", output index], or a value that is no list");
            return;
        }
        if (namesFile) {
            findings.refuse(
                    place,
                    "link_not_allowed",
                    "must name its file here: another node may not choose it");
            return;
        }
        var from = link.get().node();
        if (!nodes.contains(from)) {
            findings.refuse(
                    place,
                    "invalid_link",
                    "links to a node that is not there",
                    Map.of("node", shown(from)));
            return;
        }
        classOf.apply(from).ifPresent(source -> checkSlot(place, input, source, link.get()));
    }

    private void checkSlot(Place place, @Nullable NodeInput input, NodeClass source, Link link) {
        if (link.slot() < 0 || link.slot() >= source.outputs().size()) {
            findings.refuse(
                    place,
                    "invalid_link",
                    "links to output %d of node %s, a %s, which has %d"
                            .formatted(
                                    link.slot(),
                                    shown(link.node()),
                                    source.name(),
                                    source.outputs().size()),
                    Map.of(
                            "node",
                            shown(link.node()),
                            "class_type",
                            source.name(),
                            "slot",
                            link.slot(),
                            "outputs",
                            source.outputs().size()));
            return;
        }
        var given = source.outputs().get(link.slot());
        if (input != null && !input.isDynamic() && !input.accepts(given)) {
            findings.refuse(
                    place,
                    "link_type_mismatch",
                    "takes %s, but output %d of node %s, a %s, is %s"
                            .formatted(
                                    input.type(),
                                    link.slot(),
                                    shown(link.node()),
                                    source.name(),
                                    given),
                    Map.of(
                            "expected",
                            input.type(),
                            "actual",
                            given,
                            "node",
                            shown(link.node()),
                            "class_type",
                            source.name(),
                            "slot",
                            link.slot()));
        }
    }

    // Literals.

    private void checkLiteral(
            Place place,
            @Nullable NodeInput input,
            JsonNode value,
            Optional<String> folder,
            boolean upload) {
        if (upload) {
            checkFile(place, value);
        } else if (folder.isPresent()) {
            checkModel(place, input, value, folder.get());
        } else if (input == null || input.isDynamic()) {
            checkDepth(place, value);
        } else if (input.isChoice()) {
            checkChoice(place, input, value);
        } else if (input.isOnlyLinked()) {
            findings.refuse(
                    place,
                    "link_expected",
                    "must be a link to an output of type " + input.type(),
                    Map.of("expected", input.type()));
        } else {
            switch (input.type()) {
                case "INT" -> checkInt(place, input, value);
                case "FLOAT" -> checkFloat(place, input, value);
                case "BOOLEAN" -> checkBoolean(place, value);
                case "STRING" -> checkString(place, value);
                // A widget of its own.
                default -> checkDepth(place, value);
            }
        }
    }

    private void checkFile(Place place, JsonNode value) {
        if (!value.isString()) {
            wrongType(place, "the name of a file", value);
        } else if (ContentReference.parse(value.stringValue()).isEmpty()
                && !PLAIN_FILE.matcher(value.stringValue()).matches()) {
            findings.refuse(
                    place,
                    "invalid_file_name",
                    "must be asset://<id>, job://<id>/artifacts/<n> or a plain file name without"
                            + " folders");
        }
    }

    private void checkModel(Place place, @Nullable NodeInput input, JsonNode value, String folder) {
        if (!value.isString()) {
            wrongType(place, "the name of a file", value);
            return;
        }
        var name = value.stringValue().replace('\\', '/');
        if (name.startsWith("/") || List.of(name.split("/", -1)).contains("..")) {
            findings.refuse(
                    place,
                    "invalid_value",
                    "must be a file name relative to ComfyUI's %s folder".formatted(folder),
                    Map.of("folder", folder));
            return;
        }
        if (!fleetIsKnown || Needs.isBuiltIn(folder, name)) {
            return;
        }
        var known = models.apply(folder);
        if (known.isEmpty() && input != null) {
            known =
                    input.choices().stream()
                            .map(choice -> choice.replace('\\', '/'))
                            .collect(Collectors.toSet());
        }
        if (!known.contains(name)) {
            findings.refuseName(place, "model_not_available", "is on no live worker", name, known);
        }
    }

    private void checkChoice(Place place, NodeInput input, JsonNode value) {
        if (value.isArray() && input.many()) {
            value.forEach(element -> checkChoice(place, input, element));
            return;
        }
        if (value.isContainer() || value.isNull()) {
            wrongType(place, "one of the choices", value);
            return;
        }
        var chosen = value.asString("");
        if (!input.choices().isEmpty() && !input.choices().contains(chosen)) {
            findings.refuseName(
                    place,
                    "invalid_value",
                    "is not one of the %d choices".formatted(input.choices().size()),
                    chosen,
                    input.choices());
        }
    }

    private void checkInt(Place place, NodeInput input, JsonNode value) {
        var number = number(value);
        if (number.isEmpty() || number.get().stripTrailingZeros().scale() > 0) {
            wrongType(place, "a whole number", value);
            return;
        }
        checkRange(place, input, number.get(), LEAST_INT, MOST_INT);
    }

    private void checkFloat(Place place, NodeInput input, JsonNode value) {
        var number = number(value);
        if (number.isEmpty()) {
            wrongType(place, "a number", value);
            return;
        }
        checkRange(place, input, number.get(), MOST_FLOAT.negate(), MOST_FLOAT);
    }

    /// ComfyUI reads numbers in texts, which is how JavaScript keeps all digits of a seed.
    static Optional<BigDecimal> number(JsonNode value) {
        if (value.isNumber()) {
            return Optional.of(value.decimalValue());
        }
        return value.isString() && NUMBER.matcher(value.stringValue()).matches()
                ? Optional.of(new BigDecimal(value.stringValue()))
                : Optional.empty();
    }

    private void checkRange(
            Place place,
            NodeInput input,
            BigDecimal number,
            BigDecimal leastOfAll,
            BigDecimal mostOfAll) {
        var min = input.min() == null ? leastOfAll : input.min();
        var max = input.max() == null ? mostOfAll : input.max();
        if (number.compareTo(min) < 0) {
            findings.refuse(
                    place,
                    "out_of_range",
                    "must be at least " + min.toPlainString(),
                    Map.of("min", min, "actual", number));
        } else if (number.compareTo(max) > 0) {
            findings.refuse(
                    place,
                    "out_of_range",
                    "must be at most " + max.toPlainString(),
                    Map.of("max", max, "actual", number));
        }
    }

    /// Not texts: ComfyUI would take "false" for true.
    private void checkBoolean(Place place, JsonNode value) {
        boolean bit =
                value.isIntegralNumber()
                        && value.canConvertToInt()
                        && (value.intValue() == 0 || value.intValue() == 1);
        if (!value.isBoolean() && !bit) {
            wrongType(place, "true or false", value);
        }
    }

    private void checkString(Place place, JsonNode value) {
        if (!value.isString() && !value.isNumber() && !value.isBoolean()) {
            wrongType(place, "a string", value);
        }
    }

    private void checkDepth(Place place, JsonNode value) {
        if (isDeeper(value, DEEPEST)) {
            findings.refuse(
                    place,
                    "too_deep",
                    "must be nested at most %d deep".formatted(DEEPEST),
                    Map.of("max", DEEPEST));
        }
    }

    private static boolean isDeeper(JsonNode value, int levels) {
        if (!value.isContainer()) {
            return false;
        }
        if (levels == 0) {
            return true;
        }
        for (var inside : value) {
            if (isDeeper(inside, levels - 1)) {
                return true;
            }
        }
        return false;
    }

    private void wrongType(Place place, String expected, JsonNode actual) {
        wrongType(findings, place, expected, actual);
    }

    static void wrongType(GraphFindings findings, Place place, String expected, JsonNode actual) {
        var found =
                switch (actual.getNodeType()) {
                    case ARRAY -> "array";
                    case OBJECT, POJO -> "object";
                    case BOOLEAN -> "boolean";
                    case NUMBER -> "number";
                    case STRING, BINARY -> "string";
                    case NULL, MISSING -> "null";
                };
        findings.refuse(
                place,
                "invalid_type",
                "must be " + expected,
                Map.of("expected", expected, "actual", found));
    }

    private static String shown(String id) {
        return id.length() > 100 ? id.substring(0, 100) + "…" : id;
    }
}
