package dev.comfyapi.api.submit;

import dev.comfyapi.api.catalogue.Fleet;
import dev.comfyapi.api.catalogue.FleetCatalogue;
import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.InvalidMember;
import dev.comfyapi.api.http.JsonBody;
import dev.comfyapi.api.http.Members;
import dev.comfyapi.api.http.Problems;
import dev.comfyapi.api.http.Requires;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.api.usage.Prices;
import dev.comfyapi.model.job.JobClass;
import dev.comfyapi.model.workflow.Graph;
import dev.comfyapi.model.workflow.MalformedGraphException;
import dev.comfyapi.model.workflow.Needs;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.parameters.RequestBody;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;

import jakarta.servlet.http.HttpServletRequest;

import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/// Says what a submit would say, and stores nothing.
@RestController
@Tag(name = "jobs")
final class ValidateController {

    private static final Set<String> UNREADABLE =
            Set.of(
                    "invalid_text",
                    "workflow_too_large",
                    "workflow_format_ui",
                    "workflow_format_prompt");

    private final JsonBody json;
    private final PromptForm promptForm;
    private final WorkflowForm workflowForm;
    private final PoolForm pools;
    private final FleetCatalogue catalogue;
    private final Prices prices;

    ValidateController(
            JsonBody json,
            PromptForm promptForm,
            WorkflowForm workflowForm,
            PoolForm pools,
            FleetCatalogue catalogue,
            Prices prices) {
        this.json = json;
        this.promptForm = promptForm;
        this.workflowForm = workflowForm;
        this.pools = pools;
        this.catalogue = catalogue;
        this.prices = prices;
    }

    /// @param valid whether a submit would be accepted
    /// @param errors what a submit would be refused for
    /// @param warnings what is accepted and does nothing
    /// @param feasible whether a live worker could run it now
    /// @param capableWorkers how many could
    /// @param missingNodes node classes that no live worker has
    /// @param missingModels files that no live worker has, as `folder/name`
    /// @param workers each live worker of the pool and what it lacks
    @Schema(name = "Validation")
    record Validation(
            boolean valid,
            List<InvalidMember> errors,
            List<InvalidMember> warnings,
            boolean feasible,
            int capableWorkers,
            List<String> missingNodes,
            List<String> missingModels,
            Estimate estimate,
            List<WorkerView> workers) {

        Validation {
            errors = List.copyOf(errors);
            warnings = List.copyOf(warnings);
            missingNodes = List.copyOf(missingNodes);
            missingModels = List.copyOf(missingModels);
            workers = List.copyOf(workers);
        }
    }

    /// @param executionMs GPU time that half of the newest jobs with this main model needed at
    ///   most; null without any
    /// @param costMicros what that and one picture cost, in millionths of the currency
    @Schema(name = "ValidationEstimate")
    record Estimate(@Nullable Integer executionMs, @Nullable Long costMicros) {}

    /// @param missing node classes, and files as `folder/name`
    @Schema(name = "ValidationWorker")
    record WorkerView(String worker, boolean canRun, List<String> missing) {
        WorkerView {
            missing = List.copyOf(missing);
        }
    }

    @Requires(Scope.JOBS_WRITE)
    @PostMapping(path = "/api/v1/jobs/validate", produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            summary = "Check a job without submitting it",
            description =
                    "Takes the body of a submit and answers what is wrong with it, which workers"
                            + " could run it, and what the others lack. Nothing is stored.")
    @RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(oneOf = {PromptBody.class, WorkflowBody.class})))
    @ApiResponse(responseCode = "200", description = "What a submit would say")
    Validation validate(Caller caller, HttpServletRequest request) throws IOException {
        var body = json.read(request);
        var problems = new Problems();
        var members = Members.of(body, problems);
        var asker = Asker.trying(caller.tenant());
        var reading =
                WorkflowForm.isFor(body)
                        ? workflowForm.read(asker, members)
                        : new WorkflowForm.Reading(promptForm.read(asker, members), List.of());
        var accepted = reading.request().filter(_ -> problems.isEmpty());
        var fleet = pools.read(members);
        var needs =
                accepted.map(CheckedRequest::graph)
                        .or(() -> readable(body.path(WorkflowForm.MEMBER), problems))
                        .map(graph -> Needs.of(graph, fleet.pool()));
        return validation(fleet.known(), problems.all(), reading.warnings(), needs);
    }

    /// What a graph needs can be said even of one that is refused, if it has the form of one.
    private static Optional<Graph> readable(JsonNode workflow, Problems problems) {
        if (problems.all().stream().anyMatch(problem -> UNREADABLE.contains(problem.code()))) {
            return Optional.empty();
        }
        try {
            return Optional.of(Graph.of(workflow));
        } catch (MalformedGraphException _) {
            return Optional.empty();
        }
    }

    private Validation validation(
            Fleet fleet,
            List<InvalidMember> errors,
            List<InvalidMember> warnings,
            Optional<JobClass> needs) {
        var workers =
                needs.isEmpty() || fleet.stale()
                        ? List.<WorkerView>of()
                        : fleet.workers().stream().map(w -> view(w, needs.get())).toList();
        int capable = (int) workers.stream().filter(WorkerView::canRun).count();
        return new Validation(
                errors.isEmpty(),
                errors,
                warnings,
                errors.isEmpty() && capable > 0,
                capable,
                needs.map(n -> missing(n.nodes(), fleet, Fleet.Worker::nodes)).orElse(List.of()),
                needs.map(n -> missing(n.models(), fleet, Fleet.Worker::models)).orElse(List.of()),
                estimate(
                        needs.map(n -> catalogue.medianExecutionMs().get(n.affinity()))
                                .orElse(null)),
                workers);
    }

    private Estimate estimate(@Nullable Integer executionMs) {
        return new Estimate(
                executionMs, executionMs == null ? null : (Long) prices.micros(executionMs, 1));
    }

    private static WorkerView view(Fleet.Worker worker, JobClass needs) {
        var missing = worker.missing(needs.models(), needs.nodes());
        return new WorkerView(worker.name(), missing.isEmpty(), missing);
    }

    private static List<String> missing(
            Collection<String> needed,
            Fleet fleet,
            java.util.function.Function<Fleet.Worker, Collection<String>> part) {
        var missing = new TreeSet<>(needed);
        if (!fleet.stale()) {
            fleet.workers().forEach(worker -> missing.removeAll(part.apply(worker)));
        }
        return List.copyOf(missing);
    }
}
