package dev.comfyapi.api.dispatch;

import dev.comfyapi.api.dispatch.Snapshot.Candidate;
import dev.comfyapi.api.dispatch.Snapshot.Share;
import dev.comfyapi.api.dispatch.Snapshot.Waiting;
import dev.comfyapi.db.queue.Assigning;
import dev.comfyapi.db.queue.Group;
import dev.comfyapi.db.queue.Head;
import dev.comfyapi.model.job.JobId;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.function.Predicate;

/// Decides which waiting job goes to which worker. A pure function of what it is given: no clock,
/// no database, no Kafka.
///
/// The fair order of groups is: the tenant that has used least of its share; then band, raised
/// while the group gets nothing; then submission. Bands order the jobs of one tenant: between
/// tenants the shares decide, or one could put its work before that of all others. Workers are
/// asked one by one, idle ones first, and each takes the first group in that order that it can run,
/// with two exceptions that save the loading of models:
///
/// - It takes the first group that needs the model it has loaded, if that is of no lower band and
///   its tenant is not ahead by more than a bound, and the fair one has not been passed over for
///   longer than that bound.
/// - It leaves the fair one to a worker that has the model loaded and is expected to be free before
///   this one could have loaded it; within the same bound.
///
/// The scheme is fair queueing with bounded stickiness, as in MQFQ-Sticky (arXiv 2507.08954), the
/// bound on passing over that of delay scheduling (EuroSys 2010).
final class Matcher {

    /// What came of it.
    ///
    /// @param loads jobs whose worker has to load their model first
    /// @param passed groups whose first job was passed over for the sake of a loaded model
    /// @param exhausted whether a group ran out of known heads: there may be more to do
    record Matches(
            List<Assigning> assignings, Set<JobId> loads, Set<Group> passed, boolean exhausted) {}

    private final Snapshot snapshot;
    private final List<Assigning> assignings = new ArrayList<>();
    private final Set<JobId> loads = new HashSet<>();
    private final Set<Group> passed = new HashSet<>();
    private final List<Line> lines = new ArrayList<>();
    private final List<Hand> hands = new ArrayList<>();
    private final Map<Integer, Account> accounts = new HashMap<>();
    private final Map<Integer, Soon> soonByClass = new HashMap<>();
    private boolean exhausted;

    private Matcher(Snapshot snapshot) {
        this.snapshot = snapshot;
        snapshot.shares().forEach((tenant, share) -> accounts.put(tenant, new Account(share)));
        for (var waiting : snapshot.waiting()) {
            if (accounts.containsKey(waiting.group().tenant())
                    && !snapshot.pauses().cover(waiting.needs().pool())) {
                lines.add(new Line(waiting, snapshot.policy().agingMs()));
            }
        }
        snapshot.workers().forEach(worker -> hands.add(new Hand(worker)));
    }

    static Matches match(Snapshot snapshot) {
        var matcher = new Matcher(snapshot);
        matcher.run();
        return new Matches(matcher.assignings, matcher.loads, matcher.passed, matcher.exhausted);
    }

    /// What is left of a tenant's share while matches are made.
    private static final class Account {
        private final double weight;
        private double vtime;
        private int room;

        Account(Share share) {
            weight = share.weight();
            vtime = share.vtime();
            room = share.room();
        }
    }

    /// What is left of a group.
    private static final class Line {
        private final Waiting waiting;
        private final List<Head> heads;
        private final long agingMs;
        private long unservedMs;

        Line(Waiting waiting, long agingMs) {
            this.waiting = waiting;
            this.heads = new ArrayList<>(waiting.heads());
            this.agingMs = agingMs;
            this.unservedMs = waiting.unservedMs();
        }

        Group group() {
            return waiting.group();
        }

        String model() {
            return waiting.needs().affinity();
        }

        long band() {
            return group().band() - unservedMs / agingMs;
        }
    }

    /// What a worker has in hand.
    private static final class Hand {
        private final Candidate worker;
        private int held;
        private long remainingMs;
        private @Nullable String loaded;

        Hand(Candidate worker) {
            this.worker = worker;
            held = worker.held();
            remainingMs = worker.remainingMs();
            loaded = worker.loaded();
        }
    }

    /// What all workers together will soon have begun of a class; kept, because with a large fleet
    /// counting it for each question is most of the work.
    private static final class Soon {
        private final Waiting waiting;
        private long begun;

        Soon(Waiting waiting, long begun) {
            this.waiting = waiting;
            this.begun = begun;
        }
    }

    private boolean hasRoom(Hand hand) {
        return hand.held == 0
                || (hand.held < snapshot.policy().ahead()
                        && hand.remainingMs < snapshot.policy().horizonMs());
    }

    private void run() {
        // Whoever would drop the model that is wanted least comes first: it is the one to load
        // another.
        var wanted = new HashMap<String, Integer>();
        for (var line : lines) {
            wanted.merge(line.model(), line.heads.size(), Integer::sum);
        }
        var open =
                new PriorityQueue<Hand>(
                        Comparator.comparingInt((Hand hand) -> hand.held)
                                .thenComparingLong(hand -> hand.remainingMs)
                                .thenComparingInt(hand ->
                                        wanted.getOrDefault(
                                                Objects.requireNonNullElse(hand.loaded, ""), 0))
                                .thenComparingLong(hand -> hand.worker.id()));
        hands.stream().filter(this::hasRoom).forEach(open::add);
        while (!open.isEmpty() && assignings.size() < snapshot.most()) {
            var hand = open.remove();
            if (take(hand) && hasRoom(hand)) {
                open.add(hand);
            }
        }
    }

