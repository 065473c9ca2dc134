package dev.comfyapi.api.operator;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Requires;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.api.queue.PoolFigures;
import dev.comfyapi.api.queue.QueueOutlook;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;

import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

import java.util.List;

/// How many workers each pool should have.
@RestController
@Tag(name = "operators")
final class AutoscaleController {

    private final KnownPools pools;
    private final QueueOutlook outlook;

    AutoscaleController(KnownPools pools, QueueOutlook outlook) {
        this.pools = pools;
        this.outlook = outlook;
    }

    /// @param desiredWorkers busy workers stay; besides as many as are needed to start the waiting
    ///   jobs within the target wait, and no more than may start
    /// @param backlogGpuSeconds expected GPU time of the waiting jobs
    /// @param waiting jobs; exact up to some ten thousands
    @Schema(name = "PoolAutoscale")
    record AutoscaleView(
            String pool,
            int desiredWorkers,
            double backlogGpuSeconds,
            double oldestWaitSeconds,
            int waiting,
            int running) {

        static AutoscaleView of(PoolFigures figures) {
            return new AutoscaleView(
                    figures.pool(),
                    figures.desiredWorkers(),
                    figures.backlogMs() / 1_000.0,
                    figures.oldestWaitMs() / 1_000.0,
                    figures.waiting(),
                    figures.running());
        }
    }

    /// @param targetWaitS how long a job shall wait at most
    @Schema(name = "Autoscale")
    record Autoscale(List<AutoscaleView> pools, long targetWaitS) {
        Autoscale {
            pools = List.copyOf(pools);
        }
    }

    @Requires(Scope.METRICS_READ)
    @GetMapping(path = "/api/v1/admin/autoscale", produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            summary = "How many workers each pool should have",
            description =
                    "For KEDA's metrics-api scaler ask for one pool; its `valueLocation` is then"
                            + " `pools.0.desired_workers`.")
    @ApiResponse(responseCode = "200", description = "The figures")
    @ApiResponse(responseCode = "404", description = "There is no such pool")
    Autoscale autoscale(
            @Parameter(description = "Only this pool")
                    @RequestParam(name = "pool", required = false)
                    @Nullable String pool) {
        var figures = pools.figures();
        if (pool != null && !figures.containsKey(pool)) {
            throw ApiProblem.notFound();
        }
        return new Autoscale(
                figures.values().stream()
                        .filter(one -> pool == null || one.pool().equals(pool))
                        .map(AutoscaleView::of)
                        .toList(),
                outlook.targetWait().toSeconds());
    }
}
