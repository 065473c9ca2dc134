package dev.comfyapi.api.limit;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.ProblemCode;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;

/// What is dear, and of which each tenant may have only so many going on at one time in this
/// instance: however slow one of them is, the others are not kept waiting. Thread-safe.
public final class AtOnce {

    private final String policy;
    private final int most;
    private final Map<Integer, Integer> running = new ConcurrentHashMap<>();

    /// @param policy its name in problems
    public AtOnce(String policy, int most) {
        this.policy = policy;
        this.most = most;
    }

    /// One that is going on.
    public interface Going extends AutoCloseable {

        /// It is over. May be repeated.
        @Override
        void close();
    }

    /// @throws ApiProblem when the tenant has as many as it may
    public Going begin(int tenant) {
        int now = running.merge(tenant, 1, Integer::sum);
        var over = new AtomicBoolean();
        Going going =
                () -> {
                    if (over.compareAndSet(false, true)) {
                        running.computeIfPresent(
                                tenant, (_, n) -> n == 1 ? null : (Integer) (n - 1));
                    }
                };
        if (now > most) {
            going.close();
            throw ApiProblem.of(
                            ProblemCode.RATE_LIMITED,
                            "The tenant may have %d at one time of the kind %s."
                                    .formatted(most, policy))
                    .violating(policy, most, 0)
                    .header("Retry-After", "1");
        }
        return going;
    }
}
