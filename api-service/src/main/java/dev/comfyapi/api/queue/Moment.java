package dev.comfyapi.api.queue;

import dev.comfyapi.db.queue.Estimate;
import dev.comfyapi.db.queue.HeldLease;
import dev.comfyapi.db.queue.LiveWorker;
import dev.comfyapi.db.queue.OutlookStore.Look;
import dev.comfyapi.db.queue.Pauses;
import dev.comfyapi.db.queue.TenantRow;
import dev.comfyapi.model.job.JobClass;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.LeaseStage;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;

/// Queue and fleet at one moment, and what follows from it. Immutable.
final class Moment {

    private final Look look;
    private final List<LiveWorker> working;
    private final Map<Long, List<HeldLease>> held = new HashMap<>();
    private final Map<Integer, Integer> leases = new HashMap<>();
    private final Forecast forecast;

    Moment(Look look) {
        this.look = look;
        for (var lease : look.leases()) {
            leases.merge(lease.tenant(), 1, Integer::sum);
            if (lease.stage() != LeaseStage.STORING) {
                held.computeIfAbsent(lease.key().worker(), _ -> new ArrayList<>()).add(lease);
            }
        }
        working = look.workers().stream().filter(LiveWorker::accepting).toList();
        var gpus =
                working.stream()
                        .map(worker -> new Forecast.Gpu(remainingMs(held(worker.id()))))
                        .toList();
        var lines = new ArrayList<Forecast.Line>();
        for (var depth : look.depths()) {
            var group = depth.group();
            @Nullable JobClass needs = look.classes().get(group.classId());
            @Nullable TenantRow tenant = look.tenants().get(group.tenant());
            if (needs == null
                    || tenant == null
                    || tenant.paused()
                    || look.pauses().cover(needs.pool())) {
                continue;
            }
            lines.add(line(tenant.id(), group.classId(), group.band(), depth.jobs(), needs));
        }
        forecast = new Forecast(gpus, lines, tenants());
    }

    private Forecast.Line line(int tenant, int classId, int band, int jobs, JobClass needs) {
        var estimate = estimate(classId);
        return new Forecast.Line(
                tenant, classId, band, jobs, gpus(needs), estimate.runMs(), estimate.loadMs());
    }

    private Map<Integer, Forecast.Tenant> tenants() {
        var remaining = new HashMap<Integer, Long>();
        held.values()
                .forEach(list ->
                        list.forEach(lease ->
                                remaining.merge(lease.tenant(), remainingMs(lease), Long::sum)));
        var tenants = new HashMap<Integer, Forecast.Tenant>();
        look.tenants()
                .forEach((id, row) ->
                        tenants.put(
                                id,
                                new Forecast.Tenant(
                                        row.weight(),
                                        row.maxRunning(),
                                        leases(id),
                                        remaining.getOrDefault(id, 0L))));
        return tenants;
    }

    /// Which of the workers that begin jobs can run this.
    private BitSet gpus(JobClass needs) {
        var gpus = new BitSet();
        for (int i = 0; i < working.size(); i++) {
            gpus.set(i, canRun(working.get(i), needs));
        }
        return gpus;
    }

    private boolean canRun(LiveWorker worker, JobClass needs) {
        var has = Objects.requireNonNull(look.capabilities().get(worker.catalogueHash()));
        return needs.runsOn(worker.pool(), worker.vramMb(), has.models(), has.nodes());
    }

    private List<HeldLease> held(long worker) {
        return held.getOrDefault(worker, List.of());
    }

    private Estimate estimate(int classId) {
        return look.estimates().getOrDefault(classId, Estimate.GUESS);
    }

    /// What has taken longer than expected takes half as long again.
    private long remainingMs(HeldLease lease) {
        long expected = estimate(lease.classId()).runMs();
        @Nullable Long running = lease.runningMs();
        return running == null ? expected : Math.max(expected - running, expected / 2);
    }

    private long remainingMs(Collection<HeldLease> list) {
        return list.stream().mapToLong(this::remainingMs).sum();
    }

    // -- of one job -----------------------------------------------------------------------------

    Pauses pauses() {
        return look.pauses();
    }

    Optional<TenantRow> tenant(int id) {
        return Optional.ofNullable(look.tenants().get(id));
    }

    /// Jobs of a tenant that a worker has.
    int leases(int tenant) {
        return leases.getOrDefault(tenant, 0);
    }

    /// Live workers that can run this and that no operator has put out of use.
    List<LiveWorker> capable(JobClass needs) {
        return look.workers().stream()
                .filter(worker -> !worker.quarantined() && canRun(worker, needs))
                .toList();
    }

    boolean isIdle(LiveWorker worker) {
        return worker.accepting() && held(worker.id()).isEmpty();
    }

