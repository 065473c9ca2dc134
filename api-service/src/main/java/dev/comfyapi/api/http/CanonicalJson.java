package dev.comfyapi.api.http;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.util.TreeMap;

/// One way of writing each JSON value, so that equal bodies have equal fingerprints.
///
/// After RFC 8785: members sorted by UTF-16, no white space. Numbers keep all digits instead of
/// becoming doubles, so that two seeds beyond 2^53 stay two.
public final class CanonicalJson {

    private static final JsonMapper JSON = JsonMapper.shared();

    private CanonicalJson() {}

    public static String of(JsonNode value) {
        var text = new StringBuilder();
        write(value, text);
        return text.toString();
    }

    private static void write(JsonNode value, StringBuilder text) {
        if (value.isObject()) {
            var sorted = new TreeMap<String, JsonNode>();
            value.properties().forEach(member -> sorted.put(member.getKey(), member.getValue()));
            var separator = "{";
            for (var member : sorted.entrySet()) {
                text.append(separator).append(JSON.writeValueAsString(member.getKey())).append(':');
                write(member.getValue(), text);
                separator = ",";
            }
            text.append(sorted.isEmpty() ? "{}" : "}");
        } else if (value.isArray()) {
            text.append('[');
            for (int i = 0; i < value.size(); i++) {
                text.append(i == 0 ? "" : ",");
                write(value.get(i), text);
            }
            text.append(']');
        } else if (value.isNumber()) {
            var number = value.decimalValue();
            text.append(number.signum() == 0 ? "0" : number.stripTrailingZeros().toString());
        } else if (value.isString()) {
            text.append(JSON.writeValueAsString(value.stringValue()));
        } else {
            text.append(value);
        }
    }
}
