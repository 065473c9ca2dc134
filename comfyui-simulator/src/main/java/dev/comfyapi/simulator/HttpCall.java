package dev.comfyapi.simulator;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.util.LinkedHashMap;
import java.util.Map;

/// One HTTP request, read completely.
///
/// @param path decoded, without a leading `/api`
/// @param query the first value of each parameter, decoded
/// @param headers lower-case names
/// @param places what the variable parts of the route matched
/// @param arrivedNanos `System.nanoTime()` at arrival
@SuppressWarnings("ArrayRecordComponent") // Never compared.
record HttpCall(
        String method,
        String path,
        Map<String, String> query,
        Map<String, String> headers,
        byte[] body,
        Map<String, String> places,
        long arrivedNanos) {

    HttpCall {
        query = new LinkedHashMap<>(query);
        headers = Map.copyOf(headers);
        places = Map.copyOf(places);
    }

    HttpCall at(Map<String, String> matched) {
        return new HttpCall(method, path, query, headers, body, matched, arrivedNanos);
    }

    String place(String name) {
        return places.getOrDefault(name, "");
    }

    @Nullable String header(String name) {
        return headers.get(name);
    }

    @Nullable String parameter(String name) {
        return query.get(name);
    }

    JsonNode json() throws Json.MalformedJson {
        return Json.parse(body);
    }

    /// A body that must be an object; anything else makes ComfyUI stumble.
    ObjectNode jsonObject() throws Json.MalformedJson {
        if (json() instanceof ObjectNode object) {
            return object;
        }
        throw Python.typeError("an object was expected");
    }
}