    /// @return whether it found something to do
    private boolean take(Hand hand) {
        @Nullable Line fair = first(hand, _ -> true);
        if (fair == null) {
            return false;
        }
        @Nullable Line choice = fair;
        if (needsLoading(hand, fair) && mayBePassed(fair)) {
            choice = detour(hand, fair);
        }
        if (choice == null) {
            lines.stream()
                    .filter(line -> canTake(hand, line))
                    .forEach(line -> passed.add(line.group()));
            return false;
        }
        if (!choice.group().equals(fair.group())) {
            passed.add(fair.group());
        }
        give(hand, choice);
        return true;
    }

    /// What to run instead of the fair one, to save loading a model.
    ///
    /// @return the fair one itself when there is nothing better; null to leave all to others and
    ///   stay idle
    private @Nullable Line detour(Hand hand, Line fair) {
        double furthest = account(fair).vtime + bound(fair) / 1_000;
        @Nullable Line sticky =
                first(
                        hand,
                        line ->
                                !needsLoading(hand, line)
                                        && line.band() <= fair.band()
                                        && account(line).vtime <= furthest);
        if (sticky != null || !isSoonRunElsewhere(hand, fair)) {
            return sticky == null ? fair : sticky;
        }
        @Nullable Line next =
                first(
                        hand,
                        line ->
                                !(needsLoading(hand, line)
                                        && mayBePassed(line)
                                        && isSoonRunElsewhere(hand, line)));
        return next != null && account(next).vtime > furthest ? fair : next;
    }

    /// How far fairness may be bent to save loading the model of this group, in ms.
    private double bound(Line line) {
        return snapshot.policy().stickiness() * line.waiting.estimate().loadMs();
    }

    private boolean mayBePassed(Line line) {
        return bound(line) > 0 && line.waiting.passedMs() <= bound(line);
    }

    private static boolean needsLoading(Hand hand, Line line) {
        return !line.model().isEmpty() && !line.model().equals(hand.loaded);
    }

    /// The first in the fair order that this worker can run.
    private @Nullable Line first(Hand hand, Predicate<Line> which) {
        @Nullable Line first = null;
        for (var line : lines) {
            if (canTake(hand, line)
                    && (first == null || compare(line, first) < 0)
                    && which.test(line)) {
                first = line;
            }
        }
        return first;
    }

    private boolean canTake(Hand hand, Line line) {
        return !line.heads.isEmpty()
                && account(line).room > 0
                && hand.worker.canRun(line.waiting.needs())
                && head(hand, line) != null;
    }

    private Account account(Line line) {
        return Objects.requireNonNull(accounts.get(line.group().tenant()));
    }

    private int compare(Line one, Line other) {
        int order = Double.compare(account(one).vtime, account(other).vtime);
        if (order == 0) {
            order = Long.compare(one.band(), other.band());
        }
        return order != 0
                ? order
                : one.heads.getFirst().job().compareTo(other.heads.getFirst().job());
    }

    /// The first job of a group that has not just failed on this worker, or that has nowhere else
    /// to go. Somebody without room is no alternative: waiting for a long run would idle a free
    /// GPU.
    private @Nullable Head head(Hand hand, Line line) {
        for (var head : line.heads) {
            @Nullable Long avoid = head.avoidWorker();
            if (avoid == null || avoid != hand.worker.id() || !hasAlternative(hand, line)) {
                return head;
            }
        }
        return null;
    }

    private boolean hasAlternative(Hand hand, Line line) {
        return hands.stream()
                .anyMatch(other ->
                        other != hand
                                && hasRoom(other)
                                && other.worker.canRun(line.waiting.needs()));
    }

    /// Whether the workers that have the model loaded are expected to have begun all its known jobs
    /// before this one could have loaded it.
    private boolean isSoonRunElsewhere(Hand hand, Line line) {
        var soon =
                soonByClass.computeIfAbsent(
                        line.group().classId(),
                        _ ->
                                new Soon(
                                        line.waiting,
                                        hands.stream()
                                                .mapToLong(other -> soonBegun(other, line.waiting))
                                                .sum()));
        return soon.begun - soonBegun(hand, line.waiting) >= line.heads.size();
    }

    /// How many jobs of this class a worker is expected to begin before another could have loaded
    /// their model.
    private static long soonBegun(Hand hand, Waiting waiting) {
        var estimate = waiting.estimate();
        return waiting.needs().affinity().equals(hand.loaded)
                        && hand.remainingMs <= estimate.loadMs()
                        && hand.worker.canRun(waiting.needs())
                ? 1 + (estimate.loadMs() - hand.remainingMs) / Math.max(1, estimate.runMs())
                : 0;
    }

    private void give(Hand hand, Line line) {
        var head = Objects.requireNonNull(head(hand, line));
        line.heads.remove(head);
        line.unservedMs = 0;
        exhausted |= line.heads.isEmpty();
        assignings.add(new Assigning(line.group(), head.job(), hand.worker.id()));
        var estimate = line.waiting.estimate();
        var account = account(line);
        account.room--;
        account.vtime += estimate.runMs() / 1_000.0 / account.weight;
        soonByClass.values().forEach(soon -> soon.begun -= soonBegun(hand, soon.waiting));
        hand.held++;
        if (!line.model().isEmpty() && !line.model().equals(hand.loaded)) {
            loads.add(head.job());
            hand.loaded = line.model();
            hand.remainingMs += estimate.loadMs();
        }
        hand.remainingMs += estimate.runMs();
        soonByClass.values().forEach(soon -> soon.begun += soonBegun(hand, soon.waiting));
    }
}
