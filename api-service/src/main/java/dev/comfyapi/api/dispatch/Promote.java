package dev.comfyapi.api.dispatch;

import dev.comfyapi.db.queue.LeaderStore;
import dev.comfyapi.messaging.MessageSender;
import dev.comfyapi.model.message.JobEvent;

/// Lets jobs into the queue whose time has come: scheduled starts, and attempts after a pause.
final class Promote {

    private static final int BATCH = 500;

    private final MessageSender sender;

    Promote(MessageSender sender) {
        this.sender = sender;
    }

    /// @return how many; there may be more when it is a full batch
    int run(LeaderStore store) {
        var jobs = store.promote(BATCH);
        jobs.forEach(job -> sender.publish(new JobEvent.Requeued(job)));
        return jobs.size();
    }
}
