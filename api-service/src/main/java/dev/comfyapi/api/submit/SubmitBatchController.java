package dev.comfyapi.api.submit;

import dev.comfyapi.api.batch.BatchView;
import dev.comfyapi.api.batch.Batches;
import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.JsonBody;
import dev.comfyapi.api.http.Members;
import dev.comfyapi.api.http.OpenStreams;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.http.Problems;
import dev.comfyapi.api.http.Requires;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.api.http.Turn;
import dev.comfyapi.api.submit.Submissions.Outcome;
import dev.comfyapi.api.webhook.WebhookForm;

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
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

import tools.jackson.databind.node.JsonNodeFactory;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/// Accepts many requests in one call, all of them or none.
@RestController
@Tag(name = "batches")
final class SubmitBatchController {

    private static final String PATH = "/api/v1/batches";
    private static final int MOST_ITEMS = 1_000;
    private static final int MOST_COMBINED = 10_000;

    /// Bodies with lines that are checked and stored at one time. How many a caller may send at one
    /// time is limited like its streams.
    private static final int MOST_CHECKED = 4;

    private static final Duration LONGEST_TURN = Duration.ofMinutes(1);

    private final JsonBody json;
    private final BatchForm form;
    private final WebhookForm webhooks;
    private final Submissions submissions;
    private final Batches batches;
    private final OpenStreams streams;
    private final Semaphore turns = new Semaphore(MOST_CHECKED);

    SubmitBatchController(
            JsonBody json,
            BatchForm form,
            WebhookForm webhooks,
            Submissions submissions,
            Batches batches,
            OpenStreams streams) {
        this.json = json;
        this.form = form;
        this.webhooks = webhooks;
        this.submissions = submissions;
        this.batches = batches;
        this.streams = streams;
    }

    @Requires(Scope.JOBS_WRITE)
    @PostMapping(path = PATH, produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            summary = "Submit many jobs together",
            description =
                    "Either `items`, up to 1,000 bodies as of `POST /api/v1/jobs`; or `matrix` and"
                            + " `zip`, up to 10,000 combinations. What `defaults` says holds for each"
                            + " that does not say otherwise. Or a body of the type"
                            + " `application/jsonl` with up to 50,000 such bodies, one in each line,"
                            + " 200 MB together; then the other members are parameters of the query."
                            + " All are checked first: if anything is wrong, nothing is stored.")
    @Parameter(
            name = "Idempotency-Key",
            in = ParameterIn.HEADER,
            description = "Makes repeating safe for 24 hours",
            schema = @Schema(type = "string", maxLength = 257))
    @Parameter(
            name = "name",
            in = ParameterIn.QUERY,
            description = "With lines: your word for it",
            schema = @Schema(type = "string", maxLength = 200))
    @Parameter(
            name = "max_concurrency",
            in = ParameterIn.QUERY,
            description = "With lines: as in the other form",
            schema = @Schema(type = "integer", minimum = "1", maximum = "1000"))
    @Parameter(
            name = "fail_fast",
            in = ParameterIn.QUERY,
            description = "With lines: as in the other form",
            schema = @Schema(type = "boolean"))
    @Parameter(
            name = "completion_window_s",
            in = ParameterIn.QUERY,
            description = "With lines: as in the other form",
            schema = @Schema(type = "integer", minimum = "1", maximum = "34128000"))
    @Parameter(
            name = "metadata[key]",
            in = ParameterIn.QUERY,
            description = "With lines: one value of the metadata; for several keys",
            schema = @Schema(type = "string"))
    @Parameter(
            name = "webhook_url",
            in = ParameterIn.QUERY,
            description = "With lines: `url` of the webhook",
            schema = @Schema(type = "string"))
    @Parameter(
            name = "webhook_events",
            in = ParameterIn.QUERY,
            description = "With lines: `events` of the webhook, separated by commas",
            schema = @Schema(type = "string"))
    @RequestBody(
            required = true,
            content = {
                @Content(
                        mediaType = MediaType.APPLICATION_JSON_VALUE,
                        schema = @Schema(implementation = BatchBody.class)),
                @Content(
                        mediaType = "application/jsonl",
                        schema =
                                @Schema(
                                        type = "string",
                                        example = "{\"custom_id\": \"1\", \"prompt\": \"a fox\"}"))
            })
    @ApiResponse(
            responseCode = "202",
            description = "The batch",
            headers = @Header(name = "Location", schema = @Schema(type = "string")))
    ResponseEntity<BatchView> submit(Caller caller, HttpServletRequest request)
            throws IOException, InterruptedException {
        return LineDrafts.isFor(request) ? ofLines(caller, request) : ofJson(caller, request);
    }

