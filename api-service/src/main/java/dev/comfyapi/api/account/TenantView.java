package dev.comfyapi.api.account;

import dev.comfyapi.db.account.Limits;
import dev.comfyapi.db.account.Tenant;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.time.Instant;
import java.util.UUID;

/// A tenant as operators see it.
///
/// @param status `active`, `suspended`, `deleting` or `deleted`
/// @param limits what holds; null for no limit
/// @param overrides which of them were set for this tenant alone
/// @param receipt what was deleted with it, counted; null until it is
@Schema(name = "Tenant")
record TenantView(
        UUID tenantId,
        String name,
        String tier,
        String status,
        LimitsView limits,
        @Schema(types = "object") JsonNode overrides,
        Instant createdAt,
        @Nullable Instant deletedAt,
        @Schema(types = "object") @Nullable JsonNode receipt) {

    private static final JsonMapper JSON = JsonMapper.shared();

    /// What a tenant may have.
    @Schema(name = "TenantLimits")
    record LimitsView(
            double weight,
            int maxRunningJobs,
            int maxQueuedJobs,
            int maxPriority,
            @Nullable Long gpuSecondsPerDay,
            @Nullable Long gpuSecondsPerMonth,
            @Nullable Integer jobsPerDay,
            @Nullable Long storageBytes,
            @Nullable Integer submitsPerMinute,
            @Nullable Integer pollsPerMinute,
            @Nullable Integer uploadsPerMinute) {

        static LimitsView of(Limits limits) {
            return new LimitsView(
                    limits.weight(),
                    limits.maxRunning(),
                    limits.maxQueued(),
                    2 - limits.bestBand(),
                    seconds(limits.gpuMsDay()),
                    seconds(limits.gpuMsMonth()),
                    limits.jobsDay(),
                    limits.storageBytes(),
                    limits.submitsMinute(),
                    limits.pollsMinute(),
                    limits.uploadsMinute());
        }

        private static @Nullable Long seconds(@Nullable Long millis) {
            return millis == null ? null : millis / 1_000;
        }
    }

    static TenantView of(Tenant tenant) {
        var receipt = tenant.receipt();
        return new TenantView(
                tenant.uid(),
                tenant.name(),
                tenant.tier(),
                tenant.deletedAt() != null
                        ? "deleted"
                        : tenant.deleting()
                                ? "deleting"
                                : tenant.suspended() ? "suspended" : "active",
                LimitsView.of(tenant.limits()),
                JSON.readTree(tenant.overrides()),
                tenant.createdAt(),
                tenant.deletedAt(),
                receipt == null ? null : JSON.readTree(receipt));
    }
}
