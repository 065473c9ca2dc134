package dev.comfyapi.api.dispatch;

import dev.comfyapi.api.dispatch.Matcher.Matches;
import dev.comfyapi.api.dispatch.Snapshot.Candidate;
import dev.comfyapi.api.dispatch.Snapshot.Policy;
import dev.comfyapi.api.dispatch.Snapshot.Share;
import dev.comfyapi.api.dispatch.Snapshot.Waiting;
import dev.comfyapi.api.queue.Forecast;
import dev.comfyapi.db.queue.Estimate;
import dev.comfyapi.db.queue.Group;
import dev.comfyapi.db.queue.Head;
import dev.comfyapi.db.queue.LeaderStore.Capabilities;
import dev.comfyapi.db.queue.Pauses;
import dev.comfyapi.db.queue.TenantRow;
import dev.comfyapi.model.job.JobClass;
import dev.comfyapi.model.job.JobId;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// A fleet, its tenants and the time, all simulated, around the real [Matcher] and the real
/// [Shares]. The same seed gives the same history.
final class SimulatedFleet {

    static final int TICK_MS = 100;

    private static final int HEADS = 20;

    /// A model and the jobs that need it; job lengths are spread evenly from half to one and a half
    /// of the mean.
    record Model(String name, long runMs, long loadMs) {}

    /// A tenant that submits jobs.
    ///
    /// @param everyMs mean time between two submits
    /// @param burst how many it submits at once
    /// @param models which it uses, each time one at random
    record Tenant(
            double weight, int maxRunning, int band, long everyMs, int burst, List<Model> models) {}

    /// A waiting or running job.
    record Job(JobId id, int tenant, Group group, long runMs, long submitted) {}

    /// A job that has a worker.
    ///
    /// @param waitedMs until now
    /// @param behindMs what the worker has to run before it
    record Placed(Job job, Worker worker, long waitedMs, long behindMs) {}

    /// One simulated worker.
    static final class Worker {
        final long id;
        final Set<String> models;
        final Deque<Job> held = new ArrayDeque<>();
        @Nullable String loaded;
        @Nullable String asked;
        long left = -1;
        long ran;

        Worker(long id, Set<String> models) {
            this.id = id;
            this.models = models;
        }
    }

    private final List<Tenant> tenants;
    private final Map<String, Model> models = new LinkedHashMap<>();
    private final List<String> classes;
    private final List<Worker> workers;
    private final Policy policy;
    private final boolean shared;
    private final Random random;
    private final Shares shares = new Shares();
    private final Map<Group, Deque<Job>> waiting = new LinkedHashMap<>();
    private final Map<Group, Long> passedSince = new HashMap<>();
    private final Map<Group, Long> servedAt = new HashMap<>();
    private final Map<Integer, Integer> leases = new HashMap<>();
    private long now;
    private long submitted;

    long usefulMs;
    long busyMs;

    /// @param shared whether tenants share by weight; else it is first come, first served
    SimulatedFleet(
            List<Tenant> tenants,
            List<Set<String>> workers,
            Policy policy,
            boolean shared,
            long seed) {
        this.tenants = tenants;
        this.policy = policy;
        this.shared = shared;
        this.random = new Random(seed);
        tenants.forEach(t -> t.models().forEach(model -> models.put(model.name(), model)));
        this.classes = List.copyOf(models.keySet());
        this.workers =
                IntStream.range(0, workers.size())
                        .mapToObj(i -> new Worker(i + 1L, workers.get(i)))
                        .toList();
        shares.read(
                IntStream.range(0, tenants.size())
                        .mapToObj(i ->
                                new TenantRow(
                                        i,
                                        tenants.get(i).weight(),
                                        tenants.get(i).maxRunning(),
                                        null,
                                        0,
                                        false,
                                        0))
                        .toList());
    }

    /// One tick: jobs arrive, workers work, the leader looks.
    ///
    /// @return what the leader saw and did
    Tick tick() {
        now += TICK_MS;
        arrive();
        workers.forEach(this::work);
        var snapshot = snapshot();
        var matches = Matcher.match(snapshot);
        matches.assignings().forEach(assigning -> passedSince.remove(assigning.group()));
        matches.passed().forEach(group -> passedSince.putIfAbsent(group, now));
        var placed = matches.assignings().stream().map(a -> place(a.job(), a.group(), a.worker()));
        return new Tick(snapshot, matches, placed.toList());
    }

    /// @param placed jobs that got a worker
    record Tick(Snapshot snapshot, Matches matches, List<Placed> placed) {}

    long now() {
        return now;
    }

    /// What the tenant of a waiting job would be told now.
    Optional<Forecast.Start> forecast(Job job) {
        var gpus =
                workers.stream()
                        .map(worker -> new Forecast.Gpu(candidate(worker).remainingMs()))
                        .toList();
        var lines = new ArrayList<Forecast.Line>();
        var ahead = new HashMap<Integer, Integer>();
        waiting.forEach((group, line) -> {
            if (!line.isEmpty()) {
                lines.add(line(group, line.size()));
            }
            if (group.tenant() == job.tenant() && group.band() == job.group().band()) {
                int before =
                        (int)
                                line.stream()
                                        .filter(other -> other.id().compareTo(job.id()) < 0)
                                        .count();
                ahead.put(group.classId(), before);
            }
        });
        var known = new HashMap<Integer, Forecast.Tenant>();
        for (int i = 0; i < tenants.size(); i++) {
            int tenant = i;
            long remaining =
                    workers.stream()
                            .flatMap(worker -> worker.held.stream())
                            .filter(held -> held.tenant() == tenant)
                            .mapToLong(held -> model(held.group()).runMs())
                            .sum();
            known.put(
                    i,
                    new Forecast.Tenant(
                            tenants.get(i).weight(),
                            tenants.get(i).maxRunning(),
                            leases(i),
                            remaining));
        }
        return new Forecast(gpus, lines, known).start(line(job.group(), 0), ahead);
    }

