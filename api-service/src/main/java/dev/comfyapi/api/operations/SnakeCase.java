package dev.comfyapi.api.operations;

import io.swagger.v3.oas.models.media.Schema;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// Names members in the OpenAPI document as the service writes them: springdoc's own mapper knows
/// nothing of ours.
final class SnakeCase {

    private SnakeCase() {}

    static void rename(Schema<?> schema) {
        var members = schema.getProperties();
        if (members != null) {
            for (var name : List.copyOf(members.keySet())) {
                // Taken out and put back, so that the order stays.
                var member = members.remove(name);
                members.put(snakeCase(name), member);
            }
        }
        if (schema.getRequired() != null) {
            var required = new ArrayList<String>();
            schema.getRequired().forEach(name -> required.add(snakeCase(name)));
            schema.setRequired(required);
        }
    }

    private static String snakeCase(String name) {
        return name.replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
    }
}
