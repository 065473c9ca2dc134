package dev.comfyapi.api.operations;

import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.headers.Header;
import io.swagger.v3.oas.models.media.Schema;
import io.swagger.v3.oas.models.responses.ApiResponse;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Headers of answers in the OpenAPI document. Each is described once; what all answers of a kind
/// have is said here, what one operation alone has is named there.
final class AnswerHeaders {

    private static final String REQUEST_ID = "X-Request-Id";
    private static final String RETRY_AFTER = "Retry-After";
    private static final String LOCATION = "Location";
    private static final String ETAG = "ETag";

    private static final List<String> RATES =
            List.of(
                    "RateLimit-Policy",
                    "RateLimit",
                    "X-RateLimit-Limit",
                    "X-RateLimit-Remaining",
                    "X-RateLimit-Reset");

    /// Headers that a problem of some status always has.
    private static final Map<String, String> ALWAYS =
            Map.of(
                    "401", "WWW-Authenticate",
                    "405", "Allow",
                    "416", "Content-Range",
                    "429", RETRY_AFTER,
                    "503", RETRY_AFTER);

    /// Headers that a problem of some status may have.
    private static final Map<String, String> SOMETIMES =
            Map.of("400", "Upgrade", "402", RETRY_AFTER, "409", RETRY_AFTER, "415", "Accept-Post");

    private AnswerHeaders() {}

    static void describe(OpenAPI document) {
        var components = document.getComponents();
        all().forEach(components::addHeaders);
        components
                .getResponses()
                .forEach((name, response) -> {
                    common(response, true);
                    ofProblem(response, name.substring(name.length() - 3));
                });
        for (var path : document.getPaths().values()) {
            for (var operation : path.readOperations()) {
                operation
                        .getResponses()
                        .forEach((status, response) -> {
                            if (response.get$ref() == null) {
                                describe(operation, status, response);
                            }
                        });
            }
        }
    }

    private static Map<String, Header> all() {
        var all = new LinkedHashMap<String, Header>();
        all.put(
                REQUEST_ID,
                text(
                        "To be named when asking for help; your own if you sent one",
                        "6d3c1a0e-5f0b-4c1d-9c62-1f6f5f3f9a11"));
        all.put(RETRY_AFTER, number("Seconds after which to ask again", 1));
        all.put(LOCATION, text("Where it is", "/api/v1/jobs/0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f"));
        all.put(ETAG, text("The revision, for `If-None-Match` and `If-Match`", "\"r17\""));
        all.put(
                "Link",
                text(
                        "The next page, as `rel=\"next\"`",
                        "<http://127.0.0.1:8080/api/v1/jobs?cursor=x>; rel=\"next\""));
        all.put("Preference-Applied", text("Which words of `Prefer` were heeded", "wait=30"));
        all.put(
                "Idempotency-Replayed",
                text("`true` when an earlier request with this key is answered once more", "true"));
        all.put("WWW-Authenticate", text("How to show a key", "Bearer realm=\"comfyapi\""));
        all.put("Allow", text("The methods that the address has", "GET, POST"));
        all.put("Accept-Post", text("The type that the body has to have", "application/json"));
        all.put("Upgrade", text("The protocol that the address speaks", "websocket"));
        all.put("Accept-Ranges", text("Ranges are of bytes", "bytes"));
        all.put(
                "Content-Range",
                text("Which bytes these are, and how many there are", "bytes 0-99/1234"));
        all.put(
                "Content-Disposition",
                text("A name to store it under", "inline; filename=\"0.png\""));
        all.put("X-Accel-Buffering", text("Proxies are to hand events on at once", "no"));
        all.put(
                "RateLimit-Policy",
                text(
                        "The tenant's limit for requests of this kind; absent without one",
                        "\"submit\";q=60;w=60;pk=:dGVuYW50LTE=:"));
        all.put(
                "RateLimit",
                text(
                        "What is left of it, and seconds until it begins anew",
                        "\"submit\";r=59;t=41;pk=:dGVuYW50LTE=:"));
        all.put("X-RateLimit-Limit", number("The same limit, under its older name", 60));
        all.put("X-RateLimit-Remaining", number("What is left, under its older name", 59));
        all.put(
                "X-RateLimit-Reset",
                number("When it begins anew, in seconds since 1970", 1_788_264_006));
        return all;
    }

    private static Header text(String description, String example) {
        return new Header()
                .description(description)
                .schema(new Schema<>().types(Set.of("string")))
                .example(example);
    }

    private static Header number(String description, int example) {
        return new Header()
                .description(description)
                .schema(new Schema<>().types(Set.of("integer")))
                .example(example);
    }

    private static void describe(Operation operation, String status, ApiResponse response) {
        if (response.getHeaders() != null) {
            // Those that the operation names itself are described here.
            response.getHeaders().replaceAll((name, _) -> reference(name));
        }
        common(response, ProblemAnswers.isBehindAKey(operation));
        if (isProblem(response)) {
            ofProblem(response, status);
            return;
        }
        if (status.equals("201")) {
            response.addHeaderObject(LOCATION, always(LOCATION));
        }
        if (status.equals("503")) {
            response.addHeaderObject(RETRY_AFTER, always(RETRY_AFTER));
        }
        if (isOf("Job", response)) {
            response.addHeaderObject(ETAG, always(ETAG));
        }
        if (ProblemAnswers.hasParameter(operation, "Idempotency-Key")) {
            if (isOf("Job", response) || isOf("Batch", response)) {
                response.addHeaderObject(LOCATION, always(LOCATION));
            }
            if (isOf("Batch", response)) {
                response.addHeaderObject(RETRY_AFTER, reference(RETRY_AFTER));
            }
            response.addHeaderObject("Idempotency-Replayed", reference("Idempotency-Replayed"));
        }
        if (ProblemAnswers.hasParameter(operation, "wait_s")) {
            response.addHeaderObject("Preference-Applied", reference("Preference-Applied"));
            response.addHeaderObject(RETRY_AFTER, reference(RETRY_AFTER));
        }
    }

    private static void common(ApiResponse response, boolean counted) {
        response.addHeaderObject(REQUEST_ID, always(REQUEST_ID));
        if (counted) {
            RATES.forEach(name -> response.addHeaderObject(name, reference(name)));
        }
    }

    private static void ofProblem(ApiResponse response, String status) {
        var always = ALWAYS.get(status);
        if (always != null) {
            response.addHeaderObject(always, always(always));
        }
        var sometimes = SOMETIMES.get(status);
        if (sometimes != null) {
            response.addHeaderObject(sometimes, reference(sometimes));
        }
    }

    private static boolean isProblem(ApiResponse response) {
        return response.getContent() != null
                && response.getContent().containsKey(ProblemAnswers.MEDIA_TYPE);
    }

    private static boolean isOf(String schema, ApiResponse response) {
        return response.getContent() != null
                && response.getContent().values().stream()
                        .map(type -> type.getSchema())
                        .anyMatch(known ->
                                known != null
                                        && ("#/components/schemas/" + schema)
                                                .equals(known.get$ref()));
    }

    private static Header reference(String name) {
        return new Header().$ref("#/components/headers/" + name);
    }

    /// The same for a header that is never absent, which a reference cannot say.
    private static Header always(String name) {
        var header = all().get(name);
        return header == null ? reference(name) : header.required(true);
    }
}
