package dev.comfyapi.api.operations;

import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.media.Schema;
import io.swagger.v3.oas.models.parameters.RequestBody;

import org.jspecify.annotations.Nullable;

import java.util.Collection;
import java.util.Set;
import java.util.TreeSet;

/// Says in the OpenAPI document which members are always there in what the service writes.
///
/// Of what clients write each body says itself what is required; a schema that is used both ways
/// says nothing more.
final class WrittenMembers {

    private static final String PREFIX = "#/components/schemas/";

    private final OpenAPI document;

    /// Names of the schemas of what clients write.
    private final Set<String> read = new TreeSet<>();

    private WrittenMembers(OpenAPI document) {
        this.document = document;
    }

    static void require(OpenAPI document) {
        var members = new WrittenMembers(document);
        document.getPaths().values().stream()
                .flatMap(path -> path.readOperations().stream())
                .forEach(operation -> members.follow(operation.getRequestBody()));
        document.getComponents()
                .getSchemas()
                .forEach((name, schema) -> members.require(name, schema));
    }

    private void require(String name, Schema<?> schema) {
        if (schema.getExtensions() != null
                && schema.getExtensions().remove(NullableMembers.WRITTEN)
                        instanceof Collection<?> written
                && !read.contains(name)) {
            schema.setRequired(written.stream().map(String::valueOf).toList());
        }
    }

    private void follow(@Nullable RequestBody body) {
        if (body != null) {
            body.getContent().values().forEach(type -> follow(type.getSchema()));
        }
    }

    private void follow(@Nullable Schema<?> schema) {
        if (schema == null) {
            return;
        }
        if (schema.get$ref() != null) {
            var name = schema.get$ref().substring(PREFIX.length());
            if (read.add(name)) {
                follow(document.getComponents().getSchemas().get(name));
            }
            return;
        }
        follow(schema.getItems());
        if (schema.getAdditionalProperties() instanceof Schema<?> values) {
            follow(values);
        }
        if (schema.getProperties() != null) {
            follow(schema.getProperties().values());
        }
        follow(schema.getAnyOf());
        follow(schema.getOneOf());
        follow(schema.getAllOf());
    }

    private void follow(@Nullable Collection<?> schemas) {
        if (schemas != null) {
            for (var each : schemas) {
                if (each instanceof Schema<?> schema) {
                    follow(schema);
                }
            }
        }
    }
}
