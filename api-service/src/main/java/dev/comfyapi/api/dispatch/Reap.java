package dev.comfyapi.api.dispatch;

import dev.comfyapi.db.queue.LeaderStore;
import dev.comfyapi.messaging.MessageSender;
import dev.comfyapi.model.job.JobState;
import dev.comfyapi.model.message.JobEvent;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Takes jobs back from workers that are gone.
final class Reap {

    private static final Logger LOG = LoggerFactory.getLogger(Reap.class);
    private static final String ERROR =
            """
            {"message": "Three workers were lost while they ran this job; it is suspected to be the cause.",
             "attempt": null}
            """;

    private final MessageSender sender;
    private final DispatchProperties properties;

    Reap(MessageSender sender, DispatchProperties properties) {
        this.sender = sender;
        this.properties = properties;
    }

    /// @param settled false while a new leader declares nobody silent; workers that said so
    ///   themselves, or were replaced by a newer process, lose their leases all the same
    /// @return how many leases were taken back
    int run(LeaderStore store, boolean settled) {
        if (settled) {
            for (var name : store.markSilentWorkersGone(properties.silence())) {
                LOG.warn(
                        "Worker {} has been silent for more than {} and is given up; its jobs go to"
                                + " others",
                        name,
                        properties.silence());
            }
        }
        var reaped = store.reap(ERROR);
        for (var lease : reaped) {
            var job = lease.lease().job();
            switch (lease.next()) {
                case LIVE -> {
                    LOG.warn(
                            "Worker {} was lost with job {} (epoch {}); it waits for another",
                            lease.lease().worker(),
                            job,
                            lease.lease().epoch());
                    sender.publish(new JobEvent.Requeued(job));
                }
                case FAILED -> {
                    LOG.warn("Job {} failed: three workers were lost with it", job);
                    sender.publish(new JobEvent.Finished(job, JobState.FAILED));
                }
                case CANCELED, SUCCEEDED, EXPIRED ->
                        LOG.info("The canceled job {} left with its worker", job);
            }
        }
        return reaped.size();
    }
}
