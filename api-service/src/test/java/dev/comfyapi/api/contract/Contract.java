package dev.comfyapi.api.contract;

import dev.comfyapi.contract.Schemas;

import org.jspecify.annotations.Nullable;

import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/// The OpenAPI document as it is served, taken at its word: an answer with a status, a media type,
/// a header or a member that is not in it is wrong. Thread-safe.
public final class Contract {

    private static final JsonMapper JSON = JsonMapper.shared();
    private static final String PROBLEM = "application/problem+json";
    private static final Pattern VARIABLE = Pattern.compile("\\{([^}]+)}");

    /// What is served besides operations, and is not held against the document.
    private static final Pattern NOT_LISTED =
            Pattern.compile(
                    // The documents themselves, and the pages that show them.
                    "/openapi\\.(json|yaml).*|/asyncapi\\.yaml|/docs.*|/swagger-ui.*|/webjars/.*|/usage/.*");

    /// Problems that come from in front of the operations, wherever a request goes.
    private static final Set<Integer> IN_FRONT =
            Set.of(400, 401, 403, 404, 405, 406, 408, 413, 429, 431, 503);

    /// Headers of HTTP itself, and those that docs/security.md promises for every answer.
    private static final Set<String> EVERYWHERE =
            Set.of(
                    ":status",
                    "cache-control",
                    "connection",
                    "content-length",
                    "content-security-policy",
                    "content-type",
                    "cross-origin-opener-policy",
                    "cross-origin-resource-policy",
                    "date",
                    "keep-alive",
                    "permissions-policy",
                    "referrer-policy",
                    "strict-transport-security",
                    "transfer-encoding",
                    "vary",
                    "x-content-type-options",
                    "x-frame-options");

    private static final String CORS = "access-control-";

    /// What makes of a target something else than the path of an operation, for some of those who
    /// read it on its way: such a request may be refused in front of the operation.
    private static final Pattern ODD = Pattern.compile("^[^?]*(?:;|//|/\\.|%|\\\\|#)");

    private final JsonNode document;
    private final Schemas schemas;
    private final List<Template> templates;

    /// An answer as it came; names of headers in any case.
    public record Answer(int status, Map<String, List<String>> headers, String body) {

        public Answer {
            var anyCase = new TreeMap<String, List<String>>(String.CASE_INSENSITIVE_ORDER);
            anyCase.putAll(headers);
            headers = Collections.unmodifiableMap(anyCase);
        }

        public static Answer of(int status, Map<String, List<String>> headers, byte[] body) {
            return new Answer(status, headers, new String(body, StandardCharsets.UTF_8));
        }

        public @Nullable String header(String name) {
            var values = headers.get(name);
            return values == null || values.isEmpty() ? null : values.getFirst();
        }
    }

    /// One operation of the document.
    public record Operation(String method, String path, JsonNode description) {

        public String name() {
            return method + " " + path;
        }
    }

    /// A path of the document.
    private record Template(String path, Pattern pattern, int variables) {

        static Template of(String path) {
            var pattern = new StringBuilder();
            int end = 0;
            int variables = 0;
            var variable = VARIABLE.matcher(path);
            while (variable.find()) {
                pattern.append(Pattern.quote(path.substring(end, variable.start())));
                // Only the path of a file goes over several segments.
                pattern.append(variable.group(1).equals("path") ? ".*" : "[^/]+");
                end = variable.end();
                variables++;
            }
            pattern.append(Pattern.quote(path.substring(end)));
            return new Template(
                    path, Pattern.compile(pattern.toString(), Pattern.DOTALL), variables);
        }
    }

    public Contract(byte[] json) {
        document = JSON.readTree(json);
        schemas = new Schemas(document);
        templates =
                document.path("paths").propertyNames().stream()
                        .map(Template::of)
                        .sorted(Comparator.comparingInt(Template::variables))
                        .toList();
    }

    public JsonNode document() {
        return document;
    }

    public List<Operation> operations() {
        var operations = new ArrayList<Operation>();
        for (var path : document.path("paths").properties()) {
            for (var operation : path.getValue().properties()) {
                operations.add(
                        new Operation(
                                operation.getKey().toUpperCase(Locale.ROOT),
                                path.getKey(),
                                operation.getValue()));
            }
        }
        return operations;
    }

    /// What a reference means; anything else is itself.
    public JsonNode resolve(JsonNode node) {
        var reference = node.path("$ref").asString("");
        return reference.isEmpty() ? node : resolve(document.at(reference.substring(1)));
    }

    /// What is wrong with a value by a schema of this document.
    public List<String> errors(JsonNode schema, JsonNode value) {
        return schemas.errors(schema, value);
    }

