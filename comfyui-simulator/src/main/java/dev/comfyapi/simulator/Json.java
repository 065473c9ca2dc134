package dev.comfyapi.simulator;

import org.jspecify.annotations.Nullable;

import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.core.json.JsonWriteFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Collection;

/// JSON as Python's `json` reads and writes it: `NaN` and `Infinity` are numbers, integers have no
/// limit.
final class Json {

    private static final JsonMapper MAPPER =
            JsonMapper.builder(
                            JsonFactory.builder()
                                    .streamReadConstraints(
                                            StreamReadConstraints.builder()
                                                    .maxNestingDepth(900)
                                                    .maxStringLength(Integer.MAX_VALUE)
                                                    .maxNumberLength(4300)
                                                    .build())
                                    .build())
                    .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
                    .disable(JsonWriteFeature.WRITE_NAN_AS_STRINGS)
                    .build();
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private Json() {}

    static ObjectNode object() {
        return NODES.objectNode();
    }

    static ArrayNode array() {
        return NODES.arrayNode();
    }

    static ArrayNode array(Collection<String> texts) {
        var array = NODES.arrayNode();
        texts.forEach(array::add);
        return array;
    }

    static JsonNode text(@Nullable String text) {
        return text == null ? NODES.nullNode() : NODES.stringNode(text);
    }

    static JsonNode number(BigInteger number) {
        return number.bitLength() < 64
                ? NODES.numberNode(number.longValue())
                : NODES.numberNode(number);
    }

    static JsonNode number(double number) {
        return NODES.numberNode(number);
    }

    static JsonNode bool(boolean value) {
        return NODES.booleanNode(value);
    }

    static JsonNode parse(byte[] json) throws MalformedJson {
        return parse(new String(json, StandardCharsets.UTF_8));
    }

    static JsonNode parse(String json) throws MalformedJson {
        try {
            var tree = MAPPER.readTree(json);
            if (tree.isMissingNode()) {
                throw new MalformedJson("empty", null);
            }
            return tree;
        } catch (JacksonException e) {
            throw new MalformedJson(e.getOriginalMessage(), e);
        }
    }

    static String write(JsonNode tree) {
        return MAPPER.writeValueAsString(tree);
    }

    /// A copy with the numbers that Python writes and JSON does not know.
    static ObjectNode withNaN(ObjectNode tree) {
        var copy = tree.deepCopy();
        copy.put("simulated_nan", Double.NaN)
                .put("simulated_infinity", Double.POSITIVE_INFINITY)
                .put("simulated_minus_infinity", Double.NEGATIVE_INFINITY);
        return copy;
    }

    /// With everything beyond ASCII escaped, as Python does by default.
    static String writeAscii(JsonNode tree) {
        var json = write(tree);
        var ascii = new StringBuilder(json.length());
        for (var i = 0; i < json.length(); i++) {
            var c = json.charAt(i);
            if (c < 128) {
                ascii.append(c);
            } else {
                ascii.append("\\u%04x".formatted((int) c));
            }
        }
        return ascii.toString();
    }

    /// A body that Python could not read either.
    static final class MalformedJson extends Exception {
        MalformedJson(String message, @Nullable Throwable cause) {
            super(message, cause);
        }
    }
}
