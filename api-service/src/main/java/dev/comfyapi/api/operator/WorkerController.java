package dev.comfyapi.api.operator;

import dev.comfyapi.api.audit.Audit;
import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.http.Requires;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.db.operator.OperatedWorkerStore;
import dev.comfyapi.db.operator.OperatedWorkerStore.Mode;
import dev.comfyapi.db.operator.OperatedWorkerStore.Worker;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

import java.util.List;

/// The workers, and what operators wish of them. A worker is named by its name, or by the id of its
/// newest process.
@RestController
@RequestMapping(path = "/api/v1/admin/workers", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "operators", description = "Workers, pools, pauses and figures for autoscaling")
final class WorkerController {

    private static final Logger LOG = LoggerFactory.getLogger(WorkerController.class);

    private static final String TARGET = "worker";

    private final OperatedWorkerStore workers;
    private final Audit audit;

    WorkerController(OperatedWorkerStore workers, Audit audit) {
        this.workers = workers;
        this.audit = audit;
    }

    /// @param total how many there are
    record Workers(List<WorkerView> workers, int total) {
        Workers {
            workers = List.copyOf(workers);
        }
    }

    @Requires(Scope.WORKERS_ADMIN)
    @GetMapping
    @Operation(
            summary = "List the workers",
            description = "Those that live, and those that were seen in the last seven days")
    Workers list() {
        var views = workers.all().stream().map(WorkerView::of).toList();
        return new Workers(views, views.size());
    }

    @Requires(Scope.WORKERS_ADMIN)
    @GetMapping("/{worker}")
    @Operation(summary = "Read a worker, by its name or id")
    WorkerView read(@PathVariable("worker") String worker) {
        return WorkerView.of(find(worker));
    }

    @Requires(Scope.WORKERS_ADMIN)
    @PostMapping("/{worker}/drain")
    @Operation(
            summary = "Let a worker begin nothing new",
            description =
                    "What runs is finished, what has not begun goes to others. Holds for the"
                            + " worker's name, over restarts, until `resume`.")
    WorkerView drain(@PathVariable("worker") String worker) {
        return wish(worker, Mode.DRAIN);
    }

    @Requires(Scope.WORKERS_ADMIN)
    @PostMapping("/{worker}/quarantine")
    @Operation(
            summary = "Put a worker out of use",
            description =
                    "As `drain`; besides, it counts no more among the workers that could run a"
                            + " job.")
    WorkerView quarantine(@PathVariable("worker") String worker) {
        return wish(worker, Mode.QUARANTINE);
    }

    @Requires(Scope.WORKERS_ADMIN)
    @PostMapping("/{worker}/resume")
    @Operation(
            summary = "Let a worker begin jobs again",
            description = "Ends `drain` and `quarantine`; what is wrong with its ComfyUI stays so.")
    WorkerView resume(@PathVariable("worker") String worker) {
        return wish(worker, Mode.WORK);
    }

    @Requires(Scope.WORKERS_ADMIN)
    @PostMapping("/{worker}/restart")
    @Operation(
            summary = "Restart a worker's ComfyUI, once",
            description =
                    "By the worker's restart command, as soon as nothing runs there; until then it"
                            + " begins nothing new.")
    @ApiResponse(responseCode = "200", description = "The worker")
    @ApiResponse(
            responseCode = "409",
            description = "The worker is offline or has no restart command")
    WorkerView restart(@PathVariable("worker") String worker) {
        var found = live(worker);
        if (!found.canRestart()) {
            throw ApiProblem.of(
                            ProblemCode.RESTART_NOT_CONFIGURED,
                            "The worker %s has no restart command; set comfyapi.worker.restart-command."
                                    .formatted(found.name()))
                    .with("worker", found.name());
        }
        LOG.info("An operator wants the ComfyUI of worker {} restarted", found.name());
        return audited("worker.restart", found.name(), () -> workers.askRestart(found.name()));
    }

    @Requires(Scope.WORKERS_ADMIN)
    @PostMapping("/{worker}/free-memory")
    @Operation(
            summary = "Free the memory of a worker's ComfyUI, once",
            description =
                    "It unloads its models as soon as nothing runs there; until then it begins"
                            + " nothing new.")
    @ApiResponse(responseCode = "200", description = "The worker")
    @ApiResponse(responseCode = "409", description = "The worker is offline")
    WorkerView freeMemory(@PathVariable("worker") String worker) {
        var found = live(worker);
        LOG.info("An operator wants the memory of worker {} freed", found.name());
        return audited(
                "worker.free_memory", found.name(), () -> workers.askFreeMemory(found.name()));
    }

    @Requires(Scope.WORKERS_ADMIN)
    @DeleteMapping("/{worker}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    @Operation(
            summary = "Forget a worker that is offline",
            description = "With it what was wished of it. A worker that comes back is shown again.")
    @ApiResponse(responseCode = "204", description = "It is forgotten")
    @ApiResponse(responseCode = "409", description = "It is not offline")
    void forget(@PathVariable("worker") String worker) {
        var found = find(worker);
        audit.removing("worker.forgotten", TARGET, found.name(), () -> forgetNow(found));
        LOG.info("An operator had worker {} forgotten", found.name());
    }

    private void forgetNow(Worker found) {
        if (!workers.forget(found.name())) {
            throw ApiProblem.of(
                            ProblemCode.WORKER_LIVE,
                            "The worker %s is %s; end its process first."
                                    .formatted(found.name(), found.status().wire()))
                    .with("worker", found.name());
        }
    }

    private WorkerView wish(String worker, Mode mode) {
        var name = find(worker).name();
        LOG.info("An operator wants worker {} to {}", name, mode.wire());
        return audited("worker." + mode.wire(), name, () -> workers.wish(name, mode));
    }

    private WorkerView audited(String action, String name, Runnable wish) {
        return audit.during(
                action,
                TARGET,
                name,
                () -> {
                    wish.run();
                    return read(name);
                });
    }

    private Worker live(String worker) {
        var found = find(worker);
        if (found.gone()) {
            throw ApiProblem.of(
                            ProblemCode.WORKER_OFFLINE,
                            "The worker %s is offline.".formatted(found.name()))
                    .with("worker", found.name());
        }
        return found;
    }

    private Worker find(String nameOrId) {
        var all = workers.all();
        return all.stream()
                .filter(worker -> worker.name().equals(nameOrId))
                .findFirst()
                .or(() ->
                        all.stream()
                                .filter(worker -> Long.toString(worker.id()).equals(nameOrId))
                                .findFirst())
                .orElseThrow(ApiProblem::notFound);
    }
}
