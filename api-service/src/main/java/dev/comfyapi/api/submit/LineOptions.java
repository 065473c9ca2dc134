package dev.comfyapi.api.submit;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.InvalidMember;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.http.Problems;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

import java.util.Map;
import java.util.regex.Pattern;

/// What is said of a batch whose body is its requests: the members of the other form as parameters
/// of the query.
final class LineOptions {

    private static final Pattern METADATA = Pattern.compile("metadata\\[(.{1,64})]");
    private static final Pattern NUMBER = Pattern.compile("-?[0-9]{1,9}");

    private LineOptions() {}

    /// As if they had come as JSON, so that they are read like those.
    ///
    /// @throws ApiProblem when one is not known, or given twice
    static ObjectNode of(Map<String, String[]> parameters) {
        var options = JsonNodeFactory.instance.objectNode();
        for (var parameter : parameters.entrySet()) {
            var name = parameter.getKey();
            if (parameter.getValue().length > 1) {
                throw bad(name, "must be given once");
            }
            put(options, name, parameter.getValue()[0]);
        }
        return options;
    }

    private static void put(ObjectNode options, String name, String value) {
        var metadata = METADATA.matcher(name);
        switch (name) {
            case "name" -> options.put(name, value);
            case "max_concurrency", "completion_window_s" -> options.set(name, number(value));
            case "fail_fast" -> options.set(name, flag(value));
            case "webhook_url" -> options.withObject("/webhook").put("url", value);
            case "webhook_events" -> {
                var events = options.withObject("/webhook").putArray("events");
                for (var word : value.split(",", -1)) {
                    events.add(word.strip());
                }
            }
            default -> {
                if (!metadata.matches()) {
                    throw bad(
                            name,
                            "is not known here; known are completion_window_s, fail_fast,"
                                    + " max_concurrency, metadata[key], name, webhook_events,"
                                    + " webhook_url");
                }
                options.withObject("/metadata").put(metadata.group(1), value);
            }
        }
    }

    private static JsonNode number(String value) {
        return NUMBER.matcher(value).matches()
                ? JsonNodeFactory.instance.numberNode(Integer.parseInt(value))
                : JsonNodeFactory.instance.stringNode(value);
    }

    private static JsonNode flag(String value) {
        return value.equals("true") || value.equals("false")
                ? JsonNodeFactory.instance.booleanNode(value.equals("true"))
                : JsonNodeFactory.instance.stringNode(value);
    }

    /// Says what is wrong in the words of the query.
    ///
    /// @throws ApiProblem when anything is
    static void refuse(Problems problems) {
        if (!problems.isEmpty()) {
            var first = problems.all().getFirst();
            throw bad(name(first), first.detail());
        }
    }

    private static String name(InvalidMember wrong) {
        var steps = wrong.pointer().split("/", -1);
        return switch (steps[1]) {
            case "webhook" -> "webhook_" + (steps.length > 2 ? steps[2] : "url");
            case "metadata" ->
                    steps.length > 2 ? "metadata[%s]".formatted(steps[2]) : "metadata[key]";
            default -> steps[1];
        };
    }

    private static ApiProblem bad(String name, String words) {
        var shown = Problems.escaped(name);
        return ApiProblem.of(
                        ProblemCode.BAD_PARAMETER, "The parameter %s %s.".formatted(shown, words))
                .with("parameter", shown);
    }
}
