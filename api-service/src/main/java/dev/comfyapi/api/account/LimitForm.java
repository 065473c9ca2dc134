package dev.comfyapi.api.account;

import dev.comfyapi.api.http.Members;
import dev.comfyapi.db.account.Limits;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

import java.math.BigDecimal;
import java.util.List;

/// Limits that are set for one tenant alone, over those of its tier.
final class LimitForm {

    private static final JsonMapper JSON = JsonMapper.shared();
    private static final BigDecimal LEAST_WEIGHT = new BigDecimal("0.01");
    private static final BigDecimal LARGEST = new BigDecimal("1000000000000000");
    private static final List<String> COUNTS =
            List.of("max_running_jobs", "max_queued_jobs", "jobs_per_day");
    private static final List<String> RATES =
            List.of("submits_per_minute", "polls_per_minute", "uploads_per_minute");
    private static final List<String> SIZES =
            List.of("gpu_seconds_per_day", "gpu_seconds_per_month", "storage_bytes");

    private LimitForm() {}

    /// JSON of what is set, checked. Not to be used when the problems have become more.
    static ObjectNode read(Members limits) {
        var set = JSON.createObjectNode();
        limits.decimal("weight", LEAST_WEIGHT, BigDecimal.valueOf(1_000))
                .ifPresent(weight -> set.put("weight", weight));
        for (var name : COUNTS) {
            limits.integer(name, 0, Integer.MAX_VALUE).ifPresent(count -> set.put(name, count));
        }
        limits.integer("max_priority", -2, 2).ifPresent(most -> set.put("max_priority", most));
        for (var name : RATES) {
            limits.integer(name, 1, Integer.MAX_VALUE).ifPresent(rate -> set.put(name, rate));
        }
        for (var name : SIZES) {
            limits.decimal(name, BigDecimal.ZERO, LARGEST)
                    .ifPresent(size -> set.put(name, size.longValue()));
        }
        limits.end();
        return set;
    }

    /// What holds in the end.
    static Limits over(Limits tier, JsonNode set) {
        return new Limits(
                set.path("weight").asDouble(tier.weight()),
                set.path("max_running_jobs").asInt(tier.maxRunning()),
                set.path("max_queued_jobs").asInt(tier.maxQueued()),
                set.has("max_priority") ? 2 - set.path("max_priority").intValue() : tier.bestBand(),
                set.has("gpu_seconds_per_day")
                        ? millis(set.path("gpu_seconds_per_day").longValue())
                        : tier.gpuMsDay(),
                set.has("gpu_seconds_per_month")
                        ? millis(set.path("gpu_seconds_per_month").longValue())
                        : tier.gpuMsMonth(),
                integer(set, "jobs_per_day", tier.jobsDay()),
                set.has("storage_bytes")
                        ? (Long) set.path("storage_bytes").longValue()
                        : tier.storageBytes(),
                integer(set, "submits_per_minute", tier.submitsMinute()),
                integer(set, "polls_per_minute", tier.pollsMinute()),
                integer(set, "uploads_per_minute", tier.uploadsMinute()));
    }

    private static @Nullable Integer integer(
            JsonNode set, String name, @Nullable Integer otherwise) {
        return set.has(name) ? (Integer) set.path(name).intValue() : otherwise;
    }

    static @Nullable Long millis(@Nullable Long seconds) {
        return seconds == null ? null : seconds * 1_000;
    }
}
