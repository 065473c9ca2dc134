package dev.comfyapi.api.submit;

import dev.comfyapi.api.http.Members;
import dev.comfyapi.model.job.JobClass;
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

/// On what terms a job runs: the members that go with every kind of body.
///
/// @param runAfter scheduled start; null for at once
/// @param startWithin expires when it has not started by then; null for never
record JobTerms(
        Priority priority,
        @Nullable Instant runAfter,
        @Nullable Duration startWithin,
        Duration maxExecution,
        int maxAttempts,
        boolean keepMetadata,
        boolean bypassCache,
        Duration retention,
        Map<String, String> metadata,
        List<String> tags) {

    static final Duration LONGEST_RUN = Duration.ofDays(1);

    private static final Duration FURTHEST_START = Duration.ofDays(365);
    private static final Duration LONGEST_START_WAIT = Duration.ofDays(30);
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
    static JobTerms read(Members members, SubmitProperties properties, Clock clock) {
        var priority = members.integer("priority", Priority.LOWEST, Priority.HIGHEST);
        var runAfter = runAfter(members, clock);
        var startWithin =
                seconds(members, "start_within_s", Duration.ofSeconds(1), LONGEST_START_WAIT);
        var maxExecution = seconds(members, "max_execution_s", Duration.ofSeconds(1), LONGEST_RUN);
        var maxAttempts = members.integer("max_attempts", 1, MOST_ATTEMPTS);
        var metadata =
                members.textMap(
                        "metadata", MOST_METADATA, LONGEST_METADATA_KEY, LONGEST_METADATA_VALUE);
        var tags = members.texts("tags", MOST_TAGS, LONGEST_TAG).stream().distinct().toList();
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
        refuseOtherPools(members);
        return new JobTerms(
                new Priority(priority.orElse(Priority.NORMAL.value())),
                runAfter,
                startWithin.orElse(null),
                maxExecution.orElse(properties.maxExecution()),
                maxAttempts.orElse(properties.maxAttempts()),
                embed,
                bypass,
                retention.orElse(properties.retention()),
                metadata,
                tags);
    }

    /// The request for this graph on these terms.
    CheckedRequest with(Graph graph, @Nullable String params) {
        return new CheckedRequest(
                bypassCache ? graph.withoutCache(UUID.randomUUID().toString()) : graph,
                params,
                priority,
                runAfter,
                startWithin,
                maxExecution,
                maxAttempts,
                keepMetadata,
                retention,
                metadata,
                tags);
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

    private static Optional<Duration> seconds(
            Members members, String name, Duration least, Duration most) {
        return members.integer(name, (int) least.toSeconds(), (int) most.toSeconds())
                .map(count -> Duration.ofSeconds(count));
    }

    private static Optional<String> oneOf(Members members, String name, List<String> words) {
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

    /// The usual one may be named.
    private static void refuseOtherPools(Members members) {
        if (members.text("pool", 1, LONGEST_NAME)
                .filter(pool -> !pool.equals(JobClass.DEFAULT_POOL))
                .isPresent()) {
            members.addNotOffered("pool");
        }
    }
}
