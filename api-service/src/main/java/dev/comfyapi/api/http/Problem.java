package dev.comfyapi.api.http;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;

import java.util.List;
import java.util.Map;

/// A problem as clients read it, after RFC 9457.
///
/// @param type where the service explains it
/// @param instance the path of the request
/// @param code the stable machine word
/// @param requestId to be named when asking for help
/// @param retryable whether the same request may succeed later
/// @param params values that `detail` speaks of
/// @param violatedPolicies which limits were exceeded
/// @param errors what is wrong with which member of the body
public record Problem(
        String type,
        String title,
        int status,
        String detail,
        String instance,
        String code,
        String requestId,
        boolean retryable,
        @JsonInclude(JsonInclude.Include.NON_EMPTY) Map<String, Object> params,
        @JsonInclude(JsonInclude.Include.NON_EMPTY) @JsonProperty("violated-policies")
                List<String> violatedPolicies,
        @JsonInclude(JsonInclude.Include.NON_EMPTY) List<InvalidMember> errors) {

    static Problem of(ApiProblem problem, String instance, String requestId) {
        var code = problem.code();
        return new Problem(
                code.type(),
                code.title(),
                code.status(),
                problem.detail(),
                instance,
                code.wire(),
                requestId,
                code.isRetryable(),
                problem.params(),
                problem.violated(),
                problem.errors());
    }
}
