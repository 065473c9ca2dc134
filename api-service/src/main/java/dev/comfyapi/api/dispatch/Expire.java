package dev.comfyapi.api.dispatch;

import dev.comfyapi.db.queue.LeaderStore;
import dev.comfyapi.messaging.MessageSender;
import dev.comfyapi.model.job.JobState;
import dev.comfyapi.model.message.JobEvent;
import dev.comfyapi.model.message.LaneMessage;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Ends jobs whose deadline has passed, those that wait and those that a worker has.
final class Expire {

    private static final Logger LOG = LoggerFactory.getLogger(Expire.class);
    private static final int BATCH = 500;

    /// A large batch expires at one moment: so many at a time, so that the queue is looked at in
    /// between.
    private static final int ROUNDS = 10;

    private static final String NOT_STARTED =
            """
            {"message": "No worker was free before the start deadline.", "attempt": null}
            """;
    private static final String NOT_FINISHED =
            """
            {"message": "It did not end before its finish deadline.", "attempt": null}
            """;

    private final MessageSender sender;

    Expire(MessageSender sender) {
        this.sender = sender;
    }

    void run(LeaderStore store) {
        int expired = BATCH;
        for (int i = 0; i < ROUNDS && expired >= BATCH; i++) {
            expired = expireWaiting(store);
        }
        for (var overdue : store.expireLeases(BATCH, NOT_FINISHED)) {
            var lease = overdue.lease();
            LOG.info(
                    "Job {} expired: worker {} did not end it before its deadline and is told to stop",
                    lease.job(),
                    lease.worker());
            sender.send(overdue.lane(), new LaneMessage.Cancel(lease));
            sender.publish(new JobEvent.Finished(lease.job(), JobState.EXPIRED));
        }
    }

    private int expireWaiting(LeaderStore store) {
        var expired = store.expire(BATCH, NOT_STARTED, NOT_FINISHED);
        for (var job : expired) {
            LOG.info("Job {} expired: no worker had it before its deadline", job);
            sender.publish(new JobEvent.Finished(job, JobState.EXPIRED));
        }
        return expired.size();
    }
}
