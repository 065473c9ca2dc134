package dev.comfyapi.api.account;

import dev.comfyapi.api.http.ApiProblem;

import org.springframework.security.core.AuthenticationException;

/// What a request showed is not good, and why.
final class RefusedException extends AuthenticationException {

    private final transient ApiProblem problem;

    RefusedException(ApiProblem problem) {
        super(problem.detail());
        this.problem = problem;
    }

    ApiProblem problem() {
        return problem;
    }
}
