package dev.comfyapi.api.submit;

import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.LoadingCache;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.db.tenant.TenantStore;
import dev.comfyapi.db.tenant.TenantStore.Limits;
import dev.comfyapi.model.job.Priority;

import org.springframework.stereotype.Component;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;

/// What a tenant may submit. Thread-safe.
///
/// How many of its jobs wait is counted once a second; in between this instance adds what it
/// accepted itself. So the limit is soft: several instances together may go over it by what they
/// accept within a second, and jobs that have begun within that second are still counted.
@Component
final class Admission {

    private static final Duration KEPT = Duration.ofSeconds(1);
    private static final String RETRY_AFTER_S = "5";

    private final LoadingCache<Integer, Known> tenants;

    private record Known(Limits limits, AtomicInteger waiting) {}

    Admission(TenantStore store) {
        this.tenants =
                Caffeine.newBuilder()
                        .maximumSize(10_000)
                        .expireAfterWrite(KEPT)
                        .build(tenant -> {
                            var limits = store.limits(tenant);
                            return new Known(limits, new AtomicInteger(limits.waiting()));
                        });
    }

    /// The highest priority that the tenant may ask for.
    Priority best(int tenant) {
        return tenants.get(tenant).limits.best();
    }

    /// Counts so many more jobs.
    ///
    /// @throws ApiProblem when they are too many
    void admit(int tenant, int jobs) {
        var known = tenants.get(tenant);
        if (known.waiting.addAndGet(jobs) <= known.limits.maxQueued()) {
            return;
        }
        known.waiting.addAndGet(-jobs);
        throw ApiProblem.of(
                        ProblemCode.QUEUE_FULL,
                        "At most %d of your jobs may wait at one time."
                                .formatted(known.limits.maxQueued()))
                .violating("jobs-queued", known.limits.maxQueued(), 0)
                .with("max", known.limits.maxQueued())
                .header("Retry-After", RETRY_AFTER_S);
    }
}
