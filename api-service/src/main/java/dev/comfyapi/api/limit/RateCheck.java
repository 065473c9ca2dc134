package dev.comfyapi.api.limit;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Budget;
import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.http.Requires;
import dev.comfyapi.db.limit.RateStore.Window;

import jakarta.servlet.DispatcherType;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.HandlerInterceptor;

import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.Base64;

/// Counts the requests of each tenant, after it is known whose they are and before anything is done
/// for them, and says in the answer how much is left.
@Component
final class RateCheck implements HandlerInterceptor {

    private final TenantRates rates;
    private final Clock clock;

    RateCheck(TenantRates rates, Clock clock) {
        this.rates = rates;
        this.clock = clock;
    }

    @Override
    public boolean preHandle(
            HttpServletRequest request, HttpServletResponse response, Object handler) {
        if (request.getDispatcherType() != DispatcherType.REQUEST
                || !(handler instanceof HandlerMethod method)) {
            return true;
        }
        var required = method.getMethodAnnotation(Requires.class);
        if (required == null) {
            return true;
        }
        var caller = Caller.current();
        var budget = required.budget().of(request.getMethod());
        @Nullable Integer limit = caller.rates().of(budget);
        if (limit != null) {
            count(caller.tenant(), budget, limit, response);
        }
        return true;
    }

    private void count(int tenant, Budget budget, int limit, HttpServletResponse response) {
        var policy = budget.wire();
        var decision = rates.take(tenant, policy, Window.MINUTE, limit, 1);
        var key =
                Base64.getEncoder()
                        .encodeToString(("tenant-" + tenant).getBytes(StandardCharsets.US_ASCII));
        long seconds = decision.resetSeconds();
        response.setHeader(
                "RateLimit-Policy",
                "\"%s\";q=%d;w=%d;pk=:%s:"
                        .formatted(policy, limit, Window.MINUTE.length().toSeconds(), key));
        response.setHeader(
                "RateLimit",
                "\"%s\";r=%d;t=%d;pk=:%s:".formatted(policy, decision.left(), seconds, key));
        response.setHeader("X-RateLimit-Limit", Integer.toString(limit));
        response.setHeader("X-RateLimit-Remaining", Integer.toString(decision.left()));
        response.setHeader(
                "X-RateLimit-Reset",
                Long.toString(clock.instant().plusSeconds(seconds).getEpochSecond()));
        if (!decision.passed()) {
            throw ApiProblem.of(
                            ProblemCode.RATE_LIMITED,
                            "The tenant has made %d requests of the kind %s within a minute."
                                    .formatted(limit, policy))
                    .violating(policy, limit, decision.left())
                    .resetting(seconds);
        }
    }
}
