package dev.comfyapi.api.limit;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.db.limit.QuotaStore;
import dev.comfyapi.db.limit.QuotaStore.Quota;
import dev.comfyapi.db.limit.RateStore.Window;

import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.temporal.ChronoUnit;

/// Says whether a tenant may bring more work. Thread-safe.
///
/// GPU time and storage are judged by figures a few seconds old: they are known only afterwards
/// anyway. Jobs of a day are counted exactly.
@Component
public final class Allowance {

    static final String JOBS = "jobs-day";

    private final QuotaStore store;
    private final TenantRates rates;
    private final Clock clock;
    private final Cache<Integer, Quota> quotas;

    Allowance(QuotaStore store, TenantRates rates, Clock clock, LimitProperties properties) {
        this.store = store;
        this.rates = rates;
        this.clock = clock;
        this.quotas =
                Caffeine.newBuilder()
                        .maximumSize(10_000)
                        .expireAfterWrite(properties.quotaAge())
                        .build();
    }

    /// Counts new jobs, all of them or none.
    ///
    /// @throws ApiProblem when the tenant has used up its jobs of the day, or its GPU time
    public void admit(int tenant, int jobs) {
        var quota = quota(tenant);
        refuseIfUsedUp("gpu-seconds-day", quota.gpuMsDay(), quota.gpuMsToday(), endOfDay());
        refuseIfUsedUp(
                "gpu-seconds-month", quota.gpuMsMonth(), quota.gpuMsThisMonth(), endOfMonth());
        @Nullable Integer most = quota.jobsDay();
        if (most == null) {
            return;
        }
        var decision = rates.take(tenant, JOBS, Window.DAY, most, jobs);
        if (!decision.passed()) {
            throw ApiProblem.of(
                            ProblemCode.RATE_LIMITED,
                            "The tenant may submit %d jobs a day, and %d are left today."
                                    .formatted(most, decision.left()))
                    .violating(JOBS, most, decision.left())
                    .resetting(decision.resetSeconds());
        }
    }

    /// The jobs were not made after all: they were refused, or an earlier request had made them.
    public void giveBack(int tenant, int jobs) {
        @Nullable Integer most = quota(tenant).jobsDay();
        if (most != null) {
            rates.giveBack(tenant, JOBS, most, jobs);
        }
    }

    /// @throws ApiProblem when the tenant has stored as much as it may
    public void admitFile(int tenant) {
        var quota = quota(tenant);
        @Nullable Long most = quota.storageBytes();
        if (most != null && quota.assetBytes() >= most) {
            throw ApiProblem.of(
                            ProblemCode.RATE_LIMITED,
                            "The tenant's assets have %d bytes; it may have %d. Delete some."
                                    .formatted(quota.assetBytes(), most))
                    .violating("storage-bytes", most, most - quota.assetBytes())
                    .header("Retry-After", "60");
        }
    }

    private void refuseIfUsedUp(String policy, @Nullable Long most, long used, Instant reset) {
        if (most != null && used >= most) {
            throw ApiProblem.of(
                            ProblemCode.BUDGET_EXHAUSTED,
                            "The tenant has used %d of %d GPU seconds."
                                    .formatted(used / 1_000, most / 1_000))
                    .violating(policy, most / 1_000, (most - used) / 1_000)
                    .resetting(Duration.between(clock.instant(), reset).toSeconds() + 1);
        }
    }

    Quota quota(int tenant) {
        return quotas.get(tenant, store::of);
    }

    Instant endOfDay() {
        return now().truncatedTo(ChronoUnit.DAYS).plusDays(1).toInstant();
    }

    Instant endOfMonth() {
        return now().truncatedTo(ChronoUnit.DAYS).withDayOfMonth(1).plusMonths(1).toInstant();
    }

    private ZonedDateTime now() {
        return clock.instant().atZone(ZoneOffset.UTC);
    }
}
