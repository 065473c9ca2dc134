package dev.comfyapi.api.usage;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.http.Requires;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.api.http.Times;
import dev.comfyapi.api.limit.AtOnce;
import dev.comfyapi.db.usage.UsageStore;
import dev.comfyapi.db.usage.UsageStore.Bucket;
import dev.comfyapi.db.usage.UsageStore.Grouping;
import dev.comfyapi.db.usage.UsageStore.Percentiles;
import dev.comfyapi.db.usage.UsageStore.Used;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.headers.Header;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;

import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Collectors;

/// Usage over HTTP.
@RestController
@Tag(name = "accounts")
final class UsageController {

    private static final String CSV = "text/csv;charset=UTF-8";
    private static final Duration USUAL = Duration.ofDays(7);
    private static final Duration LONGEST = Duration.ofDays(366);
    private static final int MOST_ROWS = 10_000;
    private static final String HEADER =
            "start,group,jobs,succeeded,failed,images,gpu_ms,cost_micros,queue_p50_ms,queue_p90_ms,"
                    + "queue_p99_ms,execution_p50_ms,execution_p90_ms,execution_p99_ms\r\n";

    private final UsageStore store;

    /// A report reads as many jobs as it covers: those of one tenant come one after the other.
    private final AtOnce reports = new AtOnce("usage-reports-at-once", 1);

    private final Prices prices;
    private final Clock clock;

    UsageController(UsageStore store, Prices prices, Clock clock) {
        this.store = store;
        this.prices = prices;
        this.clock = clock;
    }

    /// What jobs used that were submitted in one hour, day or month.
    ///
    /// @param group the key, model, status or tag; null for jobs that have none, and without
    ///   `group_by`
    /// @param gpuMs GPU time of the jobs that succeeded
    /// @param costMicros by the operator's prices, in millionths of the currency
    /// @param queueMs from submission, or the scheduled start, to the begin of the attempt that
    ///   ended the job
    @Schema(name = "UsageBucket")
    record BucketView(
            Instant start,
            @Nullable String group,
            long jobs,
            long succeeded,
            long failed,
            long images,
            long gpuMs,
            long costMicros,
            PercentilesView queueMs,
            PercentilesView executionMs) {}

    @Schema(name = "Percentiles")
    record PercentilesView(@Nullable Long p50, @Nullable Long p90, @Nullable Long p99) {
        static PercentilesView of(Percentiles of) {
            return new PercentilesView(of.p50(), of.p90(), of.p99());
        }
    }

    /// @param truncated whether there were more rows than are shown: ask for a shorter time
    @Schema(name = "Usage")
    record Usage(
            Instant from,
            Instant to,
            String bucket,
            String currency,
            List<BucketView> buckets,
            boolean truncated) {
        Usage {
            buckets = List.copyOf(buckets);
        }
    }

    /// @param gpuSecondMicros millionths of the currency for a second of GPU time
    /// @param imageMicros the same for a file that came out
    @Schema(name = "Prices")
    record PriceList(String currency, long gpuSecondMicros, long imageMicros) {}

    @Requires(Scope.USAGE_READ)
    @GetMapping(path = "/api/v1/usage", produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            summary = "Read what was used",
            description =
                    "By hour, day or month (UTC) of submission; the last seven days when no time is"
                            + " given. Counted from the jobs, so it reaches back as far as they are"
                            + " kept.")
    Usage usage(
            Caller caller,
            @RequestParam(name = "from", required = false) @Nullable String from,
            @RequestParam(name = "to", required = false) @Nullable String to,
            @RequestParam(name = "bucket", defaultValue = "day") String bucket,
            @RequestParam(name = "group_by", defaultValue = "none") String groupBy) {
        var end = time("to", to, clock.instant());
        var begin = time("from", from, end.minus(USUAL));
        if (!begin.isBefore(end) || Duration.between(begin, end).compareTo(LONGEST) > 0) {
            throw bad("from", "must be before to, by a year at most");
        }
        var length = word(Bucket.class, "bucket", bucket);
        var grouping = word(Grouping.class, "group_by", groupBy);
        List<Used> used;
        try (var _ = reports.begin(caller.tenant())) {
            used = store.report(caller.tenant(), begin, end, length, grouping, MOST_ROWS + 1);
        }
        return new Usage(
                begin,
                end,
                bucket,
                prices.list().currency(),
                used.stream().limit(MOST_ROWS).map(this::view).toList(),
                used.size() > MOST_ROWS);
    }

