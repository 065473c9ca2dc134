package dev.comfyapi.api.dispatch;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;

import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.JobState;
import dev.comfyapi.model.job.LeaseKey;
import dev.comfyapi.model.message.JobEvent;

import java.time.Duration;

/// What workers have said since the leader read their leases. Goes stale fast, and may be wrong:
/// then a worker has a job too few or too many for a moment. Thread-safe.
final class Hints {

    private static final int MOST = 10_000;
    private static final Duration KEPT = Duration.ofSeconds(30);

    private final Cache<LeaseKey, Boolean> freed = cache();
    private final Cache<JobId, Boolean> ended = cache();

    private static <K> Cache<K, Boolean> cache() {
        return Caffeine.newBuilder().maximumSize(MOST).expireAfterWrite(KEPT).build();
    }

    /// @return whether a match may have become possible
    boolean hear(JobEvent event) {
        return switch (event) {
            case JobEvent.Freed free -> {
                freed.put(new LeaseKey(free.job(), free.epoch(), free.worker()), true);
                yield true;
            }
            case JobEvent.Finished(JobId job, JobState state) -> {
                // Of what was canceled or has expired the lease stays until its worker has stopped.
                if (state == JobState.SUCCEEDED || state == JobState.FAILED) {
                    ended.put(job, true);
                }
                yield true;
            }
            case JobEvent.Submitted _, JobEvent.Requeued _ -> true;
            // Nobody became free, and nobody waits more than before.
            case JobEvent.Started _, JobEvent.Progress _, JobEvent.Preview _ -> false;
        };
    }

    /// Whether the GPU that ran it is free, though the lease is still there.
    boolean isFreed(LeaseKey lease) {
        return freed.getIfPresent(lease) != null;
    }

    /// Whether the job has ended, and its lease with it.
    boolean isOver(JobId job) {
        return ended.getIfPresent(job) != null;
    }
}
