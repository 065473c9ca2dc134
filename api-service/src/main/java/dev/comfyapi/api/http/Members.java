package dev.comfyapi.api.http;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Reads the members of one JSON object, noting every one that is missing, of the wrong type, out
/// of range or unknown. `null` means absent.
///
/// What is read with mistakes comes back as if it were absent; look at [Problems] before using
/// anything.
public final class Members {

    private final JsonNode object;
    private final String pointer;
    private final Problems problems;
    private final Set<String> known = new LinkedHashSet<>();
    private final Set<String> notOffered = new LinkedHashSet<>();

    private Members(JsonNode object, String pointer, Problems problems) {
        this.object = object;
        this.pointer = pointer;
        this.problems = problems;
    }

    /// The members of a whole body.
    public static Members of(JsonNode body, Problems problems) {
        problems.addUnstorableTexts(body, "#");
        return at(body, "#", problems);
    }

    /// The members of an object inside a body whose texts were checked already.
    public static Members at(JsonNode value, String pointer, Problems problems) {
        if (!value.isObject()) {
            wrongType(problems, pointer, "an object", value);
        }
        return new Members(value, pointer, problems);
    }

    public Problems problems() {
        return problems;
    }

    /// Where a member is.
    public String pointer(String name) {
        return pointer + "/" + Problems.escaped(name);
    }

    /// Whether the member is there and not null; says that it is known.
    public boolean has(String name) {
        return present(name) != null;
    }

    /// A text of so many characters (code points) at most, unchanged.
    public Optional<String> text(String name, int least, int most) {
        var value = present(name);
        return value == null ? Optional.empty() : checkedText(value, pointer(name), least, most);
    }

    /// A text as it is without white space around it.
    public Optional<String> trimmedText(String name, int least, int most) {
        var value = present(name);
        if (value == null) {
            return Optional.empty();
        }
        if (!value.isString()) {
            wrongType(problems, pointer(name), "a string", value);
            return Optional.empty();
        }
        var trimmed = value.stringValue().strip();
        return hasLength(trimmed, pointer(name), least, most)
                ? Optional.of(trimmed)
                : Optional.empty();
    }

    private Optional<String> checkedText(JsonNode value, String place, int least, int most) {
        if (!value.isString()) {
            wrongType(problems, place, "a string", value);
            return Optional.empty();
        }
        var text = value.stringValue();
        return hasLength(text, place, least, most) ? Optional.of(text) : Optional.empty();
    }

    private boolean hasLength(String text, String place, int least, int most) {
        int length = text.codePointCount(0, text.length());
        if (length < least) {
            problems.add(
                    place,
                    "too_short",
                    least == 1
                            ? "must not be empty"
                            : "must have at least %d characters".formatted(least),
                    Map.of("min", least, "actual", length));
            return false;
        }
        if (length > most) {
            problems.add(
                    place,
                    "too_long",
                    "must have at most %d characters".formatted(most),
                    Map.of("max", most, "actual", length));
            return false;
        }
        return true;
    }

    /// A whole number, written without a fraction.
    public Optional<Integer> integer(String name, int least, int most) {
        var value = present(name);
        if (value == null) {
            return Optional.empty();
        }
        if (!value.isIntegralNumber()) {
            wrongType(problems, pointer(name), "a whole number", value);
            return Optional.empty();
        }
        var number = value.bigIntegerValue();
        return isBetween(number, BigInteger.valueOf(least), BigInteger.valueOf(most), pointer(name))
                ? Optional.of(number.intValue())
                : Optional.empty();
    }

    /// A number, as exact as it was written.
    public Optional<BigDecimal> decimal(String name, BigDecimal least, BigDecimal most) {
        var value = present(name);
        if (value == null) {
            return Optional.empty();
        }
        if (!value.isNumber()) {
            wrongType(problems, pointer(name), "a number", value);
            return Optional.empty();
        }
        var number = value.decimalValue();
        return isBetween(number, least, most, pointer(name))
                ? Optional.of(number)
                : Optional.empty();
    }

    private <N extends Number & Comparable<N>> boolean isBetween(
            N number, N least, N most, String place) {
        if (number.compareTo(least) < 0) {
            problems.add(
                    place,
                    "out_of_range",
                    "must be at least " + least,
                    Map.of("min", least, "actual", number));
            return false;
        }
        if (number.compareTo(most) > 0) {
            problems.add(
                    place,
                    "out_of_range",
                    "must be at most " + most,
                    Map.of("max", most, "actual", number));
            return false;
        }
        return true;
    }

    /// `true` or `false`.
    public Optional<Boolean> flag(String name) {
        var value = present(name);
        if (value == null) {
            return Optional.empty();
        }
        if (!value.isBoolean()) {
            wrongType(problems, pointer(name), "true or false", value);
            return Optional.empty();
        }
        return Optional.of(value.booleanValue());
    }

