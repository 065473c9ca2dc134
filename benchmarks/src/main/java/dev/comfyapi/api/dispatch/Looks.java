package dev.comfyapi.api.dispatch;

import dev.comfyapi.db.queue.LeaderStore;
import dev.comfyapi.db.secret.GraphSeal;
import dev.comfyapi.messaging.MessageSender;
import dev.comfyapi.model.job.LeaseKey;

import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

import java.util.Map;
import java.util.Set;

/// The leader's looks at the queue, one by one, for benchmarks. It is in this package because the
/// API shows them to nobody.
public final class Looks {

    private final LeaderStore store;
    private final Assign assign;

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

    /// @param freed leases whose GPU is known to be free
    /// @return how many jobs got a worker
    public int look(Set<LeaseKey> freed) {
        return assign.look(store, freed).assigned();
    }

    /// What the leader does once a second.
    public void settle() {
        assign.settle(store);
    }
}
