package dev.comfyapi.api.submit;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Members;
import dev.comfyapi.db.job.JobRow;
import dev.comfyapi.db.job.JobStore.Terms;
import dev.comfyapi.model.job.Priority;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/// What a client wants changed of a job; what it does not name stays.
///
/// @param priority null when it stays
/// @param tags null when they stay
/// @param metadata JSON object; null when it stays
record ChangeForm(
        @Nullable Priority priority,
        Deadline start,
        Deadline finish,
        @Nullable List<String> tags,
        @Nullable String metadata) {

    private static final JsonMapper JSON = JsonMapper.shared();

    /// A deadline to set, to remove (`null` in the body), or to leave.
    ///
    /// @param by null to remove it
    record Deadline(boolean named, @Nullable Instant by) {

        @Nullable Instant or(@Nullable Instant known) {
            return named ? by : known;
        }
    }

    /// Describes the body for the OpenAPI document.
    @Schema(name = "JobChange", additionalProperties = Schema.AdditionalPropertiesValue.FALSE)
    record Body(
            @Schema(minimum = "-2", maximum = "2", description = "2 comes first") Integer priority,
            @Schema(
                            types = {"integer", "null"},
                            minimum = "1",
                            maximum = "2592000",
                            description = "From now; null removes the deadline")
                    Integer startWithinS,
            @Schema(
                            types = {"integer", "null"},
                            minimum = "1",
                            maximum = "34128000",
                            description = "From now; null removes the deadline")
                    Integer finishWithinS,
            @Schema(description = "All of it: what is not named here is removed")
                    Map<String, String> metadata,
            @Schema(description = "All of them: what is not named here is removed")
                    List<String> tags) {}

    /// @param best the highest priority that the tenant may ask for
    /// @throws ApiProblem when anything in the body is wrong
    static ChangeForm read(JsonNode body, Members members, Supplier<Priority> best, Clock clock) {
        var now = clock.instant();
        var priority = JobTerms.priority(members, best);
        var start =
                deadline(
                        body,
                        "start_within_s",
                        now,
                        JobTerms.seconds(members, "start_within_s", JobTerms.LONGEST_START_WAIT));
        var finish =
                deadline(
                        body,
                        "finish_within_s",
                        now,
                        JobTerms.seconds(members, "finish_within_s", JobTerms.LONGEST_FINISH));
        var tags = members.has("tags") ? JobTerms.tags(members) : null;
        var metadata =
                members.has("metadata")
                        ? JSON.writeValueAsString(JobTerms.metadata(members))
                        : null;
        members.end();
        members.problems().throwIfAny();
        return new ChangeForm(priority.orElse(null), start, finish, tags, metadata);
    }

    private static Deadline deadline(
            JsonNode body, String name, Instant now, Optional<Duration> span) {
        return new Deadline(body.has(name), span.map(now::plus).orElse(null));
    }

    /// The terms of this job with the change made.
    ///
    /// @throws ApiProblem when its deadlines would contradict each other
    Terms of(JobRow job) {
        var terms =
                new Terms(
                        priority == null ? job.priority() : priority,
                        start.or(job.startBy()),
                        finish.or(job.finishBy()),
                        tags == null ? job.tags() : tags,
                        metadata == null ? job.metadata() : metadata);
        // A start that is past binds no deadline any more.
        var runAfter = job.epoch() == 0 ? job.runAfter() : null;
        Deadlines.contradiction(runAfter, terms.startBy(), terms.finishBy())
                .ifPresent(found -> {
                    throw ApiProblem.invalid(List.of(found));
                });
        return terms;
    }
}
