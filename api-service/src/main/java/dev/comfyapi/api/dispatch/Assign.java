package dev.comfyapi.api.dispatch;

import dev.comfyapi.api.dispatch.Matcher.Matches;
import dev.comfyapi.api.dispatch.Snapshot.Candidate;
import dev.comfyapi.api.dispatch.Snapshot.Policy;
import dev.comfyapi.api.dispatch.Snapshot.Waiting;
import dev.comfyapi.db.queue.Assigning;
import dev.comfyapi.db.queue.Group;
import dev.comfyapi.db.queue.Head;
import dev.comfyapi.db.queue.HeldLease;
import dev.comfyapi.db.queue.LeaderStore;
import dev.comfyapi.db.queue.LeaderStore.Capabilities;
import dev.comfyapi.db.queue.LiveWorker;
import dev.comfyapi.db.queue.Pauses;
import dev.comfyapi.db.secret.GraphSeal;
import dev.comfyapi.messaging.MessageSender;
import dev.comfyapi.model.job.JobClass;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.LeaseStage;
import dev.comfyapi.model.message.Assignment;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/// Looks at the queue: reads who is free and who waits, matches them, moves the tokens, tells the
/// workers. Lives as long as one leader leads; not thread-safe.
///
/// The leases are committed before they are sent. A leader that dies in between costs the workers
/// one heartbeat.
///
/// What a look costs depends on the workers and on the groups that have work, never on how many
/// jobs wait: of each group only the first few are read.
final class Assign {

    private static final Logger LOG = LoggerFactory.getLogger(Assign.class);

    private static final int MOST_CLASSES_KEPT = 10_000;

    /// Jobs read in one look, over all groups.
    private static final int MOST_HEADS = 4_000;

    /// A run that has taken so much longer than expected may take any time.
    private static final Duration OVERRUN = Duration.ofSeconds(10);

    /// How long a worker is believed to have the model of the job it was given last; afterwards its
    /// heartbeat knows.
    private static final Duration HEARD_BY_NOW = Duration.ofSeconds(10);

    /// How long nobody looks before the last job that was taken from a group: jobs that come back
    /// to the queue may be older than it.
    private static final Duration HIGH_WATER = Duration.ofSeconds(1);

    /// Longest time between two readings of the fleet while anything happens.
    private static final Duration READING = Duration.ofSeconds(1);

    private final MessageSender sender;
    private final GraphSeal seal;
    private final DispatchProperties properties;
    private final Map<String, Capabilities> catalogues = new HashMap<>();
    private final Map<Integer, JobClass> classes = new HashMap<>();
    private final Shares shares = new Shares();
    private final Accounts accounts = new Accounts(shares);
    private final Map<Long, Given> given = new HashMap<>();

    /// Since when the first job of a group has been passed over, by the monotonic clock.
    private final Map<Group, Long> passedSince = new HashMap<>();

    /// When a group that has work got a worker for one of its jobs.
    private final Map<Group, Long> servedAt = new HashMap<>();

    private Pauses pauses = Pauses.NONE;

    private List<LiveWorker> workers = List.of();
    private final List<HeldLease> leases = new ArrayList<>();
    private long readAt;
    private long readTook = -1;

    private final Map<Group, JobId> highWater = new HashMap<>();
    private long highWaterSince = System.nanoTime();

    /// The model of the job that a worker was given last, and when.
    private record Given(String model, long nanos) {}

    Assign(MessageSender sender, GraphSeal seal, DispatchProperties properties) {
        this.sender = sender;
        this.seal = seal;
        this.properties = properties;
    }

    /// What a look came to.
    ///
    /// @param assigned how many jobs
    /// @param more whether another look at once may find more
    record Look(int assigned, boolean more) {}

    /// Reads who works and what they have, which grows with the fleet. Between two readings a look
    /// knows what it assigned itself and what [Hints] say. All else that it is wrong about are
    /// leases that have ended, which costs a moment and breaks no limit, and workers that have
    /// left, to whom the database gives nothing.
    void read(LeaderStore store) {
        long began = System.nanoTime();
        workers = store.workers();
        given.keySet().retainAll(workers.stream().map(LiveWorker::id).collect(Collectors.toSet()));
        leases.clear();
        leases.addAll(store.leases());
        readAt = System.nanoTime();
        readTook = readAt - began;
        learn(store, leases.stream().map(HeldLease::classId).collect(Collectors.toSet()));
        accounts.see(leases);
    }

