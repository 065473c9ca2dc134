package dev.comfyapi.api.submit;

import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.InvalidMember;
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
import dev.comfyapi.api.submit.GenerateBatchView.RefusedItem;
import dev.comfyapi.api.submit.Submissions.Outcome;
import dev.comfyapi.api.webhook.WebhookForm;
import dev.comfyapi.db.webhook.JobWebhook;
import dev.comfyapi.model.job.JobId;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.enums.ParameterIn;
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

import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/// Accepts up to ten requests in one call.
@RestController
@Tag(name = "generate")
final class GenerateBatchController {

    private static final String PATH = "/api/v1/generate/batch";
    private static final int MOST = 10;

    private final JsonBody json;
    private final PromptForm form;
    private final WebhookForm webhooks;
    private final Submissions submissions;
    private final Jobs jobs;
    private final Preferences preferences;
    private final PublicUrl publicUrl;
    private final OpenStreams streams;
    private final SubmitProperties properties;
    private final Clock clock;

    GenerateBatchController(
            JsonBody json,
            PromptForm form,
            WebhookForm webhooks,
            Submissions submissions,
            Jobs jobs,
            Preferences preferences,
            PublicUrl publicUrl,
            OpenStreams streams,
            SubmitProperties properties,
            Clock clock) {
        this.json = json;
        this.form = form;
        this.webhooks = webhooks;
        this.submissions = submissions;
        this.jobs = jobs;
        this.preferences = preferences;
        this.publicUrl = publicUrl;
        this.streams = streams;
        this.properties = properties;
        this.clock = clock;
    }

    /// One of the requests: what it says, or what is wrong with it.
    private record Item(Optional<CheckedRequest> checked, List<InvalidMember> errors) {}

    /// @param callErrors what is wrong outside the items
    private record Batch(
            List<Item> items,
            boolean partial,
            @Nullable JobWebhook webhook,
            List<InvalidMember> callErrors) {

        List<CheckedRequest> valid() {
            return items.stream().flatMap(item -> item.checked.stream()).toList();
        }

        boolean canRun() {
            return callErrors.isEmpty()
                    && (partial ? !valid().isEmpty() : valid().size() == items.size());
        }

        Problems problems() {
            var all = new Problems();
            var errors = new ArrayList<>(callErrors);
            items.forEach(item -> errors.addAll(item.errors));
            errors.forEach(e -> all.add(e.pointer(), e.code(), e.detail(), e.params()));
            return all;
        }
    }

