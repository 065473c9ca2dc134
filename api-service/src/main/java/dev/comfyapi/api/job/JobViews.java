package dev.comfyapi.api.job;

import dev.comfyapi.api.artifact.ArtifactLinks;
import dev.comfyapi.api.queue.Advice;
import dev.comfyapi.api.queue.QueueOutlook;
import dev.comfyapi.artifact.ArtifactKey;
import dev.comfyapi.db.job.JobRow;
import dev.comfyapi.model.job.ErrorCode;
import dev.comfyapi.model.job.JobState;
import dev.comfyapi.model.job.JobStatus;
import dev.comfyapi.model.job.LeaseKey;
import dev.comfyapi.model.job.LeaseStage;
import dev.comfyapi.model.job.TokenPlace;

import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Optional;
import java.util.function.Function;

/// Makes of a row, and of what was heard since, what clients see.
@Component
public final class JobViews {

    /// Numbers go out as they came in.
    private static final JsonMapper JSON =
            JsonMapper.builder().enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS).build();

    private final JobNews news;
    private final ArtifactLinks links;
    private final QueueOutlook outlook;

    JobViews(JobNews news, ArtifactLinks links, QueueOutlook outlook) {
        this.news = news;
        this.links = links;
        this.outlook = outlook;
    }

    /// @param base what absolute links start with
    public JobView of(JobRow row, String base) {
        return of(row, base, outlook::ofJob);
    }

    /// The same as one of many: of a queued job neither position nor times are said.
    JobView listed(JobRow row, String base) {
        return of(row, base, outlook::ofListed);
    }

    private JobView of(JobRow row, String base, Function<JobRow, Advice> asked) {
        var now = moment(row);
        @Nullable Advice queued = now.status() == JobStatus.QUEUED ? asked.apply(row) : null;
        var params = row.params() == null ? null : JSON.readTree(row.params());
        var result = result(row, params, base);
        var queuedAt = queuedAt(row, now);
        var self = "/api/v1/jobs/" + row.id();
        return new JobView(
                row.id().value(),
                now.status().wire(),
                queued == null ? now.phase() : queued.reason(),
                now.progress(),
                now.detail(),
                result == null ? null : firstImage(result),
                result,
                error(row),
                params,
                queued == null ? null : queue(queued),
                row.priority().value(),
                row.pool(),
                row.batchId(),
                row.customId(),
                row.retryOf(),
                attempt(row),
                row.createdAt(),
                queuedAt,
                row.startedAt(),
                row.finishedAt(),
                row.runAfter(),
                row.startBy(),
                row.finishBy(),
                row.expiresAt(),
                row.erasedAt(),
                timings(row, queuedAt),
                JSON.readTree(row.metadata()),
                row.tags(),
                now.revision(),
                new JobView.Urls(
                        self,
                        self + "/cancel",
                        self + "/events",
                        "/ws/jobs/" + row.id(),
                        self + "/workflow"),
                null,
                null);
    }

    /// Where the job is, by the row and by what was heard.
    public JobMoment moment(JobRow row) {
        var heard =
                row.place() == TokenPlace.LEASE
                        ? news.newest(row.id()).filter(n -> n.epoch() == row.epoch())
                        : Optional.<JobNews.Running>empty();
        if (heard.isEmpty()) {
            double progress =
                    row.state() == JobState.SUCCEEDED
                            ? 1.0
                            : row.place() == TokenPlace.LEASE ? row.progress() : 0.0;
            return new JobMoment(row.status(), row.phase(), progress, null, row.revision());
        }
        var running = heard.get();
        var stage = running.stage().compareTo(row.stage()) > 0 ? running.stage() : row.stage();
        double progress = Math.max(row.progress(), running.fraction());
        return new JobMoment(
                stage == LeaseStage.ASSIGNED ? JobStatus.QUEUED : JobStatus.RUNNING,
                switch (stage) {
                    case ASSIGNED -> row.phase();
                    case RUNNING ->
                            running.progress() == null ? "preparing" : running.progress().phase();
                    case STORING -> "storing";
                },
                progress,
                detail(running),
                Math.max(row.revision(), row.revision(stage, progress)));
    }

    private static JobView.@Nullable ProgressDetail detail(JobNews.Running running) {
        var progress = running.progress();
        return progress == null
                ? null
                : new JobView.ProgressDetail(
                        progress.nodesDone(),
                        progress.nodesTotal(),
                        progress.node(),
                        progress.nodeClass(),
                        progress.step(),
                        progress.steps(),
                        running.at());
    }

    private static JobView.Queue queue(Advice advice) {
        return new JobView.Queue(
                advice.position(),
                advice.startAt(),
                advice.startP90At(),
                advice.capableWorkers(),
                advice.feasible(),
                advice.reason(),
                advice.detail());
    }

    private static JobView.@Nullable Attempt attempt(JobRow row) {
        if (row.epoch() == 0) {
            return null;
        }
        // The worker is no part of the attempt's id.
        var id = new LeaseKey(row.id(), row.epoch(), 0).attemptId();
        return new JobView.Attempt(row.epoch(), row.maxFailures(), id, row.worker());
    }

    private static @Nullable Instant queuedAt(JobRow row, JobMoment now) {
        var runAfter = row.runAfter();
        if (runAfter == null || runAfter.isBefore(row.createdAt())) {
            return row.createdAt();
        }
        boolean never =
                now.status() == JobStatus.SCHEDULED
                        || (row.finishedAt() != null && row.finishedAt().isBefore(runAfter));
        return never ? null : runAfter;
    }

    private static JobView.Timings timings(JobRow row, @Nullable Instant queuedAt) {
        return new JobView.Timings(
                between(queuedAt, row.startedAt()),
                null,
                row.gpuMs() == null ? null : row.gpuMs().longValue(),
                row.storeMs() == null ? null : row.storeMs().longValue(),
                between(row.createdAt(), row.finishedAt()));
    }

    private static @Nullable Long between(@Nullable Instant from, @Nullable Instant to) {
        return from == null || to == null
                ? null
                : (Long) Math.max(0, Duration.between(from, to).toMillis());
    }

    private JobView.@Nullable Result result(JobRow row, @Nullable JsonNode params, String base) {
        if (row.result() == null) {
            return null;
        }
        var json = JSON.readTree(row.result());
        var seed = params == null ? null : text(params, "seed");
        // No link outlives its file.
        var linkEnd = links.expiry();
        var end = row.expiresAt();
        var expires = end != null && end.isBefore(linkEnd) ? end : linkEnd;
        var files = new ArrayList<JobView.File>();
        for (var artifact : json.path("artifacts")) {
            files.add(file(artifact, seed, base, expires));
        }
        var seconds = row.gpuMs() == null ? null : BigDecimal.valueOf(row.gpuMs(), 3);
        return new JobView.Result(seconds, json.path("reused").asBoolean(false), files);
    }

    private JobView.File file(
            JsonNode artifact, @Nullable String seed, String base, Instant expires) {
        return new JobView.File(
                artifact.path("index").asInt(0),
                artifact.path("kind").asString("file"),
                base + links.sign(new ArtifactKey(artifact.path("key").asString("")), expires),
                expires,
                either(artifact, "contentType", "content_type")
                        .asString("application/octet-stream"),
                either(artifact, "sizeBytes", "size_bytes").asLong(0),
                number(artifact, "width"),
                number(artifact, "height"),
                seed,
                artifact.path("sha256").asString(""),
                either(artifact, "nodeId", "node_id").asString(""),
                artifact.path("filename").asString(""));
    }

    private static @Nullable String firstImage(JobView.Result result) {
        return result.artifacts().stream()
                .filter(file -> file.kind().equals("image"))
                .map(JobView.File::url)
                .findFirst()
                .orElse(null);
    }

    private static JobView.@Nullable Failure error(JobRow row) {
        if (row.errorCode() == null) {
            return null;
        }
        return failure(row.errorCode(), row.error(), row.epoch());
    }

    /// What went wrong, as clients are told.
    ///
    /// @param error JSON; null when there is nothing but the code
    static JobView.Failure failure(String word, @Nullable String error, int epoch) {
        var code = ErrorCode.ofWire(word).orElse(ErrorCode.INTERNAL);
        var json = JSON.readTree(error == null ? "{}" : error);
        var details = json.path("details");
        return new JobView.Failure(
                word,
                json.path("message")
                        .asString(
                                code == ErrorCode.WORKER_LOST
                                        ? "The worker was lost."
                                        : "The job failed."),
                code.isRetryable(),
                code.fault().wire(),
                either(json, "nodeId", "node_id").asString(null),
                either(json, "classType", "class_type").asString(null),
                either(json, "exceptionType", "exception_type").asString(null),
                details.isObject() ? details : null,
                epoch == 0 ? null : (Integer) epoch);
    }

    /// Workers may write members in either style.
    private static JsonNode either(JsonNode json, String camel, String snake) {
        return json.has(camel) ? json.path(camel) : json.path(snake);
    }

    private static @Nullable String text(JsonNode json, String name) {
        var value = json.path(name);
        return value.isString() ? value.stringValue() : null;
    }

    private static @Nullable Integer number(JsonNode json, String name) {
        var value = json.path(name);
        return value.isIntegralNumber() ? (Integer) value.intValue() : null;
    }
}
