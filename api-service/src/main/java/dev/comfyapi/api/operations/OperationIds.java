package dev.comfyapi.api.operations;

import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.PathItem.HttpMethod;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/// Names of operations, from which generators of clients make the names of methods.
///
/// They follow from method and path, as these never change: `GET /api/v1/jobs/{job_id}` is
/// `getJobsByJobId`. What is not under `/api/v1/` has `Root` in front, for `/models` is there
/// twice.
final class OperationIds {

    private static final String API = "/api/v1/";

    private OperationIds() {}

    static void describe(OpenAPI document) {
        document.getPaths()
                .forEach((path, item) ->
                        item.readOperationsMap()
                                .forEach((method, operation) ->
                                        operation.setOperationId(of(method, path))));
    }

    private static String of(HttpMethod method, String path) {
        boolean ours = path.startsWith(API);
        return method.name().toLowerCase(Locale.ROOT)
                + (ours ? "" : "Root")
                + Arrays.stream((ours ? path.substring(API.length()) : path).split("/"))
                        .map(part -> part.startsWith("{") ? "By" + words(part) : words(part))
                        .collect(Collectors.joining());
    }

    private static String words(String part) {
        return Arrays.stream(part.split("[^A-Za-z0-9]+"))
                .filter(word -> !word.isEmpty())
                .map(word -> word.substring(0, 1).toUpperCase(Locale.ROOT) + word.substring(1))
                .collect(Collectors.joining());
    }
}
