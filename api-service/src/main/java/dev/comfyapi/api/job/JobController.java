package dev.comfyapi.api.job;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.OpenStreams;
import dev.comfyapi.api.http.Preference;
import dev.comfyapi.api.http.Preferences;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.http.PublicUrl;
import dev.comfyapi.api.http.Requires;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.model.job.JobId;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.enums.ParameterIn;
import io.swagger.v3.oas.annotations.headers.Header;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;

import jakarta.servlet.http.HttpServletRequest;

import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.OptionalLong;

/// Reading, listing, canceling and erasing jobs.
@RestController
@RequestMapping(path = "/api/v1/jobs", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "jobs", description = "Submit, read, list and cancel jobs")
final class JobController {

    private final Jobs jobs;
    private final JobList list;
    private final Preferences preferences;
    private final PublicUrl publicUrl;
    private final OpenStreams streams;

    JobController(
            Jobs jobs,
            JobList list,
            Preferences preferences,
            PublicUrl publicUrl,
            OpenStreams streams) {
        this.jobs = jobs;
        this.list = list;
        this.preferences = preferences;
        this.publicUrl = publicUrl;
        this.streams = streams;
    }

    @Requires(Scope.JOBS_READ)
    @GetMapping("/{job_id}")
    @Operation(
            summary = "Read a job, or wait for it to change",
            description =
                    "With `Prefer: wait=N` and `If-None-Match` it answers as soon as the job"
                            + " differs from what you have; without `If-None-Match` it waits for"
                            + " the end.")
    @Parameter(
            name = "wait_s",
            in = ParameterIn.QUERY,
            description = "Seconds to wait; the same as `Prefer: wait=N`",
            schema = @Schema(type = "integer", minimum = "0", maximum = "60"))
    @Parameter(
            name = "Prefer",
            in = ParameterIn.HEADER,
            description = "`wait=N`",
            schema = @Schema(type = "string"))
    @Parameter(
            name = "wait_for",
            in = ParameterIn.QUERY,
            description = "`status` ignores changes that are progress only",
            schema = @Schema(type = "string", allowableValues = "status"))
    @Parameter(
            name = "If-None-Match",
            in = ParameterIn.HEADER,
            description = "The ETag you have",
            schema = @Schema(type = "string"))
    @ApiResponse(
            responseCode = "200",
            description = "The job",
            content = @Content(schema = @Schema(implementation = JobView.class)))
    @ApiResponse(
            responseCode = "304",
            description = "Nothing has changed",
            headers = @Header(name = "ETag"),
            content = {})
    Object read(@PathVariable("job_id") String jobId, Caller caller, HttpServletRequest request) {
        var id = id(jobId);
        var preference = preferences.of(request);
        var base = publicUrl.of(request);
        var seen = EntityTags.seen(request);
        boolean statusOnly = statusOnly(request);
        Duration wait = preference.waitOrNone();
        if (!wait.isPositive()) {
            return answer(jobs.read(caller.tenant(), id, base), seen, preference);
        }
        var waiting = Waiting.of(request, caller.tenant(), base, wait);
        return streams.during(
                caller,
                () ->
                        (seen.isEmpty()
                                        ? jobs.whenEnded(id, waiting)
                                        : statusOnly
                                                ? jobs.whenStatusChanged(
                                                        id, waiting, seen.getAsLong())
                                                : jobs.whenChanged(id, waiting, seen.getAsLong()))
                                .thenApply(job -> answer(job, seen, preference)));
    }

    private static ResponseEntity<JobView> answer(
            JobView job, OptionalLong seen, Preference preference) {
        var headers = new HttpHeaders();
        headers.setETag(EntityTags.of(job));
        preference.applied().ifPresent(applied -> headers.set("Preference-Applied", applied));
        if (!job.isFinal()) {
            headers.set(HttpHeaders.RETRY_AFTER, "1");
        }
        return seen.isPresent() && seen.getAsLong() == job.revision()
                ? new ResponseEntity<>(headers, HttpStatus.NOT_MODIFIED)
                : new ResponseEntity<>(job, headers, HttpStatus.OK);
    }

    @Requires(Scope.JOBS_READ)
    @GetMapping("/{job_id}/workflow")
    @Operation(
            summary = "Read the ComfyUI graph of a job",
            description = "In API format: what was sent or made of the prompt, as it runs.")
    @ApiResponse(
            responseCode = "200",
            description = "The graph",
            content = @Content(schema = @Schema(type = "object")))
    ResponseEntity<String> workflow(@PathVariable("job_id") String jobId, Caller caller) {
        return ResponseEntity.ok()
                .contentType(MediaType.APPLICATION_JSON)
                .body(jobs.graph(caller.tenant(), id(jobId)));
    }

    @Requires(Scope.JOBS_READ)
    @GetMapping("/{job_id}/attempts")
    @Operation(
            summary = "Read the attempts of a job",
            description =
                    "Each run on a worker, oldest first: those that failed or were lost, and the"
                            + " last one.")
    @ApiResponse(responseCode = "200", description = "The attempts")
    AttemptView.Attempts attempts(@PathVariable("job_id") String jobId, Caller caller) {
        return new AttemptView.Attempts(jobs.attempts(caller.tenant(), id(jobId)));
    }

    private static boolean statusOnly(HttpServletRequest request) {
        var waitFor = request.getParameter("wait_for");
        if (waitFor != null && !waitFor.equals("status")) {
            throw ApiProblem.of(ProblemCode.BAD_PARAMETER, "The parameter wait_for must be status.")
                    .with("parameter", "wait_for");
        }
        return waitFor != null;
    }

