package dev.comfyapi.api.submit;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.Requires;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.api.job.JobView;
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

import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

import java.io.IOException;

/// Repeats jobs for their clients.
@RestController
@Tag(name = "jobs")
final class RetryController {

    private static final String PATH = "/api/v1/jobs/{job_id}/retry";

    private final Retries retries;

    RetryController(Retries retries) {
        this.retries = retries;
    }

    @Requires(Scope.JOBS_WRITE)
    @PostMapping(path = PATH, produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            summary = "Run a job that has ended once more",
            description =
                    "Makes a new job of the same graph on the same terms; deadlines count anew. The"
                            + " body may be left out.")
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
    ResponseEntity<JobView> retry(
            @PathVariable("job_id") String jobId, Caller caller, HttpServletRequest request)
            throws IOException {
        var id = JobId.parse(jobId).orElseThrow(ApiProblem::notFound);
        return retries.retry(caller, id, PATH, request);
    }
}
