package dev.comfyapi.api.operator;

import dev.comfyapi.api.queue.PoolFigures;
import dev.comfyapi.db.operator.OperatedWorkerStore;
import dev.comfyapi.db.operator.OperatedWorkerStore.Status;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.MultiGauge.Row;
import io.micrometer.core.instrument.Tags;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.stereotype.Component;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/// The fleet in figures, by pool. Every API instance tells the same: take the maximum, not the sum.
@Component
public final class FleetMetrics {

    private static final Logger LOG = LoggerFactory.getLogger(FleetMetrics.class);

    private final KnownPools pools;
    private final OperatedWorkerStore workers;
    private final MultiGauge backlog;
    private final MultiGauge oldestWait;
    private final MultiGauge desired;
    private final MultiGauge statuses;

    FleetMetrics(KnownPools pools, OperatedWorkerStore workers, MeterRegistry metrics) {
        this.pools = pools;
        this.workers = workers;
        this.backlog =
                MultiGauge.builder("comfyapi.backlog.gpu.seconds")
                        .description("Expected GPU time of the waiting jobs")
                        .register(metrics);
        this.oldestWait =
                MultiGauge.builder("comfyapi.oldest.wait.seconds")
                        .description("How long the job has waited that waits longest")
                        .register(metrics);
        this.desired =
                MultiGauge.builder("comfyapi.desired.workers")
                        .description("Workers needed to start jobs within the target wait")
                        .register(metrics);
        this.statuses =
                MultiGauge.builder("comfyapi.workers")
                        .description("Workers by how they are")
                        .register(metrics);
    }

    /// Reads the metrics while these figures are those of now; while the database is away there are
    /// none.
    ///
    /// One reader at a time: rows are changed one by one, and who reads meanwhile finds some twice.
    public synchronized String during(Supplier<String> reading) {
        refresh();
        return reading.get();
    }

    private void refresh() {
        try {
            var figures = pools.figures().values();
            show(backlog, figures, pool -> pool.backlogMs() / 1_000.0);
            show(oldestWait, figures, pool -> pool.oldestWaitMs() / 1_000.0);
            show(desired, figures, PoolFigures::desiredWorkers);
            statuses.register(counts(figures), true);
        } catch (DataAccessException e) {
            LOG.debug("No figures of the fleet: {}", e.getMessage());
            for (var gauge : List.of(backlog, oldestWait, desired, statuses)) {
                gauge.register(List.of(), true);
            }
        }
    }

    private static void show(
            MultiGauge gauge,
            Collection<PoolFigures> figures,
            ToDoubleFunction<PoolFigures> value) {
        gauge.register(
                figures.stream()
                        .<Row<?>>map(pool ->
                                Row.of(Tags.of("pool", pool.pool()), value.applyAsDouble(pool)))
                        .toList(),
                true);
    }

    private List<Row<?>> counts(Collection<PoolFigures> figures) {
        var all = workers.all();
        var rows = new ArrayList<Row<?>>();
        for (var pool : figures) {
            for (var status : Status.values()) {
                long count =
                        all.stream()
                                .filter(worker -> worker.pool().equals(pool.pool()))
                                .filter(worker -> worker.status() == status)
                                .count();
                rows.add(Row.of(Tags.of("pool", pool.pool(), "status", status.wire()), count));
            }
        }
        return rows;
    }
}
