package dev.comfyapi.api.http;

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
        if (found.size() < MOST) {
            found.putIfAbsent(pointer, new InvalidMember(pointer, code, detail, params));
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

    /// Notes texts, names included, that cannot be stored or shown: with NUL, or with half of a
    /// surrogate pair.
    public void addUnstorableTexts(JsonNode value, String pointer) {
        if (value.isString()) {
            checkText(value.stringValue(), pointer);
        } else if (value.isArray()) {
            for (int i = 0; i < value.size(); i++) {
                addUnstorableTexts(value.get(i), pointer + "/" + i);
            }
        } else if (value.isObject()) {
            for (var member : value.properties()) {
                var place = pointer + "/" + escaped(member.getKey());
                checkText(member.getKey(), place);
                addUnstorableTexts(member.getValue(), place);
            }
        }
    }

    private void checkText(String text, String pointer) {
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
                        pointer,
                        "invalid_text",
                        c == 0
                                ? "must not contain NUL characters"
                                : "must not contain half of a surrogate pair",
                        Map.of("index", i));
                return;
            }
        }
    }

    /// A member's name as a part of a JSON pointer, safe to show.
    static String escaped(String name) {
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