    @Requires(Scope.USAGE_READ)
    @GetMapping(path = "/api/v1/usage/export", produces = CSV)
    @Operation(summary = "Read what was used as CSV", description = "Parameters as of `/usage`.")
    @ApiResponse(
            responseCode = "200",
            description = "One line for each bucket and group",
            headers = @Header(name = "Content-Disposition"),
            content = @Content(mediaType = "text/csv", schema = @Schema(type = "string")))
    ResponseEntity<byte[]> export(
            Caller caller,
            @RequestParam(name = "from", required = false) @Nullable String from,
            @RequestParam(name = "to", required = false) @Nullable String to,
            @RequestParam(name = "bucket", defaultValue = "day") String bucket,
            @RequestParam(name = "group_by", defaultValue = "none") String groupBy) {
        var usage = usage(caller, from, to, bucket, groupBy);
        if (usage.truncated()) {
            throw bad("from", "leads to more than %d lines; export less".formatted(MOST_ROWS));
        }
        var lines =
                usage.buckets().stream().map(UsageController::line).collect(Collectors.joining());
        return ResponseEntity.ok()
                .header("Content-Type", CSV)
                .header("Content-Disposition", "attachment; filename=\"usage.csv\"")
                .body((HEADER + lines).getBytes(StandardCharsets.UTF_8));
    }

    @Requires(Scope.USAGE_READ)
    @GetMapping(path = "/api/v1/prices", produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(summary = "Read what GPU time and pictures cost")
    PriceList prices() {
        var list = prices.list();
        return new PriceList(list.currency(), list.gpuSecondMicros(), list.imageMicros());
    }

    private BucketView view(Used used) {
        return new BucketView(
                used.start(),
                used.group(),
                used.jobs(),
                used.succeeded(),
                used.failed(),
                used.images(),
                used.gpuMs(),
                prices.micros(used.gpuMs(), used.images()),
                PercentilesView.of(used.queue()),
                PercentilesView.of(used.execution()));
    }

    private static String line(BucketView row) {
        return List.of(
                                row.start(),
                                cell(row.group()),
                                row.jobs(),
                                row.succeeded(),
                                row.failed(),
                                row.images(),
                                row.gpuMs(),
                                row.costMicros(),
                                Objects.toString(row.queueMs().p50(), ""),
                                Objects.toString(row.queueMs().p90(), ""),
                                Objects.toString(row.queueMs().p99(), ""),
                                Objects.toString(row.executionMs().p50(), ""),
                                Objects.toString(row.executionMs().p90(), ""),
                                Objects.toString(row.executionMs().p99(), ""))
                        .stream()
                        .map(Object::toString)
                        .collect(Collectors.joining(","))
                + "\r\n";
    }

    /// In quotes, and never a formula for a spreadsheet: tags are clients' words.
    private static String cell(@Nullable String text) {
        if (text == null || text.isEmpty()) {
            return "";
        }
        var safe = "=+-@\t\r".indexOf(text.charAt(0)) >= 0 ? "'" + text : text;
        return "\"" + safe.replace("\"", "\"\"") + "\"";
    }

    private static Instant time(String name, @Nullable String text, Instant otherwise) {
        if (text == null) {
            return otherwise;
        }
        return Times.parse(text)
                .orElseThrow(() -> bad(name, "must be a time such as 2026-01-31T12:00:00Z"));
    }

    private static <E extends Enum<E>> E word(Class<E> type, String name, String word) {
        return Arrays.stream(type.getEnumConstants())
                .filter(constant -> constant.name().toLowerCase(Locale.ROOT).equals(word))
                .findFirst()
                .orElseThrow(() ->
                        bad(
                                name,
                                "must be one of "
                                        + Arrays.stream(type.getEnumConstants())
                                                .map(c -> c.name().toLowerCase(Locale.ROOT))
                                                .collect(Collectors.joining(", "))));
    }

    private static ApiProblem bad(String name, String words) {
        return ApiProblem.of(
                        ProblemCode.BAD_PARAMETER, "The parameter %s %s.".formatted(name, words))
                .with("parameter", name);
    }
}
