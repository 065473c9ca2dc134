package dev.comfyapi.api.dispatch;

import dev.comfyapi.db.queue.LeaderStore;
import dev.comfyapi.messaging.MessageSender;
import dev.comfyapi.model.job.JobState;
import dev.comfyapi.model.message.JobEvent;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Ends jobs that nobody started before their deadline.
final class Expire {

    private static final Logger LOG = LoggerFactory.getLogger(Expire.class);
    private static final int BATCH = 100;
    private static final String ERROR =
            """
            {"message": "No worker was free before the start deadline.", "attempt": null}
            """;

    private final MessageSender sender;

    Expire(MessageSender sender) {
        this.sender = sender;
    }

    void run(LeaderStore store) {
        for (var job : store.expire(BATCH, ERROR)) {
            LOG.info("Job {} expired: it was not started before its deadline", job);
            sender.publish(new JobEvent.Finished(job, JobState.EXPIRED));
        }
    }
}
