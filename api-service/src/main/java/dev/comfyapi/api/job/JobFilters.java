package dev.comfyapi.api.job;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Members;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.db.job.JobFilter;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.JobStatus;

import org.jspecify.annotations.Nullable;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import java.util.regex.Pattern;

/// Reads which jobs a client means: from the parameters of a list, or from a body, in the same
/// words.
final class JobFilters {

    private static final int LONGEST = 512;
    private static final int MOST_METADATA = 16;
    private static final Pattern METADATA = Pattern.compile("metadata\\[([^\\x00]{1,64})]");

    private JobFilters() {}

    /// Whether a parameter of this name is part of a filter.
    static boolean isPart(String name) {
        return switch (name) {
            case "status",
                    "batch_id",
                    "tag",
                    "error_code",
                    "worker",
                    "created_after",
                    "created_before" ->
                    true;
            default -> METADATA.matcher(name).matches();
        };
    }

    /// @param parameters of the request, the others among them
    /// @throws ApiProblem when one makes no sense
    static JobFilter of(Map<String, String[]> parameters) {
        var metadata = new TreeMap<String, String>();
        for (var name : parameters.keySet()) {
            var match = METADATA.matcher(name);
            if (match.matches()) {
                metadata.put(match.group(1), text(parameters, name).orElse(""));
            }
        }
        if (metadata.size() > MOST_METADATA) {
            throw bad("metadata", "may be given for %d keys at most".formatted(MOST_METADATA));
        }
        return new JobFilter(
                statuses(parameters.get("status")),
                text(parameters, "batch_id")
                        .map(text -> uuid(text).orElseThrow(() -> bad("batch_id", "must be an id")))
                        .orElse(null),
                text(parameters, "tag").orElse(null),
                metadata,
                text(parameters, "error_code").orElse(null),
                text(parameters, "worker").orElse(null),
                time(parameters, "created_after"),
                time(parameters, "created_before"));
    }

    private static List<JobStatus> statuses(String @Nullable [] values) {
        if (values == null) {
            return List.of();
        }
        return Arrays.stream(values)
                .flatMap(value -> Arrays.stream(value.split(",", -1)))
                .map(word ->
                        JobStatus.ofWire(word)
                                .orElseThrow(() -> bad("status", "must be one of " + words())))
                .distinct()
                .sorted()
                .toList();
    }

    private static List<String> words() {
        return Arrays.stream(JobStatus.values()).map(JobStatus::wire).toList();
    }

    private static Optional<String> text(Map<String, String[]> parameters, String name) {
        var text = one(parameters, name);
        if (text != null && (text.length() > LONGEST || text.indexOf(0) >= 0)) {
            throw bad(name, "must have at most %d characters, none of them NUL".formatted(LONGEST));
        }
        return Optional.ofNullable(text);
    }

    private static @Nullable Instant time(Map<String, String[]> parameters, String name) {
        var text = one(parameters, name);
        if (text == null) {
            return null;
        }
        try {
            return inReach(OffsetDateTime.parse(text).toInstant());
        } catch (DateTimeException _) {
            throw bad(name, "must be a time such as 2026-01-31T12:00:00Z");
        }
    }

    /// Times that Postgres has no word for are as good as the first or the last that it has.
    private static Instant inReach(Instant time) {
        var first = Instant.EPOCH;
        var last = Instant.parse("9999-12-31T23:59:59Z");
        return time.isBefore(first) ? first : time.isAfter(last) ? last : time;
    }

    private static Optional<UUID> uuid(String text) {
        return JobId.parse(text).map(JobId::value);
    }

    /// The only value of a parameter; null when it is not there.
    static @Nullable String one(Map<String, String[]> parameters, String name) {
        var values = parameters.get(name);
        if (values == null) {
            return null;
        }
        if (values.length > 1) {
            throw bad(name, "must be given once");
        }
        return values[0];
    }

    static ApiProblem bad(String name, String words) {
        var shown = name.length() > 64 ? name.substring(0, 64) : name;
        return ApiProblem.of(
                        ProblemCode.BAD_PARAMETER, "The parameter %s %s.".formatted(shown, words))
                .with("parameter", shown);
    }

    /// The same from the members of an object; look at the problems before using it.
    static JobFilter of(Members members) {
        var statuses =
                members.elements("status", 1, JobStatus.values().length).stream()
                        .flatMap(element -> status(members, element).stream())
                        .distinct()
                        .sorted()
                        .toList();
        var batch = members.text("batch_id", 1, LONGEST);
        if (batch.isPresent() && uuid(batch.get()).isEmpty()) {
            members.problems().add(members.pointer("batch_id"), "invalid_value", "must be an id");
        }
        var filter =
                new JobFilter(
                        statuses,
                        batch.flatMap(JobFilters::uuid).orElse(null),
                        members.text("tag", 1, LONGEST).orElse(null),
                        members.textMap("metadata", MOST_METADATA, 64, LONGEST),
                        members.text("error_code", 1, LONGEST).orElse(null),
                        members.text("worker", 1, LONGEST).orElse(null),
                        members.time("created_after").map(JobFilters::inReach).orElse(null),
                        members.time("created_before").map(JobFilters::inReach).orElse(null));
        members.end();
        return filter;
    }

    private static Optional<JobStatus> status(Members members, Members.Element element) {
        var status = JobStatus.ofWire(element.value().asString(""));
        if (status.isEmpty()) {
            members.problems()
                    .add(
                            element.pointer(),
                            "invalid_value",
                            "must be one of " + String.join(", ", words()),
                            Map.of("allowed", words()));
        }
        return status;
    }
}
