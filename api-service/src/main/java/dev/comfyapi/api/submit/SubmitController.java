package dev.comfyapi.api.submit;

import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.JsonBody;
import dev.comfyapi.api.http.Members;
import dev.comfyapi.api.http.OpenStreams;
import dev.comfyapi.api.http.Preference;
import dev.comfyapi.api.http.Preferences;
import dev.comfyapi.api.http.Problems;
import dev.comfyapi.api.http.PublicUrl;
import dev.comfyapi.api.http.Requires;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.api.job.JobView;
import dev.comfyapi.api.job.Jobs;
import dev.comfyapi.api.job.Waiting;
import dev.comfyapi.api.submit.Submissions.Outcome;
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

import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/// Accepts single requests.
@RestController
@Tag(name = "generate")
final class SubmitController {

    static final String GENERATE = "/api/v1/generate";
    static final String JOBS = "/api/v1/jobs";

    private final JsonBody json;
    private final PromptForm form;
    private final WorkflowForm workflowForm;
    private final Submissions submissions;
    private final Jobs jobs;
    private final Preferences preferences;
    private final PublicUrl publicUrl;
    private final OpenStreams streams;
    private final SubmitProperties properties;
    private final Clock clock;

    SubmitController(
            JsonBody json,
            PromptForm form,
            WorkflowForm workflowForm,
            Submissions submissions,
            Jobs jobs,
            Preferences preferences,
            PublicUrl publicUrl,
            OpenStreams streams,
            SubmitProperties properties,
            Clock clock) {
        this.json = json;
        this.form = form;
        this.workflowForm = workflowForm;
        this.submissions = submissions;
        this.jobs = jobs;
        this.preferences = preferences;
        this.publicUrl = publicUrl;
        this.streams = streams;
        this.properties = properties;
        this.clock = clock;
    }