    @Requires(Scope.JOBS_READ)
    @GetMapping
    @Operation(
            summary = "List jobs, newest first",
            description =
                    "All filters that are given have to fit. A page with a filter may be short or"
                            + " empty and still have a `next_cursor`: it looks at 10,000 jobs at"
                            + " most.")
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
    @Parameter(
            name = "offset",
            in = ParameterIn.QUERY,
            description = "Jobs to leave out, instead of a cursor",
            schema = @Schema(type = "integer", minimum = "0", maximum = "1000"))
    @Parameter(
            name = "status",
            in = ParameterIn.QUERY,
            description = "Any of these, separated by commas",
            schema = @Schema(type = "string", example = "queued,running"))
    @Parameter(
            name = "batch_id",
            in = ParameterIn.QUERY,
            description = "Jobs of this batch",
            schema = @Schema(type = "string", format = "uuid"))
    @Parameter(
            name = "tag",
            in = ParameterIn.QUERY,
            description = "Jobs with this tag",
            schema = @Schema(type = "string"))
    @Parameter(
            name = "metadata[key]",
            in = ParameterIn.QUERY,
            description = "Jobs whose metadata has this value under `key`; for several keys",
            schema = @Schema(type = "string"))
    @Parameter(
            name = "error_code",
            in = ParameterIn.QUERY,
            description = "Jobs that ended with this error",
            schema = @Schema(type = "string"))
    @Parameter(
            name = "worker",
            in = ParameterIn.QUERY,
            description = "Jobs whose newest attempt is or was with the worker of this name",
            schema = @Schema(type = "string"))
    @Parameter(
            name = "created_after",
            in = ParameterIn.QUERY,
            description = "Later than this",
            schema = @Schema(type = "string", format = "date-time"))
    @Parameter(
            name = "created_before",
            in = ParameterIn.QUERY,
            description = "Earlier than this",
            schema = @Schema(type = "string", format = "date-time"))
    @Parameter(
            name = "order",
            in = ParameterIn.QUERY,
            description = "`asc` lists the oldest first",
            schema =
                    @Schema(
                            type = "string",
                            allowableValues = {"desc", "asc"}))
    @ApiResponse(responseCode = "200", description = "A page", headers = @Header(name = "Link"))
    ResponseEntity<JobPage> list(Caller caller, HttpServletRequest request) {
        var base = publicUrl.of(request);
        var page = list.page(caller.tenant(), request.getParameterMap(), base);
        var headers = new HttpHeaders();
        if (page.nextCursor() != null) {
            headers.set(
                    HttpHeaders.LINK, "<%s>; rel=\"next\"".formatted(next(request, base, page)));
        }
        return new ResponseEntity<>(page, headers, HttpStatus.OK);
    }

    private static String next(HttpServletRequest request, String base, JobPage page) {
        var query = new StringBuilder();
        request.getParameterMap()
                .forEach((name, values) -> {
                    if (!name.equals("cursor") && !name.equals("offset")) {
                        for (var value : values) {
                            query.append(encoded(name))
                                    .append('=')
                                    .append(encoded(value))
                                    .append('&');
                        }
                    }
                });
        return "%s/api/v1/jobs?%scursor=%s".formatted(base, query, page.nextCursor());
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    @Requires(Scope.JOBS_CANCEL)
    @DeleteMapping("/{job_id}")
    @Operation(
            summary = "Cancel a job",
            description = "Final at once. A job that has ended stays as it is.")
    @ApiResponse(responseCode = "202", description = "The job, which is final now")
    ResponseEntity<JobView> delete(
            @PathVariable("job_id") String jobId, Caller caller, HttpServletRequest request) {
        return canceled(jobId, caller, request, HttpStatus.ACCEPTED);
    }

    @Requires(Scope.JOBS_CANCEL)
    @PostMapping("/{job_id}/cancel")
    @Operation(
            summary = "Cancel a job",
            description = "Final at once. A job that has ended stays as it is.")
    @ApiResponse(responseCode = "200", description = "The job, which is final now")
    ResponseEntity<JobView> cancel(
            @PathVariable("job_id") String jobId, Caller caller, HttpServletRequest request) {
        return canceled(jobId, caller, request, HttpStatus.OK);
    }

    private ResponseEntity<JobView> canceled(
            String jobId, Caller caller, HttpServletRequest request, HttpStatus status) {
        var job = jobs.cancel(caller.tenant(), id(jobId), publicUrl.of(request));
        return ResponseEntity.status(status).eTag(EntityTags.of(job)).body(job);
    }

    @Requires(Scope.JOBS_CANCEL)
    @DeleteMapping("/{job_id}/content")
    @Operation(
            summary = "Erase what an ended job says",
            description =
                    "Removes prompt, parameters, graph, metadata, tags, result files and error"
                            + " details. Id, times and usage stay. Cannot be undone; may be"
                            + " repeated.")
    @ApiResponse(
            responseCode = "204",
            description = "It is erased",
            content = {})
    ResponseEntity<Void> erase(@PathVariable("job_id") String jobId, Caller caller) {
        jobs.erase(caller.tenant(), id(jobId));
        return ResponseEntity.noContent().build();
    }

    private static JobId id(String text) {
        return JobId.parse(text).orElseThrow(ApiProblem::notFound);
    }
}
