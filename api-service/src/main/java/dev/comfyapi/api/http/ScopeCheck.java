package dev.comfyapi.api.http;

import jakarta.servlet.DispatcherType;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.HandlerInterceptor;

/// Lets a request through to its operation when the caller has the scope that the operation
/// requires. That somebody is known at all was checked before, for everything that is not [Open].
final class ScopeCheck implements HandlerInterceptor {

    private static final String OURS = "dev.comfyapi.";

    @Override
    public boolean preHandle(
            HttpServletRequest request, HttpServletResponse response, Object handler) {
        if (request.getDispatcherType() == DispatcherType.REQUEST
                && handler instanceof HandlerMethod method
                && method.getBeanType().getName().startsWith(OURS)
                && !method.hasMethodAnnotation(Open.class)) {
            var caller = Caller.current();
            var scope = required(method).value();
            caller.require(scope);
            if (caller.suspended() && scope.isForNewThings()) {
                throw ApiProblem.of(
                        ProblemCode.FORBIDDEN,
                        "The tenant is suspended: it can read and cancel, and nothing new is"
                                + " accepted.");
            }
        }
        return true;
    }

    /// What nobody has declared is nobody's: a forgotten annotation fails, loudly, closed.
    private static Requires required(HandlerMethod method) {
        var required = method.getMethodAnnotation(Requires.class);
        if (required == null) {
            throw new IllegalStateException(
                    "%s has neither @Requires nor @Open".formatted(method.getShortLogMessage()));
        }
        return required;
    }
}