    @Requires(Scope.JOBS_WRITE)
    @PostMapping(path = GENERATE, produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            summary = "Make pictures from a prompt and wait for them",
            description =
                    "Answers 200 with the finished job, or 202 when it takes longer than the wait:"
                            + " then poll `location`. `Prefer: respond-async` answers at once,"
                            + " `Prefer: wait=N` sets the wait.")
    @Parameter(
            name = "Idempotency-Key",
            in = ParameterIn.HEADER,
            description = "Makes repeating safe for 24 hours",
            schema = @Schema(type = "string", maxLength = 257))
    @Parameter(
            name = "Prefer",
            in = ParameterIn.HEADER,
            description = "`respond-async`, `wait=N`",
            schema = @Schema(type = "string"))
    @Parameter(
            name = "wait_s",
            in = ParameterIn.QUERY,
            description = "The same as `Prefer: wait=N`",
            schema = @Schema(type = "integer", minimum = "0", maximum = "60"))
    @Parameter(
            name = CancelAfter.HEADER,
            in = ParameterIn.HEADER,
            description = "The same as `finish_within_s`: `30s`, `5m`, `1h30m`",
            schema = @Schema(type = "string"))
    @Parameter(
            name = "X-Cancel-On-Disconnect",
            in = ParameterIn.HEADER,
            description = "`true` cancels the job when you close the connection while it waits",
            schema = @Schema(type = "boolean"))
    @RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = PromptBody.class)))
    @ApiResponse(responseCode = "200", description = "The finished job")
    @ApiResponse(
            responseCode = "202",
            description = "The job, which is not finished yet",
            headers = @Header(name = "Location", schema = @Schema(type = "string")))
    CompletableFuture<ResponseEntity<JobView>> generate(Caller caller, HttpServletRequest request)
            throws IOException {
        var preference = preferences.of(request);
        return submit(
                caller,
                request,
                GENERATE,
                preference,
                preference.waitOr(properties.generateWait()));
    }

    @Requires(Scope.JOBS_WRITE)
    @PostMapping(path = JOBS, produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            summary = "Submit a job",
            description =
                    "A prompt, or a ComfyUI graph as `workflow`. Answers at once. With `Prefer:"
                            + " wait=N` it answers 200 when the job finished within N seconds.")
    @Parameter(
            name = "Idempotency-Key",
            in = ParameterIn.HEADER,
            description = "Makes repeating safe for 24 hours",
            schema = @Schema(type = "string", maxLength = 257))
    @Parameter(
            name = "Prefer",
            in = ParameterIn.HEADER,
            description = "`wait=N`",
            schema = @Schema(type = "string"))
    @Parameter(
            name = "wait_s",
            in = ParameterIn.QUERY,
            description = "The same as `Prefer: wait=N`",
            schema = @Schema(type = "integer", minimum = "0", maximum = "60"))
    @Parameter(
            name = CancelAfter.HEADER,
            in = ParameterIn.HEADER,
            description = "The same as `finish_within_s`: `30s`, `5m`, `1h30m`",
            schema = @Schema(type = "string"))
    @Parameter(
            name = "X-Cancel-On-Disconnect",
            in = ParameterIn.HEADER,
            description = "`true` cancels the job when you close the connection while it waits",
            schema = @Schema(type = "boolean"))
    @RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(oneOf = {PromptBody.class, WorkflowBody.class})))
    @ApiResponse(
            responseCode = "202",
            description = "The accepted job",
            headers = @Header(name = "Location", schema = @Schema(type = "string")),
            content = @Content(schema = @Schema(implementation = JobView.class)))
    @ApiResponse(
            responseCode = "200",
            description = "The job, finished within the wait",
            content = @Content(schema = @Schema(implementation = JobView.class)))
    Object submit(Caller caller, HttpServletRequest request) throws IOException {
        var preference = preferences.of(request);
        var answer = submit(caller, request, JOBS, preference, preference.waitOrNone());
        // The usual submit is answered by the thread that has it.
        return answer.isDone() && !answer.isCompletedExceptionally() ? answer.join() : answer;
    }

    /// A place for the wait comes first: who may not wait has not submitted anything either.
    private CompletableFuture<ResponseEntity<JobView>> submit(
            Caller caller,
            HttpServletRequest request,
            String path,
            Preference preference,
            Duration wait)
            throws IOException {
        var body = json.read(request);
        Supplier<CompletableFuture<ResponseEntity<JobView>>> work =
                () ->
                        answer(
                                caller,
                                request,
                                submit(caller, request, path, body),
                                preference,
                                wait);
        return wait.isPositive() ? streams.during(caller, work) : work.get();
    }

    private Outcome submit(Caller caller, HttpServletRequest request, String path, JsonNode body) {
        var call = IdempotentCall.of(request, path, body);
        var problems = new Problems();
        var members = Members.of(body, problems);
        var asker = Asker.submitting(caller.tenant());
        var checked =
                path.equals(JOBS) && WorkflowForm.isFor(body)
                        ? workflowForm.read(asker, members).request()
                        : form.read(asker, members);
        if (checked.isPresent() && problems.isEmpty()) {
            var timed = CancelAfter.on(List.of(checked.get()), request, clock).getFirst();
            return submissions.submit(caller, timed, TraceParent.of(request), call);
        }
        // What was accepted once stays accepted, even if a model is gone since.
        var earlier = call.flatMap(known -> submissions.replayOf(caller.tenant(), known));
        if (earlier.isEmpty()) {
            problems.throwIfAny();
        }
        return new Outcome(earlier.orElseThrow(), true);
    }

    private CompletableFuture<ResponseEntity<JobView>> answer(
            Caller caller,
            HttpServletRequest request,
            Outcome outcome,
            Preference preference,
            Duration wait) {
        var waiting = Waiting.ofSubmit(request, caller.tenant(), publicUrl.of(request), wait);
        return jobs.whenEnded(new JobId(outcome.resource()), waiting)
                .thenApply(job -> answer(job, outcome, preference, wait));
    }

    private static ResponseEntity<JobView> answer(
            JobView job, Outcome outcome, Preference preference, Duration wait) {
        boolean done = job.isFinal() && wait.isPositive();
        var headers = headers(outcome.replayed(), preference.applied());
        headers.set(HttpHeaders.LOCATION, job.urls().self());
        if (!job.isFinal()) {
            headers.set(HttpHeaders.RETRY_AFTER, "1");
        }
        headers.setETag("\"r%d\"".formatted(job.revision()));
        return new ResponseEntity<>(
                job.located(), headers, done ? HttpStatus.OK : HttpStatus.ACCEPTED);
    }

    static HttpHeaders headers(boolean replayed, Optional<String> applied) {
        var headers = new HttpHeaders();
        applied.ifPresent(words -> headers.set("Preference-Applied", words));
        if (replayed) {
            headers.set("Idempotency-Replayed", "true");
        }
        return headers;
    }
}
