package dev.comfyapi.api.submit;

import dev.comfyapi.api.http.InvalidMember;
import dev.comfyapi.api.http.Members;
import dev.comfyapi.api.webhook.WebhookForm;
import dev.comfyapi.db.webhook.JobWebhook;
import dev.comfyapi.model.job.JobClass;
import dev.comfyapi.model.job.PoolName;
import dev.comfyapi.model.job.Priority;
import dev.comfyapi.model.workflow.Graph;

import org.jspecify.annotations.Nullable;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;

/// On what terms a job runs: the members that go with every kind of body.
///
/// @param runAfter scheduled start; null for at once
/// @param startWithin expires when it has not started by then; null for never
/// @param finishWithin expires when it has not ended by then; null for never
/// @param pool as [PoolForm] has checked it
/// @param webhook an address that is told what becomes of it
record JobTerms(
        Priority priority,
        @Nullable Instant runAfter,
        @Nullable Duration startWithin,
        @Nullable Duration finishWithin,
        Duration maxExecution,
        int maxAttempts,
        boolean keepMetadata,
        boolean bypassCache,
        Duration retention,
        Map<String, String> metadata,
        List<String> tags,
        String pool,
        @Nullable JobWebhook webhook) {

    static final Duration LONGEST_RUN = Duration.ofDays(1);

    private static final Duration FURTHEST_START = Duration.ofDays(365);
    static final Duration LONGEST_START_WAIT = Duration.ofDays(30);

    /// Counted from the submit, so that the furthest start can wait as long as any.
    static final Duration LONGEST_FINISH = FURTHEST_START.plus(LONGEST_START_WAIT);

    private static final Duration SHORTEST_RETENTION = Duration.ofMinutes(1);
    private static final Duration LONGEST_RETENTION = Duration.ofDays(365);
    private static final int MOST_ATTEMPTS = 10;
    private static final int LONGEST_NAME = 255;
    private static final int MOST_METADATA = 16;
    private static final int LONGEST_METADATA_KEY = 64;
    private static final int LONGEST_METADATA_VALUE = 512;
    private static final int MOST_TAGS = 16;
    private static final int LONGEST_TAG = 64;

    JobTerms {
        metadata = Map.copyOf(metadata);
        tags = List.copyOf(tags);
    }

    /// Not to be used when the problems have become more.
    ///
    /// @param best the highest priority that the tenant may ask for
    static JobTerms read(
            Members members,
            SubmitProperties properties,
            WebhookForm webhooks,
            Clock clock,
            Supplier<Priority> best) {
        var priority = priority(members, best);
        var runAfter = runAfter(members, clock);
        var startWithin = seconds(members, "start_within_s", LONGEST_START_WAIT);
        var finishWithin = seconds(members, "finish_within_s", LONGEST_FINISH);
        var maxExecution = seconds(members, "max_execution_s", LONGEST_RUN);
        var maxAttempts = members.integer("max_attempts", 1, MOST_ATTEMPTS);
        var metadata = metadata(members);
        var tags = tags(members);
        var output = members.nested("output");
        boolean embed =
                oneOf(output, "metadata", List.of("strip", "embed"))
                        .filter("embed"::equals)
                        .isPresent();
        var retention = seconds(output, "retention_s", SHORTEST_RETENTION, LONGEST_RETENTION);
        output.end();
        boolean bypass =
                oneOf(members, "cache", List.of("auto", "bypass"))
                        .filter("bypass"::equals)
                        .isPresent();
        contradiction(
                        clock.instant(),
                        runAfter,
                        startWithin.orElse(null),
                        finishWithin.orElse(null))
                .ifPresent(found ->
                        members.problems()
                                .add(
                                        members.pointer(found.pointer().substring(2)),
                                        found.code(),
                                        found.detail(),
                                        found.params()));
        var webhook = webhooks.ofJob(members);
        return new JobTerms(
                priority.orElseGet(() -> Priority.NORMAL.atMost(best.get())),
                runAfter,
                startWithin.orElse(null),
                finishWithin.orElse(null),
                maxExecution.orElse(properties.maxExecution()),
                maxAttempts.orElse(properties.maxAttempts()),
                embed,
                bypass,
                retention.orElse(properties.retention()),
                metadata,
                tags,
                members.text("pool", 1, PoolName.LONGEST).orElse(JobClass.DEFAULT_POOL),
                webhook);
    }

    /// The request for this graph on these terms.
    CheckedRequest with(Graph graph, @Nullable String params) {
        return new CheckedRequest(
                bypassCache ? graph.withoutCache(UUID.randomUUID().toString()) : graph,
                params,
                priority,
                runAfter,
                startWithin,
                finishWithin,
                maxExecution,
                maxAttempts,
                keepMetadata,
                retention,
                metadata,
                tags,
                pool,
                webhook);
    }

    private static @Nullable Instant runAfter(Members members, Clock clock) {
        var time = members.time("run_after");
        var now = clock.instant();
        if (time.isEmpty() || !time.get().isAfter(now)) {
            return null;
        }
        if (time.get().isAfter(now.plus(FURTHEST_START))) {
            members.problems()
                    .add(
                            members.pointer("run_after"),
                            "out_of_range",
                            "must be within %d days".formatted(FURTHEST_START.toDays()),
                            Map.of("max_days", FURTHEST_START.toDays()));
            return null;
        }
        return time.get();
    }

    static Optional<Priority> priority(Members members, Supplier<Priority> best) {
        var priority =
                members.integer("priority", Priority.LOWEST, Priority.HIGHEST).map(Priority::new);
        // Everybody may come last; whether somebody may come first has to be looked up.
        if (priority.isPresent()
                && priority.get().value() > Priority.LOWEST
                && priority.get().value() > best.get().value()) {
            members.problems()
                    .add(
                            members.pointer("priority"),
                            "forbidden",
                            "must be at most %d for you".formatted(best.get().value()),
                            Map.of("max", best.get().value(), "actual", priority.get().value()));
        }
        return priority;
    }

    static Map<String, String> metadata(Members members) {
        return members.textMap(
                "metadata", MOST_METADATA, LONGEST_METADATA_KEY, LONGEST_METADATA_VALUE);
    }

    static List<String> tags(Members members) {
        return members.texts("tags", MOST_TAGS, LONGEST_TAG).stream().distinct().toList();
    }

    /// What no job submitted now could keep; empty when all is well.
    static Optional<InvalidMember> contradiction(
            Instant now,
            @Nullable Instant runAfter,
            @Nullable Duration startWithin,
            @Nullable Duration finishWithin) {
        var from = runAfter == null ? now : runAfter;
        return Deadlines.contradiction(
                runAfter,
                startWithin == null ? null : from.plus(startWithin),
                finishWithin == null ? null : now.plus(finishWithin));
    }

    static Optional<Duration> seconds(Members members, String name, Duration most) {
        return seconds(members, name, Duration.ofSeconds(1), most);
    }

    private static Optional<Duration> seconds(
            Members members, String name, Duration least, Duration most) {
        return members.integer(name, (int) least.toSeconds(), (int) most.toSeconds())
                .map(count -> Duration.ofSeconds(count));
    }

    static Optional<String> oneOf(Members members, String name, List<String> words) {
        var word = members.text(name, 0, LONGEST_NAME);
        if (word.isPresent() && !words.contains(word.get())) {
            members.problems()
                    .add(
                            members.pointer(name),
                            "invalid_value",
                            "must be one of " + String.join(", ", words),
                            Map.of("allowed", words));
            return Optional.empty();
        }
        return word;
    }
}