    /// Holds an answer against the document.
    ///
    /// @param target path and query as they were sent
    /// @throws AssertionError when they differ
    public void check(String method, String target, Answer answer) {
        try {
            compare(method, target, answer);
        } catch (Difference e) {
            var body = answer.body();
            throw new AssertionError(
                    "%s %s is answered with %d, which is not in the OpenAPI document: %s%n%s"
                            .formatted(
                                    method,
                                    target,
                                    answer.status(),
                                    e.getMessage(),
                                    body.length() > 2_000 ? body.substring(0, 2_000) : body),
                    e);
        }
    }

    private static final class Difference extends Exception {
        Difference(String words) {
            super(words, null, false, false);
        }
    }

    /// As the service reads it: parameters of segments and slashes at the end do not count.
    private static String path(String target) {
        var path = target.split("[?#]", 2)[0].replaceAll(";[^/]*", "");
        try {
            path = URLDecoder.decode(path.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException _) {
            // Refused as it is.
        }
        var segments = new ArrayList<String>();
        for (var segment : path.split("/", -1)) {
            if (segment.equals("..") && !segments.isEmpty()) {
                segments.removeLast();
            } else if (!segment.isEmpty() && !segment.equals(".") && !segment.equals("..")) {
                segments.add(segment);
            }
        }
        return "/" + String.join("/", segments);
    }

    private void compare(String method, String target, Answer answer) throws Difference {
        var path = path(target);
        if (NOT_LISTED.matcher(path).matches()) {
            return;
        }
        var operation = operation(method.equals("HEAD") ? "GET" : method, path);
        boolean described =
                operation.filter(known -> known.path("responses").has(status(answer))).isPresent();
        if (operation.isPresent() && (described || !ODD.matcher(target).find())) {
            compare(operation.get(), answer, method.equals("HEAD"));
        } else if (method.equals("OPTIONS") && answer.status() == 200) {
            // A preflight, or a look at `Allow`.
            require(answer.body().isEmpty(), "an answer to OPTIONS has a body");
        } else {
            require(IN_FRONT.contains(answer.status()), "no such operation, and no refusal");
            compareResponse(
                    document.path("components").path("responses"),
                    "Problem" + answer.status(),
                    answer,
                    method.equals("HEAD"));
        }
    }

    private Optional<JsonNode> operation(String method, String path) {
        return templates.stream()
                .filter(template -> template.pattern.matcher(path).matches())
                .map(template ->
                        document.path("paths")
                                .path(template.path)
                                .path(method.toLowerCase(Locale.ROOT)))
                .filter(JsonNode::isObject)
                .findFirst();
    }

    private void compare(JsonNode operation, Answer answer, boolean head) throws Difference {
        compareResponse(operation.path("responses"), status(answer), answer, head);
    }

    private static String status(Answer answer) {
        return Integer.toString(answer.status());
    }

    private void compareResponse(JsonNode responses, String name, Answer answer, boolean head)
            throws Difference {
        require(responses.has(name), "the status is not described");
        var response = resolve(responses.path(name));
        compareHeaders(response.path("headers"), answer);
        var content = response.path("content");
        if (content.isEmpty()) {
            require(answer.body().isEmpty(), "no body is described");
            return;
        }
        var type = String.valueOf(answer.header("Content-Type")).split(";", 2)[0].strip();
        var described = content.path(type);
        if (described.isMissingNode()) {
            described = content.path("*/*");
        }
        require(described.isObject(), "the type %s is not described".formatted(type));
        if (!head && type.endsWith("json")) {
            compareBody(described.path("schema"), answer);
        }
        if (!head && type.equals(PROBLEM)) {
            require(
                    JSON.readTree(answer.body()).path("status").asInt(0) == answer.status(),
                    "the problem has another status");
        }
    }

    private void compareHeaders(JsonNode described, Answer answer) throws Difference {
        for (var header : described.properties()) {
            var meaning = resolve(header.getValue());
            var value = answer.header(header.getKey());
            require(
                    value != null || !meaning.path("required").asBoolean(false),
                    "the header %s is missing".formatted(header.getKey()));
            require(
                    value == null
                            || !meaning.at("/schema/type").asString("").equals("integer")
                            || value.matches("-?[0-9]+"),
                    "the header %s is no number: %s".formatted(header.getKey(), value));
        }
        for (var name : answer.headers().keySet()) {
            var lower = name.toLowerCase(Locale.ROOT);
            require(
                    EVERYWHERE.contains(lower)
                            || lower.startsWith(CORS)
                            || described.propertyNames().stream()
                                    .anyMatch(known -> known.equalsIgnoreCase(name)),
                    "the header %s is not described".formatted(name));
        }
    }

    private void compareBody(JsonNode schema, Answer answer) throws Difference {
        JsonNode value;
        try {
            value = JSON.readTree(answer.body());
        } catch (JacksonException e) {
            throw new Difference("the body is no JSON: " + e.getOriginalMessage());
        }
        var errors = schemas.errors(schema, value);
        require(errors.isEmpty(), String.join("; ", errors));
    }

    private static void require(boolean holds, String otherwise) throws Difference {
        if (!holds) {
            throw new Difference(otherwise);
        }
    }
}
