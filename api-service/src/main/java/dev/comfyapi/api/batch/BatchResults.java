package dev.comfyapi.api.batch;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.job.JobView;
import dev.comfyapi.api.job.Jobs;
import dev.comfyapi.db.job.BatchStore;
import dev.comfyapi.db.job.JobRow;
import dev.comfyapi.db.job.JobStore;
import dev.comfyapi.model.job.JobId;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;

/// Writes what came of the jobs of a batch, one line for each, in the order in which they ended.
///
/// Which jobs, and in which order, is read at once: sixteen bytes for each. What came of them is
/// read some at a time, and no connection is held while a client takes its time.
@Component
final class BatchResults {

    private static final int CHUNK = 200;

    /// While a batch runs, what ended within this time is left out: a job that ended earlier may
    /// become visible later, and whoever goes on after a line must not miss it.
    private static final Duration UNSETTLED = Duration.ofSeconds(5);

    private final BatchStore batches;
    private final JobStore jobs;
    private final Jobs views;
    private final JsonMapper json;

    BatchResults(BatchStore batches, JobStore jobs, Jobs views, JsonMapper json) {
        this.batches = batches;
        this.jobs = jobs;
        this.views = views;
        this.json = json;
    }

    /// @param customId your name for it
    /// @param artifacts the files that it made, with links that anybody may read them by
    /// @param error why it failed or expired; null when it succeeded or was canceled
    @Schema(name = "BatchResult")
    record Line(
            @Nullable String customId,
            UUID jobId,
            String status,
            List<JobView.File> artifacts,
            JobView.@Nullable Failure error) {

        static Line of(JobRow row, JobView view) {
            return new Line(
                    row.customId(),
                    view.jobId(),
                    view.status(),
                    view.result() == null ? List.of() : view.result().artifacts(),
                    view.error());
        }
    }

    /// Which jobs are to be written.
    ///
    /// @param succeeded those that did; else those that ended otherwise
    /// @param after only what ended after this job; null from the first on
    /// @throws ApiProblem when there is no such batch, or it is another tenant's, or `after` is not
    ///   one of its ended jobs
    List<JobId> which(int tenant, UUID batch, boolean succeeded, @Nullable String after) {
        var row = batches.find(tenant, batch).orElseThrow(ApiProblem::notFound);
        @Nullable JobId from =
                after == null ? null : JobId.parse(after).orElseThrow(BatchResults::bad);
        if (from != null && !batches.hasEnded(tenant, batch, from)) {
            throw bad();
        }
        return batches.ended(
                tenant, batch, succeeded, from, row.status().isFinal() ? Duration.ZERO : UNSETTLED);
    }

    private static ApiProblem bad() {
        return ApiProblem.of(
                        ProblemCode.BAD_PARAMETER,
                        "The parameter after must be the id of a job of this batch that has ended.")
                .with("parameter", "after");
    }

    /// Writes these; jobs that were deleted meanwhile are left out.
    void write(List<JobId> which, String base, OutputStream out) throws IOException {
        for (int i = 0; i < which.size(); i += CHUNK) {
            var chunk = which.subList(i, Math.min(which.size(), i + CHUNK));
            var rows =
                    jobs.findAll(chunk).stream()
                            .collect(Collectors.toMap(JobRow::id, Function.identity()));
            for (var id : chunk) {
                var row = rows.get(id);
                if (row != null) {
                    out.write(json.writeValueAsBytes(Line.of(row, views.view(row, base))));
                    out.write('\n');
                }
            }
        }
    }
}
