package dev.comfyapi.api.submit;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.JsonBody;
import dev.comfyapi.api.http.Members;
import dev.comfyapi.api.http.Problems;
import dev.comfyapi.api.http.PublicUrl;
import dev.comfyapi.api.http.Requires;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.api.job.JobView;
import dev.comfyapi.api.job.Jobs;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.Priority;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.enums.ParameterIn;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.parameters.RequestBody;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;

import jakarta.servlet.http.HttpServletRequest;

import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PatchMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;

import java.io.IOException;
import java.time.Clock;
import java.util.Collections;

/// Changes jobs that have not ended.
@RestController
@Tag(name = "jobs")
final class ChangeController {

    private final JsonBody json;
    private final Admission admission;
    private final Jobs jobs;
    private final PublicUrl publicUrl;
    private final Clock clock;

    ChangeController(
            JsonBody json, Admission admission, Jobs jobs, PublicUrl publicUrl, Clock clock) {
        this.json = json;
        this.admission = admission;
        this.jobs = jobs;
        this.publicUrl = publicUrl;
        this.clock = clock;
    }

    @Requires(Scope.JOBS_WRITE)
    @PatchMapping(path = "/api/v1/jobs/{job_id}", produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            summary = "Change a job that has not ended",
            description =
                    "Priority, deadlines (counted from now), tags and metadata; what is not named"
                            + " stays. With `If-Match` only if the job is still as it was read.")
    @Parameter(
            name = "If-Match",
            in = ParameterIn.HEADER,
            description = "The ETag you have",
            schema = @Schema(type = "string"))
    @RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = ChangeForm.Body.class)))
    @ApiResponse(responseCode = "200", description = "The changed job")
    ResponseEntity<JobView> change(
            @PathVariable("job_id") String jobId, Caller caller, HttpServletRequest request)
            throws IOException {
        var body = json.read(request);
        var change =
                ChangeForm.read(body, Members.of(body, new Problems()), () -> best(caller), clock);
        var job =
                jobs.change(
                        caller.tenant(),
                        JobId.parse(jobId).orElseThrow(ApiProblem::notFound),
                        publicUrl.of(request),
                        Collections.list(request.getHeaders("If-Match")),
                        change::of);
        return ResponseEntity.ok().eTag("\"r%d\"".formatted(job.revision())).body(job);
    }

    private Priority best(Caller caller) {
        var best = admission.best(caller.tenant());
        return caller.may(Scope.JOBS_PRIORITY) ? best : Priority.NORMAL.atMost(best);
    }
}