    private ResponseEntity<BatchView> ofJson(Caller caller, HttpServletRequest request)
            throws IOException {
        var body = json.read(request);
        var call = IdempotentCall.of(request, PATH, body);
        // Before anything is checked, which may take long: what was accepted once stays accepted.
        var earlier = call.flatMap(known -> submissions.replayOf(caller.tenant(), known));
        if (earlier.isPresent()) {
            return answer(caller, new Outcome(earlier.get(), true));
        }
        var problems = new Problems();
        var members = Members.of(body, problems);
        var terms = BatchTerms.read(members, webhooks);
        var drafts = drafts(members);
        if (members.has("input_asset")) {
            problems.add(
                    members.pointer("input_asset"),
                    "not_supported",
                    "is not offered: send the lines themselves as a body of the type application/jsonl");
        }
        members.notOffered("workflow_template", "input_asset");
        members.end();
        return submit(caller, request, terms, drafts, problems, call);
    }

    private ResponseEntity<BatchView> ofLines(Caller caller, HttpServletRequest request)
            throws IOException, InterruptedException {
        var options = LineOptions.of(request.getParameterMap());
        var problems = new Problems();
        var terms = BatchTerms.read(Members.of(options, problems), webhooks);
        LineOptions.refuse(problems);
        // The lines have a turn of their own, when all are here.
        Turn.current().giveUp();
        try (var _ = streams.take(caller);
                var drafts = LineDrafts.take(request, json)) {
            options.put("lines", drafts.hash());
            var call = IdempotentCall.of(request, PATH, options);
            var earlier = call.flatMap(known -> submissions.replayOf(caller.tenant(), known));
            return earlier.isPresent()
                    ? answer(caller, new Outcome(earlier.get(), true))
                    : inTurn(() -> submit(caller, request, terms, drafts, problems, call));
        }
    }

    private interface Work {
        ResponseEntity<BatchView> run() throws IOException;
    }

    private ResponseEntity<BatchView> inTurn(Work work) throws IOException, InterruptedException {
        if (!turns.tryAcquire(LONGEST_TURN.toNanos(), TimeUnit.NANOSECONDS)) {
            throw ApiProblem.of(
                            ProblemCode.TEMPORARILY_OVERLOADED,
                            "The service is busy with other large bodies.")
                    .header("Retry-After", "10");
        }
        try {
            return work.run();
        } finally {
            turns.release();
        }
    }

    private static @Nullable Drafts drafts(Members members) {
        var given = members.raw("defaults");
        var defaults = given == null ? JsonNodeFactory.instance.objectNode() : given;
        Members.at(defaults, members.pointer("defaults"), members.problems());
        boolean listed = members.has("items");
        // Both are asked for, so that both are known.
        boolean crossed = members.has("matrix");
        boolean zipped = members.has("zip");
        boolean combined = crossed || zipped;
        if (listed && combined) {
            members.problems()
                    .add(
                            members.pointer("items"),
                            "conflict",
                            "cannot be given together with matrix or zip");
        } else if (!listed && !combined) {
            members.problems()
                    .add(members.pointer("items"), "required", "is required, or matrix or zip");
        }
        if (!defaults.isObject() || listed == combined) {
            return null;
        }
        return listed
                ? new ItemDrafts(defaults, members.elements("items", 1, MOST_ITEMS))
                : MatrixDrafts.read(members, defaults, MOST_COMBINED);
    }

    private ResponseEntity<BatchView> submit(
            Caller caller,
            HttpServletRequest request,
            BatchTerms terms,
            @Nullable Drafts drafts,
            Problems problems,
            Optional<IdempotentCall> call)
            throws IOException {
        try (var spool = new JobSpool()) {
            var id = submissions.newBatch();
            if (drafts != null) {
                form.read(
                        caller.tenant(),
                        drafts,
                        terms,
                        id,
                        TraceParent.of(request),
                        problems,
                        spool);
            }
            problems.throwIfAny();
            return answer(caller, submissions.submitBatch(caller, id, terms, spool, call));
        }
    }

    private ResponseEntity<BatchView> answer(Caller caller, Outcome outcome) {
        var batch = batches.read(caller.tenant(), outcome.resource()).located();
        var headers = SubmitController.headers(outcome.replayed(), Optional.empty());
        headers.set(HttpHeaders.LOCATION, batch.urls().self());
        if (!batch.isFinal()) {
            headers.set(HttpHeaders.RETRY_AFTER, "1");
        }
        return new ResponseEntity<>(batch, headers, HttpStatus.ACCEPTED);
    }
}
