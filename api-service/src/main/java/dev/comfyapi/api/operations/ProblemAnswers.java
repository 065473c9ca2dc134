package dev.comfyapi.api.operations;

import dev.comfyapi.api.http.Problem;
import dev.comfyapi.api.http.ProblemCode;

import io.swagger.v3.core.converter.ModelConverters;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.PathItem.HttpMethod;
import io.swagger.v3.oas.models.examples.Example;
import io.swagger.v3.oas.models.media.Content;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.media.Schema;
import io.swagger.v3.oas.models.responses.ApiResponse;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Problems in the OpenAPI document: one response for each status, with every code that comes with
/// it, and for each operation the statuses that it can be answered with.
///
/// What an operation says of a status itself stays as its description.
final class ProblemAnswers {

    static final String MEDIA_TYPE = "application/problem+json";

    private static final String PREFIX = "Problem";

    /// Said of every operation: the container or the doors before it may answer so.
    private static final List<Integer> EVERYWHERE = List.of(400, 406, 429, 431);

    /// Said of every operation that needs a key.
    private static final List<Integer> BEHIND_A_KEY = List.of(401, 403, 503);

    private static final Map<Integer, String> MEANINGS =
            Map.ofEntries(
                    Map.entry(400, "The request is malformed, or a header or parameter not valid"),
                    Map.entry(401, "The request shows no good key"),
                    Map.entry(402, "The GPU time is used up"),
                    Map.entry(403, "The caller may not do this"),
                    Map.entry(404, "There is no such thing"),
                    Map.entry(405, "The address does not have this method"),
                    Map.entry(406, "Nothing here has a type that the request accepts"),
                    Map.entry(408, "The body came too slowly"),
                    Map.entry(409, "It is not in a state for that"),
                    Map.entry(410, "It was there, and is no longer"),
                    Map.entry(412, "It has changed since it was read"),
                    Map.entry(413, "The body is too large"),
                    Map.entry(415, "The body's type is not supported"),
                    Map.entry(416, "The range is outside the file"),
                    Map.entry(422, "The body is not valid; nothing was stored"),
                    Map.entry(429, "Too much at one time; repeat after `Retry-After`"),
                    Map.entry(431, "The headers are too large"),
                    Map.entry(500, "A mistake of the service, which was logged"),
                    Map.entry(503, "Not available just now; repeat after `Retry-After`"));

    private ProblemAnswers() {}

    static void describe(OpenAPI document) {
        var components = document.getComponents();
        ModelConverters.getInstance(true).readAll(Problem.class).forEach(components::addSchemas);
        Schema<?> problem = Objects.requireNonNull(components.getSchemas().get(PREFIX));
        problem.getProperties().put("code", code());
        Arrays.stream(ProblemCode.values())
                .collect(
                        Collectors.groupingBy(
                                ProblemCode::status, TreeMap::new, Collectors.toList()))
                .forEach((status, codes) ->
                        components.addResponses(PREFIX + status, response(status, codes)));
        document.getPaths()
                .forEach((path, item) ->
                        item.readOperationsMap()
                                .forEach((method, operation) -> {
                                    for (int status : statuses(path, method, operation)) {
                                        add(operation, status, components.getResponses());
                                    }
                                }));
    }

    private static Schema<String> code() {
        var code = new Schema<String>();
        code.setTypes(Set.of("string"));
        code.setDescription("The stable machine word; there may be more of them in time");
        code.setEnum(Arrays.stream(ProblemCode.values()).map(ProblemCode::wire).toList());
        return code;
    }

    private static ApiResponse response(int status, List<ProblemCode> codes) {
        var type = new MediaType().schema(new Schema<>().$ref("#/components/schemas/" + PREFIX));
        for (var code : codes) {
            type.addExamples(code.wire(), new Example().summary(code.title()).value(example(code)));
        }
        return new ApiResponse()
                .description(MEANINGS.get(status))
                .content(new Content().addMediaType(MEDIA_TYPE, type));
    }

    private static Map<String, Object> example(ProblemCode code) {
        var example = new LinkedHashMap<String, Object>();
        example.put("type", code.type());
        example.put("title", code.title());
        example.put("status", code.status());
        example.put("detail", code.explanation());
        example.put("instance", "/api/v1/jobs");
        example.put("code", code.wire());
        example.put("request_id", "6d3c1a0e-5f0b-4c1d-9c62-1f6f5f3f9a11");
        example.put("retryable", code.isRetryable());
        if (code == ProblemCode.VALIDATION_FAILED) {
            example.put(
                    "errors",
                    List.of(
                            Map.of(
                                    "pointer",
                                    "#/width",
                                    "code",
                                    "out_of_range",
                                    "detail",
                                    "must be at most 2048",
                                    "params",
                                    Map.of("max", 2048, "actual", 9000))));
        }
        return example;
    }

    private static Set<Integer> statuses(String path, HttpMethod method, Operation operation) {
        var statuses = new TreeSet<>(EVERYWHERE);
        boolean reads = method == HttpMethod.GET;
        boolean named = path.contains("{");
        if (isBehindAKey(operation)) {
            statuses.addAll(BEHIND_A_KEY);
        }
        // What health and documents say of themselves with such a status is no problem.
        if (isBehindAKey(operation) || !reads) {
            operation.getResponses().keySet().stream()
                    .filter(status -> status.matches("[45].."))
                    .map(Integer::valueOf)
                    .forEach(statuses::add);
        }
        if (named && !path.startsWith("/ws/")) {
            statuses.add(404);
        }
        if (path.contains("{job_id}") && !path.startsWith("/ws/")) {
            statuses.add(410);
        }
        if (path.startsWith("/files/")) {
            statuses.addAll(List.of(403, 410, 416));
        }
        if (path.startsWith("/.well-known/")) {
            statuses.add(503);
        }
        if (hasParameter(operation, "tenant_id")) {
            statuses.add(404);
        }
        if (operation.getRequestBody() != null) {
            statuses.addAll(List.of(408, 413, 415, 422));
        }
        if (!reads && (named || operation.getRequestBody() != null)) {
            statuses.add(409);
        }
        if (hasParameter(operation, "If-Match")) {
            statuses.add(412);
        }
        if (hasParameter(operation, "Idempotency-Key")) {
            statuses.add(402);
        }
        return statuses;
    }

    /// Behind a key are the operations that say which scope it needs.
    static boolean isBehindAKey(Operation operation) {
        return operation.getSecurity() != null && !operation.getSecurity().isEmpty();
    }

    static boolean hasParameter(Operation operation, String name) {
        return Stream.ofNullable(operation.getParameters())
                .flatMap(List::stream)
                .anyMatch(parameter -> name.equals(parameter.getName()));
    }

    private static void add(Operation operation, int status, Map<String, ApiResponse> components) {
        var name = PREFIX + status;
        var common = Objects.requireNonNull(components.get(name));
        var own = operation.getResponses().get(Integer.toString(status));
        operation
                .getResponses()
                .put(
                        Integer.toString(status),
                        own == null
                                ? new ApiResponse().$ref("#/components/responses/" + name)
                                : new ApiResponse()
                                        .description(own.getDescription())
                                        .content(common.getContent()));
    }
}
