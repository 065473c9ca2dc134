package dev.comfyapi.api.operations;

import io.swagger.v3.core.converter.AnnotatedType;
import io.swagger.v3.core.converter.ModelConverter;
import io.swagger.v3.core.converter.ModelConverterContext;
import io.swagger.v3.core.util.Json;
import io.swagger.v3.oas.models.media.Schema;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/// Says in the OpenAPI document which members of our records may be null.
final class NullableMembers implements ModelConverter {

    private static final String NULL = "null";

    @Override
    public @Nullable Schema<?> resolve(
            AnnotatedType type, ModelConverterContext context, Iterator<ModelConverter> chain) {
        if (!chain.hasNext()) {
            return null;
        }
        @Nullable Schema<?> resolved = chain.next().resolve(type, context, chain);
        var described = Json.mapper().constructType(type.getType()).getRawClass();
        if (resolved != null && described.isRecord() && resolved.get$ref() != null) {
            var name = resolved.get$ref().substring(resolved.get$ref().lastIndexOf('/') + 1);
            @Nullable Schema<?> schema = context.getDefinedModels().get(name);
            if (schema != null && schema.getProperties() != null) {
                allowNull(described, schema);
            }
        }
        return resolved;
    }

    private static void allowNull(Class<?> described, Schema<?> schema) {
        Arrays.stream(described.getRecordComponents())
                .filter(member -> member.getAnnotatedType().isAnnotationPresent(Nullable.class))
                .forEach(member ->
                        schema.getProperties()
                                .computeIfPresent(member.getName(), (_, known) -> orNull(known)));
    }

    private static Schema<?> orNull(Schema<?> known) {
        if (known.getAnyOf() != null) {
            return known;
        }
        if (known.get$ref() != null) {
            return new Schema<>().anyOf(List.of(known, new Schema<>().types(Set.of(NULL))));
        }
        var types =
                new LinkedHashSet<String>(known.getTypes() == null ? Set.of() : known.getTypes());
        if (types.isEmpty() && known.getType() != null) {
            types.add(known.getType());
        }
        types.add(NULL);
        known.setTypes(types);
        return known;
    }
}
