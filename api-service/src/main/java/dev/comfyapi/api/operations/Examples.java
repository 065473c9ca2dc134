package dev.comfyapi.api.operations;

import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.examples.Example;
import io.swagger.v3.oas.models.media.Content;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.media.Schema;

import org.jspecify.annotations.Nullable;

import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.stream.Stream;

/// Examples of bodies in the OpenAPI document, from a file: by the name of the schema, or by the
/// path of the operation when its answer has none.
final class Examples {

    private static final String FILE = "examples.json";
    private static final String SCHEMAS = "#/components/schemas/";
    private static final String EXAMPLES = "#/components/examples/";

    private final Map<String, Object> known;

    private Examples(Map<String, Object> known) {
        this.known = known;
    }

    static void describe(OpenAPI document) {
        var examples = new Examples(read());
        examples.known.forEach((name, value) -> {
            if (!name.startsWith("/")) {
                document.getComponents().addExamples(name, new Example().value(value));
            }
        });
        document.getPaths()
                .forEach((path, item) ->
                        item.readOperations()
                                .forEach(operation -> {
                                    if (operation.getRequestBody() != null) {
                                        examples.add(operation.getRequestBody().getContent(), path);
                                    }
                                    operation
                                            .getResponses()
                                            .values()
                                            .forEach(response ->
                                                    examples.add(response.getContent(), path));
                                }));
        Stream.ofNullable(document.getWebhooks())
                .flatMap(webhooks -> webhooks.values().stream())
                .forEach(hook -> examples.add(hook.getPost().getRequestBody().getContent(), ""));
    }

    private static Map<String, Object> read() {
        try (var in = Examples.class.getResourceAsStream(FILE)) {
            return JsonMapper.shared().readValue(in, new TypeReference<>() {});
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void add(@Nullable Content content, String path) {
        if (content != null) {
            content.forEach((name, type) -> {
                if (name.equals("application/json")) {
                    add(type, path);
                }
            });
        }
    }

    private void add(MediaType type, String path) {
        Schema<?> schema = type.getSchema();
        if (schema.get$ref() != null) {
            refer(type, schema);
        } else if (schema.getOneOf() != null) {
            schema.getOneOf().forEach(choice -> refer(type, choice));
        } else if (known.containsKey(path)) {
            type.setExample(known.get(path));
        }
    }

    private void refer(MediaType type, Schema<?> schema) {
        var name = schema.get$ref().substring(SCHEMAS.length());
        if (known.containsKey(name)) {
            type.addExamples(name, new Example().$ref(EXAMPLES + name));
        }
    }
}
