package dev.comfyapi.api.operations;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;

import io.swagger.v3.core.converter.AnnotatedType;
import io.swagger.v3.core.converter.ModelConverter;
import io.swagger.v3.core.converter.ModelConverterContext;
import io.swagger.v3.core.util.Json;
import io.swagger.v3.oas.models.media.Schema;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;

import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/// Says in the OpenAPI document which members of our records may be null, and notes which of them
/// are always written.
final class NullableMembers implements ModelConverter {

    /// Names of members; taken out again by [WrittenMembers].
    static final String WRITTEN = "x-written";

    private static final String NULL = "null";

    @Override
    public @Nullable Schema<?> resolve(
            AnnotatedType type, ModelConverterContext context, Iterator<ModelConverter> chain) {
        if (!chain.hasNext()) {
            return null;
        }
        var described = Json.mapper().constructType(type.getType()).getRawClass();
        if (JsonNode.class.isAssignableFrom(described)) {
            // An object of somebody else's: nothing more is to be said of it.
            return new Schema<>().types(Set.of("object"));
        }
        @Nullable Schema<?> resolved = chain.next().resolve(type, context, chain);
        if (resolved != null && described.isRecord()) {
            @Nullable Schema<?> schema = definition(resolved, context);
            if (schema != null && schema.getProperties() != null) {
                allowNull(described, schema);
                schema.addExtension(WRITTEN, written(described, schema));
            }
        }
        return resolved;
    }

    private static @Nullable Schema<?> definition(
            Schema<?> resolved, ModelConverterContext context) {
        return resolved.get$ref() == null
                ? resolved
                : context.getDefinedModels()
                        .get(resolved.get$ref().substring(resolved.get$ref().lastIndexOf('/') + 1));
    }

    private static void allowNull(Class<?> described, Schema<?> schema) {
        Arrays.stream(described.getRecordComponents())
                .filter(member -> member.getAnnotatedType().isAnnotationPresent(Nullable.class))
                .forEach(member ->
                        schema.getProperties()
                                .computeIfPresent(member.getName(), (_, known) -> orNull(known)));
    }

    private static List<String> written(Class<?> described, Schema<?> schema) {
        return Arrays.stream(described.getRecordComponents())
                .map(RecordComponent::getAccessor)
                .filter(member ->
                        !member.isAnnotationPresent(JsonInclude.class)
                                && !member.isAnnotationPresent(JsonIgnore.class))
                .map(NullableMembers::name)
                .filter(schema.getProperties()::containsKey)
                .toList();
    }

    private static String name(Method member) {
        var named = member.getAnnotation(JsonProperty.class);
        return named == null ? member.getName() : named.value();
    }

    private static Schema<?> orNull(Schema<?> known) {
        if (known.getAnyOf() != null) {
            return known;
        }
        if (known.get$ref() != null || known.getEnum() != null) {
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
