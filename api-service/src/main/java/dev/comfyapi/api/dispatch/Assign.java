package dev.comfyapi.api.dispatch;

import dev.comfyapi.api.dispatch.Matcher.Candidate;
import dev.comfyapi.db.queue.HeldLease;
import dev.comfyapi.db.queue.LeaderStore;
import dev.comfyapi.db.queue.LeaderStore.Capabilities;
import dev.comfyapi.db.queue.LiveWorker;
import dev.comfyapi.messaging.MessageSender;
import dev.comfyapi.model.job.JobClass;
import dev.comfyapi.model.job.LeaseKey;
import dev.comfyapi.model.job.LeaseStage;
import dev.comfyapi.model.message.LaneMessage;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/// One look at the queue: reads who is free and who waits, matches them, moves the tokens, tells
/// the workers.
///
/// The leases are committed before they are sent. A leader that dies in between costs the workers
/// one heartbeat.
final class Assign {

    private static final Logger LOG = LoggerFactory.getLogger(Assign.class);

    private static final int MOST_CLASSES_KEPT = 10_000;

    private final MessageSender sender;
    private final DispatchProperties properties;
    private final Map<String, Capabilities> catalogues = new HashMap<>();
    private final Map<Integer, JobClass> classes = new HashMap<>();

    Assign(MessageSender sender, DispatchProperties properties) {
        this.sender = sender;
        this.properties = properties;
    }

    /// @param freed leases whose GPU is known to be free, though their rows do not say so yet
    /// @return how many jobs were assigned; [DispatchProperties#batch] when there may be more
    int run(LeaderStore store, Set<LeaseKey> freed) {
        var workers = store.workers();
        var candidates = candidates(store, workers, store.leases(), freed);
        int room = candidates.stream().mapToInt(Candidate::room).sum();
        if (room == 0) {
            return 0;
        }
        var groups = store.groups();
        if (groups.isEmpty()) {
            return 0;
        }
        learnClasses(store, groups.stream().map(g -> g.classId()).collect(Collectors.toSet()));
        int most = Math.min(room, properties.batch());
        var wishes = Matcher.match(store.heads(groups, most), classes, candidates, most);
        if (wishes.isEmpty()) {
            return 0;
        }
        var byId = workers.stream().collect(Collectors.toMap(LiveWorker::id, w -> w));
        var assigned = store.assign(wishes);
        for (var assignment : assigned) {
            var worker = byId.get(assignment.lease().worker());
            if (worker != null) {
                sender.send(worker.lane(), new LaneMessage.Assign(assignment));
                LOG.info(
                        "Job {} goes to {} (epoch {})",
                        assignment.lease().job(),
                        worker.name(),
                        assignment.lease().epoch());
            }
        }
        return assigned.size();
    }

    private List<Candidate> candidates(
            LeaderStore store,
            List<LiveWorker> workers,
            List<HeldLease> leases,
            Set<LeaseKey> freed) {
        var busy =
                leases.stream()
                        .filter(lease -> lease.stage() != LeaseStage.STORING)
                        .filter(lease -> !freed.contains(lease.key()))
                        .collect(Collectors.groupingBy(lease -> lease.key().worker()));
        return workers.stream()
                .filter(LiveWorker::accepting)
                .map(worker -> {
                    var held = busy.getOrDefault(worker.id(), List.of());
                    return new Candidate(
                            worker.id(),
                            worker.pool(),
                            worker.loaded(),
                            worker.vramMb(),
                            catalogues.computeIfAbsent(worker.catalogueHash(), store::catalogue),
                            held.size(),
                            room(held));
                })
                .toList();
    }

    /// Nothing is parked behind a run that takes longer than the horizon.
    private int room(Collection<HeldLease> held) {
        boolean longRun =
                held.stream()
                        .anyMatch(lease ->
                                lease.etaMs() != null
                                        && lease.etaMs() > properties.horizon().toMillis());
        return longRun ? 0 : Math.max(0, properties.slots() - held.size());
    }

    private void learnClasses(LeaderStore store, Set<Integer> ids) {
        var unknown = ids.stream().filter(id -> !classes.containsKey(id)).toList();
        if (!unknown.isEmpty()) {
            if (classes.size() > MOST_CLASSES_KEPT) {
                classes.keySet().retainAll(ids);
            }
            classes.putAll(store.classes(unknown));
        }
    }
}