    @Requires(Scope.JOBS_WRITE)
    @PostMapping(path = PATH, produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            summary = "Make pictures from 1 to 10 prompts",
            description =
                    "All items are checked before any is accepted. With `partial: true` the valid"
                            + " ones run and the others appear as failed.")
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
            description = "`finish_within_s` for all of them: `30s`, `5m`, `1h30m`",
            schema = @Schema(type = "string"))
    @Parameter(
            name = "X-Cancel-On-Disconnect",
            in = ParameterIn.HEADER,
            description =
                    "`true` cancels the jobs when you close the connection while they are waited for",
            schema = @Schema(type = "boolean"))
    @RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = PromptBody.SmallBatchBody.class)))
    @ApiResponse(responseCode = "200", description = "All jobs have ended")
    @ApiResponse(responseCode = "202", description = "Some jobs have not ended yet")
    CompletableFuture<ResponseEntity<GenerateBatchView>> generate(
            Caller caller, HttpServletRequest request) throws IOException {
        var preference = preferences.of(request);
        var body = json.read(request);
        var wait = preference.waitOr(properties.generateWait());
        Supplier<CompletableFuture<ResponseEntity<GenerateBatchView>>> work =
                () -> submit(caller, request, body, preference, wait);
        return wait.isPositive() ? streams.during(caller, work) : work.get();
    }

    private CompletableFuture<ResponseEntity<GenerateBatchView>> submit(
            Caller caller,
            HttpServletRequest request,
            JsonNode body,
            Preference preference,
            Duration wait) {
        var call = IdempotentCall.of(request, PATH, body);
        var batch = read(caller.tenant(), body);
        Outcome outcome;
        if (batch.canRun()) {
            outcome =
                    submissions.submitBatch(
                            caller,
                            CancelAfter.on(batch.valid(), request, clock),
                            batch.webhook(),
                            TraceParent.of(request),
                            call);
        } else {
            var earlier = call.flatMap(known -> submissions.replayOf(caller.tenant(), known));
            if (earlier.isEmpty()) {
                batch.problems().throwIfAny();
            }
            outcome = new Outcome(earlier.orElseThrow(), true);
        }
        var waiting = Waiting.ofSubmit(request, caller.tenant(), publicUrl.of(request), wait);
        return whenEnded(outcome.resource(), waiting)
                .thenApply(stored -> answer(batch, outcome, stored, preference, wait));
    }

    private static ResponseEntity<GenerateBatchView> answer(
            Batch batch,
            Outcome outcome,
            List<JobView> stored,
            Preference preference,
            Duration wait) {
        var view = GenerateBatchView.of(outcome.resource(), items(batch, stored));
        var headers = SubmitController.headers(outcome.replayed(), preference.applied());
        if (!view.isFinal()) {
            headers.set(HttpHeaders.RETRY_AFTER, "1");
        }
        return new ResponseEntity<>(
                view,
                headers,
                view.isFinal() && wait.isPositive() ? HttpStatus.OK : HttpStatus.ACCEPTED);
    }

    private Batch read(int tenant, JsonNode body) {
        var problems = new Problems();
        var members = Members.of(body, problems);
        members.require("requests");
        var elements = members.elements("requests", 1, MOST);
        boolean partial = members.flag("partial").orElse(false);
        var webhook = webhooks.ofBatch(members);
        members.end();
        var items = new ArrayList<Item>();
        for (var element : elements) {
            items.add(read(tenant, element));
        }
        // Texts were checked with the whole body; what is wrong inside an item belongs to the item.
        var outside =
                problems.all().stream()
                        .filter(error -> !error.pointer().matches("#/requests/[0-9]+(/.*)?"))
                        .toList();
        return new Batch(items, partial, webhook, outside);
    }

    private Item read(int tenant, Members.Element element) {
        var problems = new Problems();
        problems.addUnstorableTexts(element.value(), element.pointer());
        var checked =
                form.read(
                                Asker.submitting(tenant),
                                Members.at(element.value(), element.pointer(), problems))
                        .filter(_ -> problems.isEmpty());
        return new Item(checked, problems.all());
    }

    /// The jobs of the batch when all have ended, or when the time is over.
    private CompletableFuture<List<JobView>> whenEnded(UUID batch, Waiting waiting) {
        var stored = jobs.readBatch(waiting.tenant(), batch, waiting.base());
        if (!waiting.most().isPositive()) {
            return CompletableFuture.completedFuture(stored);
        }
        var ends =
                stored.stream()
                        .filter(job -> !job.isFinal())
                        .map(job -> jobs.whenEnded(new JobId(job.jobId()), waiting))
                        .toArray(CompletableFuture<?>[]::new);
        return CompletableFuture.allOf(ends)
                .thenApply(_ -> jobs.readBatch(waiting.tenant(), batch, waiting.base()));
    }

    /// Jobs and refused items in the order of the requests.
    private static List<Object> items(Batch batch, List<JobView> stored) {
        if (stored.size() != batch.valid().size()) {
            // A replay after the fleet has changed: what was accepted then is what counts.
            return List.copyOf(stored);
        }
        var next = stored.iterator();
        var items = new ArrayList<Object>();
        for (int i = 0; i < batch.items.size(); i++) {
            var item = batch.items.get(i);
            items.add(item.checked.isPresent() ? next.next() : RefusedItem.of(i, item.errors));
        }
        return items;
    }
}
