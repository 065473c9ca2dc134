package dev.comfyapi.api.job;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.db.job.JobRow;
import dev.comfyapi.model.job.JobId;

import org.springframework.beans.factory.annotation.Value;
import org.springframework.stereotype.Component;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;

/// What is said of jobs whose time is over: 410, whether the leader has deleted them yet or not.
///
/// Nothing is kept of a deleted job, so its age is read from its id. That tells nobody anything:
/// the answer is the same for ids that never were. A job that was kept shorter than usual is
/// answered with 404 until it would have been over anyway.
@Component
final class Retention {

    private final Clock clock;
    private final Duration usual;

    /// @param usual how long jobs are kept that do not say otherwise; see `SubmitProperties`
    Retention(Clock clock, @Value("${comfyapi.retention:7d}") Duration usual) {
        this.clock = clock;
        this.usual = usual;
    }

    /// What to say when there is no such job.
    ApiProblem absent(JobId id) {
        return id.time()
                .map(submitted -> submitted.plus(usual))
                .filter(end -> end.isBefore(clock.instant()))
                .map(Retention::over)
                .orElseGet(ApiProblem::notFound);
    }

    /// @throws ApiProblem when the job has ended and its time is over
    void refuseOver(JobRow row) {
        var end = row.expiresAt();
        if (row.state().isFinal() && end != null && end.isBefore(clock.instant())) {
            throw over(end);
        }
    }

    private static ApiProblem over(Instant end) {
        return ApiProblem.of(
                        ProblemCode.EXPIRED_RESOURCE,
                        "The retention of the job is over since %s.".formatted(end))
                .with("expired_at", end);
    }
}
