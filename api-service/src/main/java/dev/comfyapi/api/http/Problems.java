package dev.comfyapi.api.http;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Collects what is wrong with a body, so that a client learns all of it at once.
public final class Problems {

    /// A client that sends thousands of mistakes needs the first hundred.
    private static final int MOST = 100;

    private final Map<String, InvalidMember> found = new LinkedHashMap<>();

    /// Notes a mistake; only the first one of each place counts.
    public void add(String pointer, String code, String detail, Map<String, Object> params) {
        add(new InvalidMember(pointer, code, detail, params));
    }

    /// The same, already written down.
    public void add(InvalidMember member) {
        if (found.size() < MOST) {
            found.putIfAbsent(member.pointer(), member);
        }
    }

    public void add(String pointer, String code, String detail) {
        add(pointer, code, detail, Map.of());
    }

    public boolean isEmpty() {
        return found.isEmpty();
    }

    public List<InvalidMember> all() {
        return List.copyOf(found.values());
    }

    /// @throws ApiProblem when anything was found
    public void throwIfAny() {
        if (!isEmpty()) {
            throw ApiProblem.invalid(all());
        }
    }

    /// Whether more would not be noted.
    public boolean isFull() {
        return found.size() >= MOST;
    }

    /// Notes texts, names included, that cannot be stored or shown: with NUL, or with half of a
    /// surrogate pair.
    public void addUnstorableTexts(JsonNode value, String pointer) {
        checkTexts(value, new Place(null, pointer));
    }

    /// A place on the way down a body. Spelled out only when something is wrong there: a deep body
    /// with long names has very many, very long pointers.
    private record Place(@Nullable Place parent, String step) {

        Place at(String name) {
            return new Place(this, name);
        }

        String pointer() {
            return parent == null ? step : parent.pointer() + "/" + escaped(step);
        }
    }

    private void checkTexts(JsonNode value, Place place) {
        if (isFull()) {
            return;
        }
        if (value.isString()) {
            checkText(value.stringValue(), place);
        } else if (value.isArray()) {
            for (int i = 0; i < value.size(); i++) {
                checkTexts(value.get(i), place.at(Integer.toString(i)));
            }
        } else if (value.isObject()) {
            for (var member : value.properties()) {
                var inside = place.at(member.getKey());
                checkText(member.getKey(), inside);
                checkTexts(member.getValue(), inside);
            }
        }
    }

    private void checkText(String text, Place place) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean pair =
                    Character.isHighSurrogate(c)
                            && i + 1 < text.length()
                            && Character.isLowSurrogate(text.charAt(i + 1));
            if (pair) {
                i++;
            } else if (c == 0 || Character.isSurrogate(c)) {
                add(
                        place.pointer(),
                        "invalid_text",
                        c == 0
                                ? "must not contain NUL characters"
                                : "must not contain half of a surrogate pair",
                        Map.of("index", i));
                return;
            }
        }
    }

    /// A JSON pointer, made safe to show.
    public static String shown(String pointer) {
        var names = pointer.split("/", -1);
        for (int i = 0; i < names.length; i++) {
            names[i] = escaped(names[i].replace("~1", "/").replace("~0", "~"));
        }
        return String.join("/", names);
    }

    /// A member's name as a part of a JSON pointer, safe to show.
    public static String escaped(String name) {
        var shown = new StringBuilder();
        name.codePoints()
                .limit(200)
                .forEach(c -> {
                    if (c == '~') {
                        shown.append("~0");
                    } else if (c == '/') {
                        shown.append("~1");
                    } else if (Character.isISOControl(c)
                            || (c <= 0xFFFF && Character.isSurrogate((char) c))) {
                        shown.append("?");
                    } else {
                        shown.appendCodePoint(c);
                    }
                });
        return shown.toString();
    }
}