    /// Live workers of a pool, also those out of use.
    int workers(String pool) {
        return (int) look.workers().stream().filter(worker -> worker.pool().equals(pool)).count();
    }

    /// What of this no live worker of its pool has.
    List<String> missing(JobClass needs) {
        var missing = new ArrayList<>(needs.models());
        missing.addAll(needs.nodes());
        for (var worker : look.workers()) {
            if (worker.pool().equals(needs.pool())) {
                var has = Objects.requireNonNull(look.capabilities().get(worker.catalogueHash()));
                missing.removeAll(has.models());
                missing.removeAll(has.nodes());
            }
        }
        return missing;
    }

    /// Further classes of a tenant that have jobs in this band.
    List<Integer> classes(int tenant, int band) {
        return look.depths().stream()
                .map(depth -> depth.group())
                .filter(group -> group.tenant() == tenant && group.band() == band)
                .map(group -> group.classId())
                .toList();
    }

    Optional<Forecast.Start> start(
            int tenant, int band, int classId, JobClass needs, Map<Integer, Integer> ahead) {
        return forecast.start(line(tenant, classId, band, 0, needs), ahead);
    }

    /// When the worker that has this job will have run what it has besides.
    Optional<Duration> afterOthers(JobId job) {
        return look.leases().stream()
                .filter(lease -> lease.key().job().equals(job))
                .findFirst()
                .map(mine ->
                        Duration.ofMillis(
                                remainingMs(
                                        held(mine.key().worker()).stream()
                                                .filter(other -> isBefore(other, mine))
                                                .toList())));
    }

    private static boolean isBefore(HeldLease other, HeldLease mine) {
        return other.stage() == LeaseStage.RUNNING
                || other.key().job().compareTo(mine.key().job()) < 0;
    }

    // -- of pools -------------------------------------------------------------------------------

    /// The figures of all pools that have workers or jobs.
    Map<String, PoolFigures> pools(Duration targetWait) {
        var sums = new TreeMap<String, Sum>();
        look.workers().forEach(worker -> sums.computeIfAbsent(worker.pool(), _ -> new Sum()));
        for (var lease : look.leases()) {
            @Nullable JobClass needs = look.classes().get(lease.classId());
            if (needs != null) {
                sums.computeIfAbsent(needs.pool(), _ -> new Sum()).running++;
            }
        }
        for (var worker : look.workers()) {
            var list = held(worker.id());
            if (!list.isEmpty()) {
                var sum = Objects.requireNonNull(sums.get(worker.pool()));
                sum.busy++;
                sum.spareMs += Math.max(0, targetWait.toMillis() - remainingMs(list));
            }
        }
        for (var depth : look.depths()) {
            var group = depth.group();
            @Nullable JobClass needs = look.classes().get(group.classId());
            if (needs != null) {
                var sum = sums.computeIfAbsent(needs.pool(), _ -> new Sum());
                sum.waiting += depth.jobs();
                sum.oldestMs = Math.max(sum.oldestMs, depth.oldestWaitMs());
                sum.backlogMs += depth.jobs() * estimate(group.classId()).runMs();
                sum.byTenant.merge(group.tenant(), depth.jobs(), Integer::sum);
            }
        }
        var figures = new TreeMap<String, PoolFigures>();
        sums.forEach((pool, sum) -> figures.put(pool, figures(pool, sum, targetWait)));
        return figures;
    }

    /// What is summed up of one pool.
    ///
    /// `spareMs` is the time within the wished one that workers have which are busy now.
    private static final class Sum {
        private final Map<Integer, Integer> byTenant = new HashMap<>();
        private int waiting;
        private int running;
        private int busy;
        private long oldestMs;
        private long backlogMs;
        private long spareMs;
    }

    /// Busy workers stay; for what they will not have begun in time others are needed, though no
    /// more than there are jobs that may start.
    private PoolFigures figures(String pool, Sum sum, Duration targetWait) {
        boolean paused = look.pauses().cover(pool);
        long startable = paused ? 0 : startable(sum);
        long target = targetWait.toMillis();
        long more = Math.max(0, (sum.backlogMs - sum.spareMs + target - 1) / target);
        return new PoolFigures(
                pool,
                sum.waiting,
                sum.running,
                sum.oldestMs,
                sum.backlogMs,
                (int) Math.min(Integer.MAX_VALUE, sum.busy + Math.min(more, startable)),
                paused);
    }

    private long startable(Sum sum) {
        long jobs = 0;
        for (var entry : sum.byTenant.entrySet()) {
            @Nullable TenantRow tenant = look.tenants().get(entry.getKey());
            if (tenant != null && !tenant.paused()) {
                int room = Math.max(0, tenant.maxRunning() - leases(tenant.id()));
                jobs += Math.min(entry.getValue(), room);
            }
        }
        return jobs;
    }
}
