package dev.comfyapi.api.http;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// A request that is answered with a problem instead of what it asked for.
public final class ApiProblem extends RuntimeException {

    private final transient ProblemCode code;
    private final transient List<InvalidMember> errors;
    private final transient Map<String, Object> params;
    private final transient Map<String, String> headers;
    private final transient List<String> violated;

    private ApiProblem(
            ProblemCode code,
            String detail,
            List<InvalidMember> errors,
            Map<String, Object> params,
            Map<String, String> headers,
            List<String> violated) {
        super(detail, null, false, false);
        this.code = code;
        this.errors = List.copyOf(errors);
        this.params = Map.copyOf(params);
        this.headers = Map.copyOf(headers);
        this.violated = List.copyOf(violated);
    }

    public static ApiProblem of(ProblemCode code, String detail) {
        return new ApiProblem(code, detail, List.of(), Map.of(), Map.of(), List.of());
    }

    /// All that is wrong with a body, at once.
    public static ApiProblem invalid(List<InvalidMember> errors) {
        return new ApiProblem(
                codeOf(errors),
                errors.size() == 1
                        ? "1 member is not valid."
                        : "%d members are not valid.".formatted(errors.size()),
                errors,
                Map.of(),
                Map.of(),
                List.of());
    }

    /// The code that says most about all of them.
    private static ProblemCode codeOf(List<InvalidMember> errors) {
        for (var code :
                List.of(
                        ProblemCode.UNKNOWN_FIELD,
                        ProblemCode.CONFLICTING_DEADLINES,
                        ProblemCode.FORBIDDEN,
                        ProblemCode.WORKFLOW_FORMAT_UI,
                        ProblemCode.WORKFLOW_TOO_LARGE)) {
            if (errors.stream().allMatch(e -> e.code().equals(code.wire()))) {
                return code;
            }
        }
        boolean onlyTheGraph =
                errors.stream().allMatch(e -> (e.pointer() + "/").startsWith("#/workflow/"));
        return onlyTheGraph ? ProblemCode.INVALID_WORKFLOW : ProblemCode.VALIDATION_FAILED;
    }

    public static ApiProblem notFound() {
        return of(ProblemCode.NOT_FOUND, "There is nothing here.");
    }

    /// The same, with a value that the detail speaks of.
    public ApiProblem with(String name, Object value) {
        var more = new TreeMap<>(params);
        more.put(name, value);
        return new ApiProblem(code, detail(), errors, more, headers, violated);
    }

    /// The same, answered with this header.
    public ApiProblem header(String name, String value) {
        var more = new TreeMap<>(headers);
        more.put(name, value);
        return new ApiProblem(code, detail(), errors, params, more, violated);
    }

    /// The same, because of this limit; `params` says how much of it is left.
    public ApiProblem violating(String policy, long limit, long remaining) {
        var more = new TreeMap<>(params);
        more.put("policy", policy);
        more.put("limit", limit);
        more.put("remaining", Math.max(0, remaining));
        return new ApiProblem(code, detail(), errors, more, headers, List.of(policy));
    }

    /// The same; the limit begins anew in so many seconds.
    public ApiProblem resetting(long seconds) {
        long after = Math.max(1, seconds);
        return with("reset_s", after).header("Retry-After", Long.toString(after));
    }

    public ProblemCode code() {
        return code;
    }

    public String detail() {
        return String.valueOf(getMessage());
    }

    public List<InvalidMember> errors() {
        return errors;
    }

    Map<String, Object> params() {
        return params;
    }

    List<String> violated() {
        return violated;
    }

    Map<String, String> headers() {
        return headers;
    }
}
