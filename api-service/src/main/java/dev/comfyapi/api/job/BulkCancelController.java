package dev.comfyapi.api.job;

import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.JsonBody;
import dev.comfyapi.api.http.Members;
import dev.comfyapi.api.http.Problems;
import dev.comfyapi.api.http.Requires;
import dev.comfyapi.api.http.Scope;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.parameters.RequestBody;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;

import jakarta.servlet.http.HttpServletRequest;

import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/// Cancels many jobs with one call.
@RestController
@Tag(name = "jobs")
final class BulkCancelController {

    private final JsonBody json;
    private final BulkCancel bulk;

    BulkCancelController(JsonBody json, BulkCancel bulk) {
        this.json = json;
        this.bulk = bulk;
    }

    /// Describes the body for the OpenAPI document.
    @Schema(name = "BulkCancel", additionalProperties = Schema.AdditionalPropertiesValue.FALSE)
    record Body(
            @Schema(requiredMode = Schema.RequiredMode.REQUIRED) FilterBody filter,
            @Schema(defaultValue = "false", description = "Counts only") Boolean dryRun) {}

    /// The words of the list.
    @Schema(
            name = "JobFilter",
            description = "All of what is given has to be true; something has to be given",
            additionalProperties = Schema.AdditionalPropertiesValue.FALSE)
    record FilterBody(
            @Schema(description = "Any of these", example = "[\"queued\"]") List<String> status,
            UUID batchId,
            String tag,
            Map<String, String> metadata,
            String errorCode,
            @Schema(description = "Name of the worker") String worker,
            Instant createdAfter,
            Instant createdBefore) {}

    @Requires(Scope.JOBS_CANCEL)
    @PostMapping(path = "/api/v1/jobs/cancel", produces = MediaType.APPLICATION_JSON_VALUE)
    @ResponseStatus(HttpStatus.ACCEPTED)
    @Operation(
            summary = "Cancel many jobs",
            description =
                    "All jobs that have not ended and fit the filter; each is final at once, and"
                            + " workers are told to stop. Safe to repeat.")
    @RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = Body.class)))
    @ApiResponse(responseCode = "202", description = "How many there were")
    BulkCancel.Outcome cancel(Caller caller, HttpServletRequest request) throws IOException {
        var problems = new Problems();
        var members = Members.of(json.read(request), problems);
        members.require("filter");
        var filter = JobFilters.of(members.nested("filter"));
        boolean dryRun = members.flag("dry_run").orElse(false);
        members.end();
        if (problems.isEmpty() && filter.isEmpty()) {
            problems.add(
                    members.pointer("filter"),
                    "too_few",
                    "must say which jobs; to cancel all, name the statuses queued, running and"
                            + " scheduled");
        }
        problems.throwIfAny();
        return bulk.run(caller.tenant(), filter, !dryRun);
    }
}