    /// Whether the fleet should be read again: at least once a second, and sooner when that costs
    /// no more than a twentieth of the time, which with some dozens of workers means nearly always.
    boolean isReadingDue() {
        return readTook < 0
                || System.nanoTime() - readAt > Math.min(READING.toNanos(), 20 * readTook);
    }

    /// Needs a reading before the first one.
    Look look(LeaderStore store, Hints hints) {
        leases.removeIf(lease -> hints.isOver(lease.key().job()));
        var candidates = candidates(store, hints);
        if (candidates.stream().noneMatch(this::hasRoom)) {
            return new Look(0, false);
        }
        var groups = store.groups();
        shares.activate(tenants(groups));
        if (groups.isEmpty()) {
            return new Look(0, false);
        }
        learn(store, groups.stream().map(Group::classId).collect(Collectors.toSet()));
        var snapshot = snapshot(store, groups, candidates);
        var matches = Matcher.match(snapshot);
        notePassed(matches);
        if (matches.assignings().isEmpty()) {
            return new Look(0, false);
        }
        var assigned = store.assign(matches.assignings());
        note(assigned, matches, snapshot);
        send(assigned);
        return new Look(
                assigned.size(), matches.exhausted() || assigned.size() == properties.batch());
    }

    /// Settles what has ended since the last time, and reads what tenants may have.
    void settle(LeaderStore store) {
        accounts.settle(store);
        shares.read(store.tenants());
        pauses = store.pauses();
    }

    /// Waiting groups that no live worker can run, among those from which something would be
    /// started: what is paused waits for its operator, whatever the fleet has. None while no worker
    /// lives at all, for that says nothing of a job.
    Set<Group> stranded(LeaderStore store) {
        var able = workers.stream().filter(worker -> !worker.quarantined()).toList();
        if (able.isEmpty()) {
            return Set.of();
        }
        var groups = store.groups();
        learn(store, groups.stream().map(Group::classId).collect(Collectors.toSet()));
        var stranded = new HashSet<Group>();
        for (var group : groups) {
            @Nullable JobClass needs = classes.get(group.classId());
            if (needs != null
                    && !pauses.cover(needs.pool())
                    && !shares.isPaused(group.tenant())
                    && able.stream().noneMatch(worker -> canRun(store, worker, needs))) {
                stranded.add(group);
            }
        }
        return stranded;
    }

    private boolean canRun(LeaderStore store, LiveWorker worker, JobClass needs) {
        var has = catalogues.computeIfAbsent(worker.catalogueHash(), store::catalogue);
        return needs.runsOn(worker.pool(), worker.vramMb(), has.models(), has.nodes());
    }

    private boolean hasRoom(Candidate candidate) {
        return candidate.held() == 0
                || (candidate.held() < properties.ahead()
                        && candidate.remainingMs() < properties.horizon().toMillis());
    }

    private Set<Integer> tenants(List<Group> groups) {
        var tenants = new HashSet<Integer>();
        groups.forEach(group -> tenants.add(group.tenant()));
        leases.forEach(lease -> tenants.add(lease.tenant()));
        return tenants;
    }

    // -- what there is --------------------------------------------------------------------------

    private List<Candidate> candidates(LeaderStore store, Hints hints) {
        var busy =
                leases.stream()
                        .filter(lease -> lease.stage() != LeaseStage.STORING)
                        .filter(lease -> !hints.isFreed(lease.key()))
                        .collect(Collectors.groupingBy(lease -> lease.key().worker()));
        return workers.stream()
                .filter(LiveWorker::accepting)
                .map(worker -> {
                    var held = busy.getOrDefault(worker.id(), List.of());
                    return new Candidate(
                            worker.id(),
                            worker.pool(),
                            loaded(worker, !held.isEmpty()),
                            worker.vramMb(),
                            catalogues.computeIfAbsent(worker.catalogueHash(), store::catalogue),
                            held.size(),
                            remainingMs(held));
                })
                .toList();
    }

    private @Nullable String loaded(LiveWorker worker, boolean busy) {
        @Nullable Given last = given.get(worker.id());
        boolean fresh = last != null && System.nanoTime() - last.nanos() < HEARD_BY_NOW.toNanos();
        return last != null && (busy || fresh) ? last.model() : worker.loaded();
    }

    private long remainingMs(Collection<HeldLease> held) {
        long sum = 0;
        for (var lease : held) {
            long expected = accounts.estimate(lease.classId()).runMs();
            @Nullable Long running = runningMs(lease);
            if (running != null && running > expected + OVERRUN.toMillis()) {
                return Candidate.UNKNOWN;
            }
            sum += Math.max(0, expected - (running == null ? 0 : running));
        }
        return sum;
    }

