package dev.comfyapi.api.http;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;

/// Writes problems straight to the response, whatever the client accepts: an error that cannot be
/// shown helps nobody.
public final class ProblemWriter {

    static final String MEDIA_TYPE = "application/problem+json";

    private static final JsonMapper JSON =
            JsonMapper.builder()
                    .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
                    .build();

    private ProblemWriter() {}

    public static void write(
            HttpServletRequest request, HttpServletResponse response, ApiProblem problem)
            throws IOException {
        if (response.isCommitted()) {
            return;
        }
        var requestId = RequestId.of(request);
        response.resetBuffer();
        response.setStatus(problem.code().status());
        RequestId.headers(request, response, requestId);
        problem.headers().forEach(response::setHeader);
        var path = String.valueOf(request.getAttribute(RequestId.PATH));
        var body = JSON.writeValueAsBytes(Problem.of(problem, path, requestId));
        response.setContentType(MEDIA_TYPE);
        response.setContentLength(body.length);
        response.getOutputStream().write(body);
    }
}
