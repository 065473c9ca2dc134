package dev.comfyapi.api.limit;

import dev.comfyapi.api.http.Budget;
import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.Requires;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.db.limit.QuotaStore;
import dev.comfyapi.db.limit.RateStore;
import dev.comfyapi.db.limit.RateStore.Standing;
import dev.comfyapi.db.limit.RateStore.Window;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.tags.Tag;

import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// What a tenant may have, and how much of it is left.
@RestController
@Tag(name = "accounts")
final class LimitController {

    private static final String REQUESTS = "requests";
    private static final String JOBS = "jobs";
    private static final String GPU_SECONDS = "gpu-seconds";

    private final Allowance allowance;
    private final QuotaStore quotas;
    private final RateStore rates;
    private final Clock clock;

    LimitController(Allowance allowance, QuotaStore quotas, RateStore rates, Clock clock) {
        this.allowance = allowance;
        this.quotas = quotas;
        this.rates = rates;
        this.clock = clock;
    }

    /// @param policy its name, as in the `RateLimit` headers and in problems
    /// @param unit what is counted
    /// @param limit null when there is none
    /// @param remaining null when there is no limit
    /// @param windowS the length of its window; null when it is no rate
    /// @param resetAt when it begins anew; null when it is no rate or nothing was used
    @Schema(name = "Limit")
    record LimitView(
            String policy,
            String unit,
            @Nullable Long limit,
            long used,
            @Nullable Long remaining,
            @Nullable Long windowS,
            @Nullable Instant resetAt) {

        static LimitView of(
                String policy,
                String unit,
                @Nullable Long limit,
                long used,
                @Nullable Long windowS,
                @Nullable Instant resetAt) {
            return new LimitView(
                    policy,
                    unit,
                    limit,
                    used,
                    limit == null ? null : (Long) Math.max(0, limit - used),
                    windowS,
                    resetAt);
        }
    }

    @Schema(name = "LimitList")
    record LimitsView(List<LimitView> limits) {
        LimitsView {
            limits = List.copyOf(limits);
        }
    }

    @Requires(Scope.USAGE_READ)
    @GetMapping(path = "/api/v1/limits", produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            summary = "Read the tenant's limits and what is left of them",
            description = "Figures are a few seconds old at most.")
    LimitsView limits(Caller caller) {
        var quota = allowance.quota(caller.tenant());
        var level = quotas.level(caller.tenant(), quota.maxQueued());
        var standings = rates.standings(caller.tenant());
        var limits = new ArrayList<LimitView>();
        for (var budget : List.of(Budget.SUBMIT, Budget.POLL, Budget.UPLOAD)) {
            limits.add(
                    rate(
                            budget.wire(),
                            REQUESTS,
                            caller.rates().of(budget),
                            Window.MINUTE,
                            standings));
        }
        limits.add(rate(Allowance.JOBS, JOBS, quota.jobsDay(), Window.DAY, standings));
        limits.add(level("jobs-running", JOBS, (long) quota.maxRunning(), level.running()));
        limits.add(level("jobs-queued", JOBS, (long) quota.maxQueued(), level.queued()));
        limits.add(
                LimitView.of(
                        "gpu-seconds-day",
                        GPU_SECONDS,
                        seconds(quota.gpuMsDay()),
                        quota.gpuMsToday() / 1_000,
                        Window.DAY.length().toSeconds(),
                        allowance.endOfDay()));
        limits.add(
                LimitView.of(
                        "gpu-seconds-month",
                        GPU_SECONDS,
                        seconds(quota.gpuMsMonth()),
                        quota.gpuMsThisMonth() / 1_000,
                        null,
                        allowance.endOfMonth()));
        limits.add(level("storage-bytes", "bytes", quota.storageBytes(), quota.assetBytes()));
        return new LimitsView(limits);
    }

    private LimitView rate(
            String policy,
            String unit,
            @Nullable Integer limit,
            Window window,
            Map<String, Standing> standings) {
        @Nullable Standing standing = standings.get(policy);
        return LimitView.of(
                policy,
                unit,
                limit == null ? null : (Long) limit.longValue(),
                standing == null ? 0 : standing.used(),
                window.length().toSeconds(),
                standing == null ? null : clock.instant().plusMillis(standing.resetMs()));
    }

    private static LimitView level(String policy, String unit, @Nullable Long limit, long used) {
        return LimitView.of(policy, unit, limit, used, null, null);
    }

    private static @Nullable Long seconds(@Nullable Long millis) {
        return millis == null ? null : millis / 1_000;
    }
}
