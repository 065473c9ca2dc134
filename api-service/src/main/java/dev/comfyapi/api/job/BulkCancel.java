package dev.comfyapi.api.job;

import dev.comfyapi.db.job.JobFilter;
import dev.comfyapi.db.job.LiveJobStore;
import dev.comfyapi.messaging.MessageSender;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.JobState;
import dev.comfyapi.model.message.JobEvent;
import dev.comfyapi.model.message.LaneMessage;

import io.swagger.v3.oas.annotations.media.Schema;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.stereotype.Component;

import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;

/// Cancels all live jobs that a filter means, some at a time.
///
/// When it breaks off half-way (the database goes away, the process dies) those of the chunks
/// before are canceled, for good, and the others are not: asking again does what is left.
@Component
public final class BulkCancel {

    private static final Logger LOG = LoggerFactory.getLogger(BulkCancel.class);

    /// A token moves in one statement, so asking again soon finds it.
    private static final int TRIES = 20;

    private static final Duration PAUSE = Duration.ofMillis(5);

    private final LiveJobStore store;
    private final MessageSender sender;
    private final ObjectProvider<QueueBell> bell;

    BulkCancel(LiveJobStore store, MessageSender sender, ObjectProvider<QueueBell> bell) {
        this.store = store;
        this.sender = sender;
        this.bell = bell;
    }

    /// @param matched live jobs that were meant
    /// @param canceled how many of them this call has canceled; the others had ended or were moving
    @Schema(name = "BulkCancellation")
    record Outcome(long matched, long canceled) {}

    /// @param inEarnest false to count only
    Outcome run(int tenant, JobFilter filter, boolean inEarnest) {
        var counts = new long[2];
        if (filter.batch() == null) {
            store.walk(tenant, chunk -> take(tenant, filter, chunk, inEarnest, counts));
        } else {
            store.walkBatch(
                    tenant,
                    filter.batch(),
                    chunk -> take(tenant, filter, chunk, inEarnest, counts));
        }
        if (counts[1] > 0) {
            LOG.info("{} jobs canceled together by their client", counts[1]);
            bell.forEach(QueueBell::ring);
        }
        return new Outcome(counts[0], counts[1]);
    }

    /// All that lives of a batch.
    ///
    /// @return how many this call has canceled
    public long ofBatch(int tenant, UUID batch) {
        var canceled = new long[1];
        store.walkBatch(tenant, batch, chunk -> canceled[0] += cancel(tenant, chunk));
        if (canceled[0] > 0) {
            bell.forEach(QueueBell::ring);
        }
        return canceled[0];
    }

    private void take(
            int tenant, JobFilter filter, List<JobId> chunk, boolean inEarnest, long[] counts) {
        var meant = store.select(tenant, filter, chunk);
        counts[0] += meant.size();
        if (inEarnest) {
            counts[1] += cancel(tenant, meant);
        }
    }

    private long cancel(int tenant, Collection<JobId> meant) {
        var left = new LinkedHashSet<>(meant);
        long canceled = 0;
        for (int i = 0; i < TRIES && !left.isEmpty(); i++) {
            if (i > 0) {
                LockSupport.parkNanos(PAUSE.toNanos());
            }
            for (var job : store.cancel(tenant, left)) {
                left.remove(job.job());
                canceled++;
                if (job.running() != null) {
                    sender.send(
                            job.running().lane(), new LaneMessage.Cancel(job.running().lease()));
                }
                sender.publish(new JobEvent.Finished(job.job(), JobState.CANCELED));
            }
        }
        return canceled;
    }
}
