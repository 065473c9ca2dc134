package dev.comfyapi.api.http;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

import org.jspecify.annotations.Nullable;
import org.springframework.http.server.ServerHttpResponse;
import org.springframework.web.cors.CorsConfiguration;
import org.springframework.web.cors.DefaultCorsProcessor;

import java.io.IOException;

/// Refuses pages of origins that were not named, with a problem, as everything else is refused.
public final class OriginCheck extends DefaultCorsProcessor {

    @Override
    public boolean processRequest(
            @Nullable CorsConfiguration named,
            HttpServletRequest request,
            HttpServletResponse response)
            throws IOException {
        boolean passed = super.processRequest(named, request, response);
        if (!passed) {
            ProblemWriter.write(
                    request,
                    response,
                    ApiProblem.of(
                            ProblemCode.FORBIDDEN, "Pages of this origin may not call from here."));
        }
        return passed;
    }

    @Override
    protected void rejectRequest(ServerHttpResponse response) {
        // Said above, in our own words.
    }
}
