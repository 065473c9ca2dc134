package dev.comfyapi.api.batch;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.OpenStreams;
import dev.comfyapi.api.http.Preference;
import dev.comfyapi.api.http.Preferences;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.http.PublicUrl;
import dev.comfyapi.api.http.Requires;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.api.http.Turn;
import dev.comfyapi.db.job.BatchStatus;
import dev.comfyapi.model.job.JobId;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.enums.ParameterIn;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

import java.io.IOException;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.UUID;

/// Reading, listing and canceling batches, and what came of them.
@RestController
@Tag(name = "batches", description = "Many jobs together: submit, follow, cancel, results")
final class BatchesController {

    private static final String BATCHES = "/api/v1/batches";
    private static final String BATCH = BATCHES + "/{batch_id}";
    private static final String ID = "batch_id";
    private static final String LINES = "application/jsonl";
    private static final int MOST_LISTED = 200;

    private final Batches batches;
    private final BatchResults results;
    private final Preferences preferences;
    private final PublicUrl publicUrl;
    private final OpenStreams streams;

    BatchesController(
            Batches batches,
            BatchResults results,
            Preferences preferences,
            PublicUrl publicUrl,
            OpenStreams streams) {
        this.batches = batches;
        this.results = results;
        this.preferences = preferences;
        this.publicUrl = publicUrl;
        this.streams = streams;
    }

    @Requires(Scope.JOBS_READ)
    @GetMapping(path = BATCH, produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            summary = "Read a batch, or wait for its end",
            description =
                    "Counts of a running batch with more than 1,000 jobs are a second old at most.")
    @Parameter(
            name = "wait_s",
            in = ParameterIn.QUERY,
            description = "Seconds to wait for its end; the same as `Prefer: wait=N`",
            schema = @Schema(type = "integer", minimum = "0", maximum = "60"))
    @ApiResponse(
            responseCode = "200",
            description = "The batch",
            content = @Content(schema = @Schema(implementation = BatchView.class)))
    Object read(@PathVariable(ID) String text, Caller caller, HttpServletRequest request) {
        var id = id(text);
        var preference = preferences.of(request);
        var wait = preference.waitOrNone();
        return wait.isPositive()
                ? streams.during(
                        caller,
                        () ->
                                batches.whenEnded(caller.tenant(), id, wait)
                                        .thenApply(batch -> answer(batch, preference)))
                : answer(batches.read(caller.tenant(), id), preference);
    }

    private static ResponseEntity<BatchView> answer(BatchView batch, Preference preference) {
        var headers = new HttpHeaders();
        preference.applied().ifPresent(applied -> headers.set("Preference-Applied", applied));
        if (!batch.isFinal()) {
            headers.set(HttpHeaders.RETRY_AFTER, "1");
        }
        return new ResponseEntity<>(batch, headers, HttpStatus.OK);
    }

    @Requires(Scope.JOBS_READ)
    @GetMapping(path = BATCHES, produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            summary = "List batches, newest first",
            description = "The counts of those that run are not in it: read them by their ids.")
    @Parameter(
            name = "status",
            in = ParameterIn.QUERY,
            description = "Any of these, separated by commas",
            schema = @Schema(type = "string", example = "running"))
    @ApiResponse(responseCode = "200", description = "A page")
    BatchPage list(
            Caller caller,
            @RequestParam(name = "limit", defaultValue = "50") int limit,
            @RequestParam(name = "cursor", required = false) @Nullable String cursor,
            @RequestParam(name = "status", required = false) @Nullable String status) {
        if (limit < 1) {
            throw bad("limit", "must be at least 1");
        }
        return batches.list(
                caller.tenant(), statuses(status), Math.min(limit, MOST_LISTED), cursor);
    }

    private static Set<BatchStatus> statuses(@Nullable String words) {
        var statuses = EnumSet.noneOf(BatchStatus.class);
        if (words != null) {
            for (var word : words.split(",", -1)) {
                statuses.add(
                        BatchStatus.ofWire(word)
                                .orElseThrow(() ->
                                        bad(
                                                "status",
                                                "must be one of "
                                                        + Arrays.stream(BatchStatus.values())
                                                                .map(BatchStatus::wire)
                                                                .toList())));
            }
        }
        return statuses;
    }

    private static ApiProblem bad(String name, String words) {
        return ApiProblem.of(
                        ProblemCode.BAD_PARAMETER, "The parameter %s %s.".formatted(name, words))
                .with("parameter", name);
    }

    @Requires(Scope.JOBS_CANCEL)
    @PostMapping(path = BATCH + "/cancel", produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            summary = "Cancel a batch",
            description =
                    "All of its jobs that have not ended; final at once. One that has ended stays as"
                            + " it is. Safe to repeat.")
    @ApiResponse(responseCode = "200", description = "The batch")
    BatchView cancel(@PathVariable(ID) String text, Caller caller) {
        return batches.cancel(caller.tenant(), id(text));
    }

    @Requires(Scope.JOBS_READ)
    @GetMapping(BATCH + "/results.jsonl")
    @Operation(
            summary = "Read what succeeded",
            description =
                    "A JSON object in each line, in the order of completion. While the batch runs"
                            + " the jobs of the last five seconds are left out.")
    @Parameter(
            name = "after",
            in = ParameterIn.QUERY,
            description = "`job_id` of the last line that you have: only what ended after it",
            schema = @Schema(type = "string", format = "uuid"))
    @ApiResponse(
            responseCode = "200",
            description = "The lines",
            content =
                    @Content(
                            mediaType = LINES,
                            schema = @Schema(implementation = BatchResults.Line.class)))
    void results(
            @PathVariable(ID) String text,
            Caller caller,
            @RequestParam(name = "after", required = false) @Nullable String after,
            @Parameter(hidden = true) HttpServletRequest request,
            @Parameter(hidden = true) HttpServletResponse response)
            throws IOException {
        write(id(text), caller, true, after, request, response);
    }

    @Requires(Scope.JOBS_READ)
    @GetMapping(BATCH + "/errors.jsonl")
    @Operation(
            summary = "Read what did not succeed",
            description =
                    "Jobs that failed, expired or were canceled, in the form of `results.jsonl`.")
    @Parameter(
            name = "after",
            in = ParameterIn.QUERY,
            description = "`job_id` of the last line that you have: only what ended after it",
            schema = @Schema(type = "string", format = "uuid"))
    @ApiResponse(
            responseCode = "200",
            description = "The lines",
            content =
                    @Content(
                            mediaType = LINES,
                            schema = @Schema(implementation = BatchResults.Line.class)))
    void errors(
            @PathVariable(ID) String text,
            Caller caller,
            @RequestParam(name = "after", required = false) @Nullable String after,
            @Parameter(hidden = true) HttpServletRequest request,
            @Parameter(hidden = true) HttpServletResponse response)
            throws IOException {
        write(id(text), caller, false, after, request, response);
    }

    private void write(
            UUID batch,
            Caller caller,
            boolean succeeded,
            @Nullable String after,
            HttpServletRequest request,
            HttpServletResponse response)
            throws IOException {
        var which = results.which(caller.tenant(), batch, succeeded, after);
        response.setContentType(LINES);
        if (!request.getMethod().equals("HEAD")) {
            // As fast as the client reads.
            Turn.current().giveUp();
            results.write(which, publicUrl.of(request), response.getOutputStream());
        }
    }

    private static UUID id(String text) {
        return JobId.parse(text).orElseThrow(ApiProblem::notFound).value();
    }
}
