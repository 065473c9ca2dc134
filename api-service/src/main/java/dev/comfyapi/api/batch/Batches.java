package dev.comfyapi.api.batch;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.job.BulkCancel;
import dev.comfyapi.api.job.Cursors;
import dev.comfyapi.db.job.BatchRow;
import dev.comfyapi.db.job.BatchStatus;
import dev.comfyapi.db.job.BatchStore;
import dev.comfyapi.db.job.BatchStore.Counts;
import dev.comfyapi.model.job.JobId;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;

/// Reads, waits for, lists and cancels batches. Thread-safe.
@Component
public final class Batches {

    private static final Logger LOG = LoggerFactory.getLogger(Batches.class);

    /// More jobs than this are counted once a second, however many ask: counting reads them all.
    private static final int COUNTED_EACH_TIME = 1_000;

    private final BatchStore store;
    private final BulkCancel bulk;
    private final BatchWaits waits;
    private final Cursors cursors;
    private final Cache<UUID, Counts> counted =
            Caffeine.newBuilder()
                    .maximumSize(10_000)
                    .expireAfterWrite(Duration.ofSeconds(1))
                    .build();

    Batches(BatchStore store, BulkCancel bulk, BatchWaits waits, Cursors cursors) {
        this.store = store;
        this.bulk = bulk;
        this.waits = waits;
        this.cursors = cursors;
    }

    /// @throws ApiProblem when there is no such batch, or it is another tenant's
    public BatchView read(int tenant, UUID id) {
        return find(tenant, id).orElseThrow(ApiProblem::notFound);
    }

    /// Empty when there is no such batch, or it is another tenant's.
    public Optional<BatchView> find(int tenant, UUID id) {
        return store.find(tenant, id).map(row -> view(tenant, row));
    }

    private BatchView view(int tenant, BatchRow row) {
        return BatchView.of(row, row.status().isFinal() ? null : counts(tenant, row));
    }

    private Counts counts(int tenant, BatchRow row) {
        return row.total() <= COUNTED_EACH_TIME
                ? store.counts(tenant, row.id())
                : counted.get(row.id(), id -> store.counts(tenant, id));
    }

    /// The batch when it has ended, or when the time is over.
    ///
    /// @throws ApiProblem when there is no such batch, or it is another tenant's
    CompletableFuture<BatchView> whenEnded(int tenant, UUID id, Duration most) {
        var now = read(tenant, id);
        return now.isFinal() || !most.isPositive()
                ? CompletableFuture.completedFuture(now)
                : waits.ended(id, most).thenApply(_ -> read(tenant, id));
    }

    /// @param statuses any of these; empty for all
    BatchPage list(int tenant, Set<BatchStatus> statuses, int limit, @Nullable String cursor) {
        var scope = "batches/%d/%s".formatted(tenant, statuses);
        @Nullable UUID before = cursor == null ? null : cursors.open(cursor, scope).value();
        var found = store.list(tenant, statuses, before, limit + 1);
        var shown = found.stream().limit(limit).toList();
        return new BatchPage(
                shown.stream().map(row -> BatchView.of(row, null)).toList(),
                found.size() > limit
                        ? cursors.after(new JobId(shown.getLast().id()), scope)
                        : null);
    }

    /// Cancels what lives of a batch; final at once. One that has ended stays as it is.
    ///
    /// What a process that dies here has not canceled, the leader cancels.
    ///
    /// @throws ApiProblem when there is no such batch, or it is another tenant's
    BatchView cancel(int tenant, UUID id) {
        if (read(tenant, id).isFinal()) {
            return read(tenant, id);
        }
        store.cancel(tenant, id);
        long canceled = bulk.ofBatch(tenant, id);
        LOG.info("Batch {} canceled by its client, with {} jobs that lived", id, canceled);
        store.finish(id);
        counted.invalidate(id);
        return read(tenant, id);
    }
}
