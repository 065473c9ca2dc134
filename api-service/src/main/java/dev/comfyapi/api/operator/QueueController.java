package dev.comfyapi.api.operator;

import dev.comfyapi.api.audit.Audit;
import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Requires;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.api.queue.PoolFigures;
import dev.comfyapi.api.queue.QueueOutlook;
import dev.comfyapi.db.operator.PoolStore;
import dev.comfyapi.db.tenant.TenantStore;
import dev.comfyapi.model.job.JobId;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.tags.Tag;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

import java.util.List;

/// What waits, and whether anything is started of it. The leader obeys within a second; what runs
/// goes on.
@RestController
@RequestMapping(path = "/api/v1/admin", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "operators")
final class QueueController {

    private static final Logger LOG = LoggerFactory.getLogger(QueueController.class);

    private final KnownPools pools;
    private final PoolStore store;
    private final TenantStore tenants;
    private final QueueOutlook outlook;
    private final Audit audit;

    QueueController(
            KnownPools pools,
            PoolStore store,
            TenantStore tenants,
            QueueOutlook outlook,
            Audit audit) {
        this.pools = pools;
        this.store = store;
        this.tenants = tenants;
        this.outlook = outlook;
        this.audit = audit;
    }

    /// @param waiting jobs; exact up to some ten thousands
    /// @param running jobs that a worker has
    /// @param paused whether nothing is started, by this pool's pause or by that of everything
    @Schema(name = "PoolQueue")
    record QueueView(String pool, int waiting, int running, long oldestWaitS, boolean paused) {
        static QueueView of(PoolFigures figures) {
            return new QueueView(
                    figures.pool(),
                    figures.waiting(),
                    figures.running(),
                    figures.oldestWaitMs() / 1_000,
                    figures.paused());
        }
    }

    /// @param paused whether everything is
    @Schema(name = "Queues")
    record Queues(List<QueueView> queues, boolean paused) {
        Queues {
            queues = List.copyOf(queues);
        }
    }

    /// What is paused now.
    @Schema(name = "Pause")
    record Paused(String what, boolean paused) {}

    @Requires(Scope.WORKERS_ADMIN)
    @GetMapping("/queues")
    @Operation(summary = "What waits and runs, by pool")
    Queues list() {
        return new Queues(
                pools.figures().values().stream().map(QueueView::of).toList(), outlook.isPaused());
    }

    @Requires(Scope.WORKERS_ADMIN)
    @PostMapping("/queues/{pool}/pause")
    @Operation(summary = "Start nothing more from a pool", description = "What runs goes on.")
    Paused pause(@PathVariable("pool") String pool) {
        var known = pools.known(pool);
        return audited(pool, true, () -> store.pause(known));
    }

    @Requires(Scope.WORKERS_ADMIN)
    @PostMapping("/queues/{pool}/resume")
    @Operation(summary = "Start jobs from a pool again")
    Paused resume(@PathVariable("pool") String pool) {
        var known = pools.known(pool);
        return audited(pool, false, () -> store.resume(known));
    }

    @Requires(Scope.WORKERS_ADMIN)
    @PostMapping("/queues/pause")
    @Operation(summary = "Start nothing more at all", description = "What runs goes on.")
    Paused pauseEverything() {
        return audited("everything", true, store::pauseEverything);
    }

    @Requires(Scope.WORKERS_ADMIN)
    @PostMapping("/queues/resume")
    @Operation(
            summary = "Start jobs again",
            description = "Pools that were paused by themselves stay so.")
    Paused resumeEverything() {
        return audited("everything", false, store::resumeEverything);
    }

    @Requires(Scope.WORKERS_ADMIN)
    @PostMapping("/tenants/{tenant}/pause")
    @Operation(summary = "Start nothing more of a tenant", description = "What runs goes on.")
    Paused pauseTenant(@PathVariable("tenant") String tenant) {
        return audited(
                "tenant " + tenant,
                true,
                () -> {
                    if (!tenants.pause(number(tenant))) {
                        throw ApiProblem.notFound();
                    }
                });
    }

    @Requires(Scope.WORKERS_ADMIN)
    @PostMapping("/tenants/{tenant}/resume")
    @Operation(summary = "Start jobs of a tenant again")
    Paused resumeTenant(@PathVariable("tenant") String tenant) {
        return audited(
                "tenant " + tenant,
                false,
                () -> {
                    if (!tenants.resume(number(tenant))) {
                        throw ApiProblem.notFound();
                    }
                });
    }

    /// By its id, or its number. 0 is nobody.
    private int number(String tenant) {
        if (tenant.matches("[0-9]{1,9}")) {
            return Integer.parseInt(tenant);
        }
        return JobId.parse(tenant).flatMap(id -> tenants.numberOf(id.value())).orElse(0);
    }

    private Paused audited(String what, boolean paused, Runnable change) {
        var done =
                audit.during(
                        paused ? "queue.paused" : "queue.resumed",
                        "queue",
                        what,
                        () -> {
                            change.run();
                            return new Paused(what, paused);
                        });
        LOG.info("An operator {} {}", paused ? "paused" : "resumed", what);
        return done;
    }
}
