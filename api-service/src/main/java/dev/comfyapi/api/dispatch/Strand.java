package dev.comfyapi.api.dispatch;

import dev.comfyapi.db.queue.Group;
import dev.comfyapi.db.queue.LeaderStore;
import dev.comfyapi.messaging.MessageSender;
import dev.comfyapi.model.job.JobState;
import dev.comfyapi.model.message.JobEvent;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/// Ends jobs that no live worker could run for so long. Lives as long as one leader leads.
///
/// The time counts by group, and only while this leader has seen without a break that workers live
/// and none of them can run it: a new leader, a fleet that was away, a pause and a capable worker
/// that came for a moment all begin it anew. And a job must have waited so long itself. See
/// docs/decisions/0011.
final class Strand {

    private static final Logger LOG = LoggerFactory.getLogger(Strand.class);
    private static final int BATCH = 100;

    private final MessageSender sender;
    private final Duration timeout;
    private final Map<Group, Long> since = new HashMap<>();

    Strand(MessageSender sender, Duration timeout) {
        this.sender = sender;
        this.timeout = timeout;
    }

    /// @param stranded groups that no live worker can run now
    /// @param nanos the monotonic clock
    /// @return how many jobs were ended
    int run(LeaderStore store, Set<Group> stranded, long nanos) {
        since.keySet().retainAll(stranded);
        stranded.forEach(group -> since.putIfAbsent(group, nanos));
        var over =
                since.entrySet().stream()
                        .filter(entry -> nanos - entry.getValue() >= timeout.toNanos())
                        .map(Map.Entry::getKey)
                        .toList();
        if (over.isEmpty()) {
            return 0;
        }
        var error =
                """
                {"message": "For %d s no live worker could run this job: none of its pool has all that it needs.",
                 "attempt": null}
                """
                        .formatted(timeout.toSeconds());
        var failed = store.failStranded(over, timeout, BATCH, error);
        for (var job : failed) {
            LOG.warn("Job {} failed: no live worker could run it for {}", job, timeout);
            sender.publish(new JobEvent.Finished(job, JobState.FAILED));
        }
        return failed.size();
    }
}
