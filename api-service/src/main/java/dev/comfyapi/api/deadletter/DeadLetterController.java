package dev.comfyapi.api.deadletter;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.http.PublicUrl;
import dev.comfyapi.api.http.Requires;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.api.job.Cursors;
import dev.comfyapi.api.job.JobView;
import dev.comfyapi.api.job.Jobs;
import dev.comfyapi.api.submit.Retries;
import dev.comfyapi.db.job.DeadLetterStore;
import dev.comfyapi.db.job.JobRow;
import dev.comfyapi.model.job.JobId;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.enums.ParameterIn;
import io.swagger.v3.oas.annotations.headers.Header;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.parameters.RequestBody;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;

import jakarta.servlet.http.HttpServletRequest;

import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.regex.Pattern;

/// Shows dead letters and runs them again.
///
/// What clients asked for is not shown: operators see whose job it was and what went wrong.
@RestController
@Tag(name = "admin", description = "For operators")
final class DeadLetterController {

    private static final String REQUEUE = "/api/v1/admin/dead-letters/{job_id}/requeue";
    private static final String SCOPE = "dead-letters";
    private static final int USUAL = 50;
    private static final int MOST = 200;
    private static final Pattern NUMBER = Pattern.compile("[0-9]{1,9}");

    private final DeadLetterStore store;
    private final Jobs jobs;
    private final Retries retries;
    private final Cursors cursors;
    private final PublicUrl publicUrl;

    DeadLetterController(
            DeadLetterStore store,
            Jobs jobs,
            Retries retries,
            Cursors cursors,
            PublicUrl publicUrl) {
        this.store = store;
        this.jobs = jobs;
        this.retries = retries;
        this.cursors = cursors;
        this.publicUrl = publicUrl;
    }

    /// @param attempts how many times it was given to a worker
    /// @param worker name of the last one
    @Schema(name = "DeadLetter")
    record DeadLetter(
            UUID jobId,
            int tenantId,
            JobView.@Nullable Failure error,
            int attempts,
            @Nullable String worker,
            String pool,
            List<String> models,
            Instant createdAt,
            @Nullable Instant finishedAt) {
        DeadLetter {
            models = List.copyOf(models);
        }
    }

    /// @param deadLetters newest first
    /// @param nextCursor opaque, where the next page starts; null on the last page
    @Schema(name = "DeadLetterPage")
    record Page(List<DeadLetter> deadLetters, @Nullable String nextCursor) {
        Page {
            deadLetters = List.copyOf(deadLetters);
        }
    }

    @Requires(Scope.WORKERS_ADMIN)
    @GetMapping(path = "/api/v1/admin/dead-letters", produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            summary = "List jobs that failed through no fault of their clients",
            description = "Of all tenants, newest first.")
    @Parameter(
            name = "limit",
            in = ParameterIn.QUERY,
            description = "Most jobs of a page; more than 200 is reduced",
            schema = @Schema(type = "integer", minimum = "1", defaultValue = "50"))
    @Parameter(
            name = "cursor",
            in = ParameterIn.QUERY,
            description = "`next_cursor` of the page before; good for three days",
            schema = @Schema(type = "string"))
    @ApiResponse(responseCode = "200", description = "A page")
    Page list(HttpServletRequest request) {
        int limit = limit(request.getParameter("limit"));
        var cursor = request.getParameter("cursor");
        var base = publicUrl.of(request);
        var found = store.list(cursor == null ? null : cursors.open(cursor, SCOPE), limit + 1);
        var shown = found.stream().limit(limit).map(row -> letter(row, base)).toList();
        return new Page(
                shown,
                found.size() > limit
                        ? cursors.after(new JobId(shown.getLast().jobId()), SCOPE)
                        : null);
    }

    private static int limit(@Nullable String text) {
        if (text == null) {
            return USUAL;
        }
        int limit = NUMBER.matcher(text).matches() ? Integer.parseInt(text) : 0;
        if (limit < 1) {
            throw ApiProblem.of(
                            ProblemCode.BAD_PARAMETER, "The parameter limit must be at least 1.")
                    .with("parameter", "limit");
        }
        return Math.min(MOST, limit);
    }

    private DeadLetter letter(JobRow row, String base) {
        return new DeadLetter(
                row.id().value(),
                row.tenant(),
                jobs.view(row, base).error(),
                row.epoch(),
                row.worker(),
                row.pool(),
                row.models(),
                row.createdAt(),
                row.finishedAt());
    }

    @Requires(Scope.WORKERS_ADMIN)
    @PostMapping(path = REQUEUE, produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            summary = "Run a dead letter again",
            description = "The same as a retry by its client: a new job of the same tenant.")
    @Parameter(
            name = "Idempotency-Key",
            in = ParameterIn.HEADER,
            description = "Makes repeating safe for 24 hours",
            schema = @Schema(type = "string", maxLength = 257))
    @RequestBody(
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = Retries.Body.class)))
    @ApiResponse(
            responseCode = "202",
            description = "The new job",
            headers = @Header(name = "Location", schema = @Schema(type = "string")))
    ResponseEntity<JobView> requeue(
            @PathVariable("job_id") String jobId, Caller caller, HttpServletRequest request)
            throws IOException {
        var id = JobId.parse(jobId).orElseThrow(ApiProblem::notFound);
        int tenant = store.tenantOf(id).orElseThrow(ApiProblem::notFound);
        return retries.retry(caller.as(tenant), id, REQUEUE, request);
    }
}