    /// As it was when it was read, and the time since.
    private @Nullable Long runningMs(HeldLease lease) {
        @Nullable Long running = lease.runningMs();
        return running == null ? null : running + (System.nanoTime() - readAt) / 1_000_000;
    }

    private Snapshot snapshot(LeaderStore store, List<Group> groups, List<Candidate> candidates) {
        long now = System.nanoTime();
        if (now - highWaterSince > HIGH_WATER.toNanos()) {
            highWater.clear();
            highWaterSince = now;
        }
        var begins = new LinkedHashMap<Group, JobId>();
        groups.forEach(group -> begins.put(group, highWater.getOrDefault(group, JobId.FIRST)));
        int each = Math.clamp(MOST_HEADS / groups.size(), 1, properties.batch());
        var heads =
                store.heads(begins, each).stream()
                        .collect(
                                Collectors.groupingBy(
                                        Head::group, LinkedHashMap::new, Collectors.toList()));
        passedSince.keySet().retainAll(heads.keySet());
        servedAt.keySet().retainAll(heads.keySet());
        var waiting = new ArrayList<Waiting>();
        heads.forEach((group, first) -> {
            @Nullable JobClass needs = classes.get(group.classId());
            if (needs != null) {
                long since = passedSince.getOrDefault(group, now);
                long waitedMs = first.getFirst().waitedMs();
                @Nullable Long served = servedAt.get(group);
                waiting.add(
                        new Waiting(
                                group,
                                needs,
                                accounts.estimate(group.classId()),
                                first,
                                served == null
                                        ? waitedMs
                                        : Math.min(waitedMs, (now - served) / 1_000_000),
                                (now - since) / 1_000_000));
            }
        });
        var held = new HashMap<Integer, Integer>();
        leases.forEach(lease -> held.merge(lease.tenant(), 1, Integer::sum));
        return new Snapshot(
                waiting,
                candidates,
                shares.now(held),
                pauses,
                new Policy(
                        properties.aging().toMillis(),
                        properties.stickiness(),
                        properties.horizon().toMillis(),
                        properties.ahead()),
                properties.batch());
    }

    private void learn(LeaderStore store, Set<Integer> ids) {
        if (classes.size() > MOST_CLASSES_KEPT) {
            classes.keySet().retainAll(ids);
            accounts.forgetAllBut(ids);
        }
        var unknown = ids.stream().filter(id -> !classes.containsKey(id)).toList();
        if (!unknown.isEmpty()) {
            classes.putAll(store.classes(unknown));
            accounts.know(store, unknown);
        }
    }

    // -- what came of it ------------------------------------------------------------------------

    /// A group is no longer passed over when its first job got a worker.
    private void notePassed(Matches matches) {
        matches.assignings().forEach(assigning -> passedSince.remove(assigning.group()));
        matches.passed().forEach(group -> passedSince.putIfAbsent(group, System.nanoTime()));
    }

    private void note(List<Assignment> assigned, Matches matches, Snapshot snapshot) {
        var groups =
                matches.assignings().stream()
                        .collect(Collectors.toMap(Assigning::job, Assigning::group));
        for (var assignment : assigned) {
            var lease = assignment.lease();
            var group = groups.get(lease.job());
            if (group == null) {
                continue;
            }
            servedAt.put(group, System.nanoTime());
            leases.add(
                    new HeldLease(
                            lease, group.tenant(), group.classId(), LeaseStage.ASSIGNED, null));
            accounts.begin(
                    lease, group.tenant(), group.classId(), matches.loads().contains(lease.job()));
            @Nullable JobClass needs = classes.get(group.classId());
            if (needs != null && !needs.affinity().isEmpty()) {
                given.put(lease.worker(), new Given(needs.affinity(), System.nanoTime()));
            }
        }
        // Only past jobs that have all been taken.
        var taken = assigned.stream().map(one -> one.lease().job()).collect(Collectors.toSet());
        for (var waiting : snapshot.waiting()) {
            for (var head : waiting.heads()) {
                if (!taken.contains(head.job())) {
                    break;
                }
                highWater.put(head.group(), head.job());
            }
        }
    }

    private void send(List<Assignment> assigned) {
        var byId = workers.stream().collect(Collectors.toMap(LiveWorker::id, w -> w));
        for (var assignment : assigned) {
            @Nullable LiveWorker worker = byId.get(assignment.lease().worker());
            if (worker != null) {
                sender.send(worker.lane(), seal.seal(assignment));
                LOG.info(
                        "Job {} goes to {} (epoch {})",
                        assignment.lease().job(),
                        worker.name(),
                        assignment.lease().epoch());
            }
        }
    }
}
