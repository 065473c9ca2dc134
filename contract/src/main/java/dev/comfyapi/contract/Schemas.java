package dev.comfyapi.contract;

import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SchemaRegistryConfig;
import com.networknt.schema.dialect.Dialects;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/// The schemas of one document, compiled when they are first needed. Thread-safe.
///
/// Objects with members that are described are closed here: clients have to ignore what they do not
/// know, so the document cannot say that nothing is added, and the service still must not write
/// what is not described.
public final class Schemas {

    private static final JsonMapper JSON = JsonMapper.shared();
    private static final String BASE = "https://contract.test/schemas.json";

    /// Where the document has them, and where they are here.
    private static final String THERE = "\"#/components/schemas/";

    private static final String HERE = "\"" + BASE + "#/$defs/";

    private final SchemaRegistry registry;
    private final Map<String, Schema> compiled = new ConcurrentHashMap<>();

    public Schemas(JsonNode document) {
        var all = JSON.createObjectNode();
        all.set("$defs", closed(document.path("components").path("schemas")));
        registry =
                SchemaRegistry.withDialect(
                        Dialects.getDraft202012(),
                        builder ->
                                builder.schemas(Map.of(BASE, all.toString()))
                                        .schemaRegistryConfig(
                                                SchemaRegistryConfig.builder()
                                                        .formatAssertionsEnabled(true)
                                                        .build()));
    }

    private static JsonNode closed(JsonNode schema) {
        var closed = JSON.readTree(schema.toString().replace(THERE, HERE));
        close(closed);
        return closed;
    }

    private static void close(JsonNode node) {
        if (node instanceof ObjectNode object) {
            // Says nothing of what is valid.
            object.remove("example");
            if (object.path("properties").isObject() && !object.has("additionalProperties")) {
                object.put("additionalProperties", false);
            }
        }
        node.forEach(Schemas::close);
    }

    /// What is wrong with a value; empty when nothing is.
    public List<String> errors(JsonNode schema, JsonNode value) {
        return compiled
                .computeIfAbsent(schema.toString(), _ -> registry.getSchema(closed(schema)))
                .validate(value)
                .stream()
                .map(Object::toString)
                .toList();
    }
}