    private Forecast.Line line(Group group, int jobs) {
        var gpus = new BitSet();
        for (int i = 0; i < workers.size(); i++) {
            gpus.set(i, workers.get(i).models.contains(model(group).name()));
        }
        return new Forecast.Line(
                group.tenant(),
                group.classId(),
                group.band(),
                jobs,
                gpus,
                model(group).runMs(),
                model(group).loadMs());
    }

    /// All jobs that wait.
    List<Job> waiting() {
        return waiting.values().stream().flatMap(line -> line.stream()).toList();
    }

    int leases(int tenant) {
        return leases.getOrDefault(tenant, 0);
    }

    private void arrive() {
        for (int i = 0; i < tenants.size(); i++) {
            if (random.nextDouble() < (double) TICK_MS / tenants.get(i).everyMs()) {
                submit(i);
            }
        }
    }

    /// This tenant submits its jobs now.
    void submit(int tenant) {
        var of = tenants.get(tenant);
        submit(tenant, of.models().get(random.nextInt(of.models().size())), of.band(), of.burst());
    }

    void submit(int tenant, Model model, int band, int jobs) {
        var group = new Group(tenant, classes.indexOf(model.name()), (short) band);
        for (int k = 0; k < jobs; k++) {
            submitted++;
            long runMs = (long) (model.runMs() * (0.5 + random.nextDouble()));
            waiting.computeIfAbsent(group, _ -> new ArrayDeque<>())
                    .add(new Job(id(submitted), tenant, group, runMs, now));
        }
    }

    private void work(Worker worker) {
        long budget = TICK_MS;
        while (budget > 0 && !worker.held.isEmpty()) {
            var job = worker.held.getFirst();
            var model = model(job.group());
            if (worker.left < 0) {
                boolean loads = !model.name().equals(worker.loaded);
                worker.left = job.runMs() + (loads ? model.loadMs() : 0);
                worker.loaded = model.name();
                worker.ran = 0;
            }
            long step = Math.min(budget, worker.left);
            budget -= step;
            worker.left -= step;
            worker.ran += step;
            busyMs += step;
            if (worker.left == 0) {
                worker.held.removeFirst();
                worker.left = -1;
                worker.ran = 0;
                leases.merge(job.tenant(), -1, Integer::sum);
                usefulMs += job.runMs();
                if (shared) {
                    shares.charge(job.tenant(), job.runMs() - model.runMs());
                }
            }
        }
    }

    private Snapshot snapshot() {
        var lines = new ArrayList<Waiting>();
        waiting.forEach((group, line) -> {
            if (!line.isEmpty()) {
                var heads =
                        line.stream()
                                .limit(HEADS)
                                .map(job -> new Head(group, job.id(), null, now - job.submitted()));
                lines.add(
                        new Waiting(
                                group,
                                needs(model(group)),
                                estimate(model(group)),
                                heads.toList(),
                                now
                                        - Math.max(
                                                line.getFirst().submitted(),
                                                servedAt.getOrDefault(group, 0L)),
                                now - passedSince.getOrDefault(group, now)));
            }
        });
        shares.activate(
                IntStream.range(0, tenants.size())
                        .filter(i ->
                                leases(i) > 0
                                        || lines.stream().anyMatch(l -> l.group().tenant() == i))
                        .boxed()
                        .toList());
        Map<Integer, Share> now = shares.now(leases);
        if (!shared) {
            now =
                    now.entrySet().stream()
                            .collect(
                                    Collectors.toMap(
                                            Map.Entry::getKey,
                                            e -> new Share(0, 1e12, e.getValue().room())));
        }
        return new Snapshot(
                lines,
                workers.stream().map(this::candidate).toList(),
                now,
                Pauses.NONE,
                policy,
                500);
    }

    private Candidate candidate(Worker worker) {
        long remaining = 0;
        for (var job : worker.held) {
            long ran = job.equals(worker.held.getFirst()) ? worker.ran : 0;
            remaining += Math.max(0, model(job.group()).runMs() - ran);
        }
        return new Candidate(
                worker.id,
                "default",
                worker.held.isEmpty() ? worker.loaded : worker.asked,
                24_000,
                new Capabilities(worker.models, Set.of("KSampler")),
                worker.held.size(),
                remaining);
    }

    private Placed place(JobId id, Group group, long workerId) {
        var line = Objects.requireNonNull(waiting.get(group));
        var job = line.stream().filter(j -> j.id().equals(id)).findFirst().orElseThrow();
        line.remove(job);
        var worker = workers.get((int) workerId - 1);
        long behindMs =
                worker.held.stream().mapToLong(Job::runMs).sum()
                        - (worker.held.isEmpty() ? 0 : worker.ran);
        worker.held.add(job);
        worker.asked = model(group).name();
        servedAt.put(group, now);
        leases.merge(job.tenant(), 1, Integer::sum);
        if (shared) {
            shares.begin(job.tenant(), model(group).runMs());
        }
        return new Placed(job, worker, now - job.submitted(), behindMs);
    }

    private Model model(Group group) {
        return Objects.requireNonNull(models.get(classes.get(group.classId())));
    }

    private static JobClass needs(Model model) {
        return new JobClass(model.name(), List.of(model.name()), List.of("KSampler"), 0, "default");
    }

    private static Estimate estimate(Model model) {
        return new Estimate(model.runMs(), model.loadMs(), 10);
    }

    private static JobId id(long order) {
        return new JobId(new UUID(order, order));
    }
}