    /// A time as RFC 3339 writes it.
    public Optional<Instant> time(String name) {
        var text = text(name, 1, 64);
        if (text.isEmpty()) {
            return Optional.empty();
        }
        var time = Times.parse(text.get());
        if (time.isEmpty()) {
            problems.add(
                    pointer(name), "invalid_value", "must be a time such as 2026-01-31T12:00:00Z");
        }
        return time;
    }

    /// The value as it came; null when it is absent.
    public @Nullable JsonNode raw(String name) {
        return present(name);
    }

    /// The elements of an array, each with its place; empty when it is absent or not valid.
    public List<Element> elements(String name, int least, int most) {
        var value = present(name);
        if (value == null) {
            return List.of();
        }
        if (!value.isArray()) {
            wrongType(problems, pointer(name), "an array", value);
            return List.of();
        }
        if (value.size() < least || value.size() > most) {
            problems.add(
                    pointer(name),
                    value.size() < least ? "too_few" : "too_many",
                    "must have %d to %d elements".formatted(least, most),
                    Map.of("min", least, "max", most, "actual", value.size()));
            return List.of();
        }
        var elements = new ArrayList<Element>();
        for (int i = 0; i < value.size(); i++) {
            elements.add(new Element(value.get(i), pointer(name) + "/" + i));
        }
        return elements;
    }

    /// One element of an array.
    public record Element(JsonNode value, String pointer) {}

    /// Texts in an array.
    public List<String> texts(String name, int mostElements, int mostCharacters) {
        return elements(name, 0, mostElements).stream()
                .flatMap(e -> checkedText(e.value(), e.pointer(), 1, mostCharacters).stream())
                .toList();
    }

    /// An object of the client's own: names to texts; empty when it is absent or not valid.
    public Map<String, String> textMap(String name, int mostKeys, int mostKey, int mostValue) {
        var value = present(name);
        if (value == null) {
            return Map.of();
        }
        if (!value.isObject()) {
            wrongType(problems, pointer(name), "an object", value);
            return Map.of();
        }
        if (value.size() > mostKeys) {
            problems.add(
                    pointer(name),
                    "too_many",
                    "must have at most %d members".formatted(mostKeys),
                    Map.of("max", mostKeys, "actual", value.size()));
            return Map.of();
        }
        var texts = new java.util.LinkedHashMap<String, String>();
        for (var member : value.properties()) {
            var place = pointer(name) + "/" + Problems.escaped(member.getKey());
            if (hasLength(member.getKey(), place, 1, mostKey)) {
                checkedText(member.getValue(), place, 0, mostValue)
                        .ifPresent(text -> texts.put(member.getKey(), text));
            }
        }
        return texts;
    }

    /// The members of a nested object; those of an empty one when it is absent.
    public Members nested(String name) {
        var value = present(name);
        return at(
                value == null
                        ? tools.jackson.databind.node.JsonNodeFactory.instance.objectNode()
                        : value,
                pointer(name),
                problems);
    }

    /// Notes that a required member is not there.
    public void require(String name) {
        if (!has(name) && object.isObject()) {
            problems.add(pointer(name), "required", "is required");
        }
    }

    /// Names that the contract has and this version does not offer.
    public void notOffered(String... names) {
        for (var name : names) {
            notOffered.add(name);
            if (has(name)) {
                addNotOffered(name);
            }
        }
    }

    /// Notes that this value of a member is not offered yet.
    public void addNotOffered(String name) {
        problems.add(
                pointer(name),
                "not_supported",
                "is not offered by this version of the service",
                Map.of("member", name));
    }

    /// Notes the members that nobody asked for. Call it last.
    public void end() {
        if (!object.isObject()) {
            return;
        }
        var offered = new LinkedHashSet<>(known);
        offered.removeAll(notOffered);
        for (var name : object.propertyNames()) {
            if (known.contains(name)) {
                continue;
            }
            if (problems.isFull()) {
                return;
            }
            var shown = Problems.escaped(name);
            var nearest = Similar.nearest(name, offered);
            problems.add(
                    pointer(name),
                    "unknown_field",
                    nearest.map(n -> "is not known; did you mean %s?".formatted(n))
                            .orElse("is not known"),
                    nearest.<Map<String, Object>>map(n -> Map.of("name", shown, "nearest", n))
                            .orElse(Map.of("name", shown)));
        }
    }

    private @Nullable JsonNode present(String name) {
        known.add(name);
        var value = object.get(name);
        return value == null || value.isNull() ? null : value;
    }

    private static void wrongType(
            Problems problems, String place, String expected, JsonNode actual) {
        var found =
                switch (actual.getNodeType()) {
                    case ARRAY -> "array";
                    case OBJECT, POJO -> "object";
                    case BOOLEAN -> "boolean";
                    case NUMBER -> "number";
                    case STRING, BINARY -> "string";
                    case NULL, MISSING -> "null";
                };
        problems.add(
                place,
                "invalid_type",
                "must be " + expected,
                Map.of("expected", expected, "actual", found));
    }
}
