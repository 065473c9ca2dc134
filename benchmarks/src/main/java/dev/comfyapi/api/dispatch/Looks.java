package dev.comfyapi.api.dispatch;

import dev.comfyapi.db.queue.LeaderStore;
import dev.comfyapi.db.secret.GraphSeal;
import dev.comfyapi.messaging.MessageSender;
import dev.comfyapi.model.message.JobEvent;

import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

import java.util.Map;

/// The leader's looks at the queue, one by one, for benchmarks. It is in this package because the
/// API shows them to nobody.
public final class Looks {

    private final LeaderStore store;
    private final Assign assign;
    private final Hints hints = new Hints();

    /// @param settings of `comfyapi.dispatch`; what is not named is as shipped
    public Looks(
            LeaderStore store, MessageSender sender, GraphSeal seal, Map<String, String> settings) {
        this.store = store;
        var properties =
                new Binder(new MapConfigurationPropertySource(settings))
                        .bindOrCreate("", DispatchProperties.class);
        assign = new Assign(sender, seal, properties);
        settle();
    }

    /// What workers send to the API. May be called while a look is on its way.
    public void hear(JobEvent event) {
        hints.hear(event);
    }

    /// As the leader looks: the fleet is read again when that is due.
    ///
    /// @return how many jobs got a worker
    public int look() {
        if (assign.isReadingDue()) {
            assign.read(store);
        }
        return assign.look(store, hints).assigned();
    }

    /// What the leader does once a second.
    public void settle() {
        assign.settle(store);
    }
}
