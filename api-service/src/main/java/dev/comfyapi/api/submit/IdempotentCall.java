package dev.comfyapi.api.submit;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.CanonicalJson;
import dev.comfyapi.api.http.ProblemCode;

import jakarta.servlet.http.HttpServletRequest;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collections;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Pattern;

/// A request with an `Idempotency-Key`: the key, and what tells this request from another.
///
/// @param route method and path template; part of the key's scope
/// @param fingerprint SHA-256 of method, path and canonical body, in hex
record IdempotentCall(String route, String key, String fingerprint) {

    /// Possessive: otherwise a long one takes a frame of the stack for each of its characters.
    private static final Pattern QUOTED = Pattern.compile("\"((?:[^\"\\\\]|\\\\[\"\\\\])*+)\"");

    private static final Pattern KEY = Pattern.compile("[\\x21-\\x7E]{1,255}");

    /// Empty when the client sent no key.
    ///
    /// @throws ApiProblem when the key has no valid form
    static Optional<IdempotentCall> of(HttpServletRequest request, String path, JsonNode body) {
        return of(request, path, path, body);
    }

    /// The same for a path with parameters.
    ///
    /// @param route the template of the path
    static Optional<IdempotentCall> of(
            HttpServletRequest request, String route, String path, JsonNode body) {
        var headers = Collections.list(request.getHeaders("Idempotency-Key"));
        if (headers.isEmpty()) {
            return Optional.empty();
        }
        var key = unquoted(headers.getFirst().strip());
        if (headers.size() > 1 || !KEY.matcher(key).matches()) {
            throw ApiProblem.of(
                    ProblemCode.IDEMPOTENCY_KEY_INVALID,
                    "Idempotency-Key must be sent once, with 1 to 255 visible ASCII characters.");
        }
        return Optional.of(
                new IdempotentCall("POST " + route, key, fingerprint("POST", path, body)));
    }

    /// The standard form is a string in quotes; the bare token means the same key.
    private static String unquoted(String header) {
        var quoted = QUOTED.matcher(header);
        return quoted.matches() ? quoted.group(1).replaceAll("\\\\(.)", "$1") : header;
    }

    private static String fingerprint(String method, String path, JsonNode body) {
        var compared = body;
        if (body instanceof ObjectNode object && object.has("credentials")) {
            var copy = object.deepCopy();
            copy.remove("credentials");
            compared = copy;
        }
        var text = method + "\n" + path + "\n" + CanonicalJson.of(compared);
        try {
            var digest =
                    MessageDigest.getInstance("SHA-256")
                            .digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
