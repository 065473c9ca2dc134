package dev.comfyapi.simulator;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;

import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;

/// What goes back over HTTP.
///
/// @param file what is sent instead of the body, or null
@SuppressWarnings("ArrayRecordComponent") // Never compared.
record HttpReply(int status, Map<String, String> headers, byte[] body, @Nullable FilePart file) {

    HttpReply {
        headers = new LinkedHashMap<>(headers);
    }

    static HttpReply empty(int status) {
        return new HttpReply(status, Map.of(), new byte[0], null);
    }

    static HttpReply text(int status, String text) {
        return bytes(status, "text/plain; charset=utf-8", text.getBytes(StandardCharsets.UTF_8));
    }

    static HttpReply bytes(int status, String type, byte[] body) {
        return new HttpReply(status, Map.of("Content-Type", type), body, null);
    }

    static HttpReply file(int status, String type, FilePart file) {
        return new HttpReply(status, Map.of("Content-Type", type), new byte[0], file);
    }

    static HttpReply json(JsonNode json) {
        return json(200, json);
    }

    static HttpReply json(int status, JsonNode json) {
        return bytes(
                status,
                "application/json; charset=utf-8",
                Json.write(json).getBytes(StandardCharsets.UTF_8));
    }

    static HttpReply error(int status, String message) {
        return json(status, Json.object().put("error", message));
    }

    static HttpReply stumbled() {
        return text(500, "500 Internal Server Error\n\nServer got itself in trouble");
    }

    static HttpReply wrongMethod(Collection<String> allowed) {
        return text(405, "405: Method Not Allowed").with("Allow", String.join(",", allowed));
    }

    /// The number of bytes that follow the headers.
    long length() {
        return file == null ? body.length : file.length();
    }

    boolean isJson() {
        return headers.getOrDefault("Content-Type", "").startsWith("application/json");
    }

    HttpReply withBody(String text) {
        return new HttpReply(status, headers, text.getBytes(StandardCharsets.UTF_8), null);
    }

    HttpReply with(String header, String value) {
        var more = new LinkedHashMap<>(headers);
        more.put(header, value);
        return new HttpReply(status, more, body, file);
    }
}
