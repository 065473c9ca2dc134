package dev.comfyapi.api.dispatch;

import dev.comfyapi.db.queue.Estimate;
import dev.comfyapi.db.queue.HeldLease;
import dev.comfyapi.db.queue.LeaderStore;
import dev.comfyapi.db.queue.LeaderStore.Run;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.LeaseKey;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// What leases cost: a tenant is charged what a job is expected to take when it gets a worker, and
/// what it took in the end when the lease is gone. From the same figures the expectations are
/// learned. Not thread-safe: the leader's.
///
/// The time to load a model is nobody's debt. An attempt that did not succeed costs what it was
/// last seen to have run, so that neither a failing job is free nor a job given back is paid for.
final class Accounts {

    private final Shares shares;
    private final Map<Integer, Estimate> estimates = new HashMap<>();
    private final Map<LeaseKey, Charge> open = new HashMap<>();
    private final List<Ended> ended = new ArrayList<>();

    /// @param loads whether the worker has to load the job's model first
    /// @param ranMs how long it was last seen to run
    private record Charge(int tenant, int classId, long gpuMs, boolean loads, long ranMs) {
        Charge seen(@Nullable Long runningMs) {
            return runningMs == null ? this : new Charge(tenant, classId, gpuMs, loads, runningMs);
        }
    }

    private record Ended(LeaseKey lease, Charge charge) {}

    Accounts(Shares shares) {
        this.shares = shares;
    }

    /// Makes sure that the expectations of these classes are known.
    void know(LeaderStore store, Collection<Integer> classes) {
        var unknown = classes.stream().filter(id -> !estimates.containsKey(id)).toList();
        if (!unknown.isEmpty()) {
            estimates.putAll(store.estimates(unknown));
        }
    }

    Estimate estimate(int classId) {
        return estimates.getOrDefault(classId, Estimate.GUESS);
    }

    /// A job has got a worker.
    void begin(LeaseKey lease, int tenant, int classId, boolean loads) {
        long gpuMs = estimate(classId).runMs();
        shares.begin(tenant, gpuMs);
        open.put(lease, new Charge(tenant, classId, gpuMs, loads, 0));
    }

    /// All leases there are; what is not among them any more has ended. Those that an earlier
    /// leader made were charged by it.
    void see(List<HeldLease> leases) {
        var keys = new HashSet<LeaseKey>();
        for (var lease : leases) {
            keys.add(lease.key());
            var charge = open.get(lease.key());
            open.put(
                    lease.key(),
                    (charge == null
                                    ? new Charge(
                                            lease.tenant(),
                                            lease.classId(),
                                            estimate(lease.classId()).runMs(),
                                            true,
                                            0)
                                    : charge)
                            .seen(lease.runningMs()));
        }
        open.entrySet()
                .removeIf(entry -> {
                    boolean gone = !keys.contains(entry.getKey());
                    if (gone) {
                        ended.add(new Ended(entry.getKey(), entry.getValue()));
                    }
                    return gone;
                });
    }

    /// Settles what has ended, and keeps the accounts in the database.
    void settle(LeaderStore store) {
        if (!ended.isEmpty()) {
            var runs = new HashMap<JobId, Run>();
            for (var run : store.runs(ended.stream().map(e -> e.lease().job()).toList())) {
                runs.put(run.job(), run);
            }
            var learned = new HashMap<Integer, Estimate>();
            var used = new HashMap<Integer, Long>();
            for (var end : ended) {
                // If a job was given to two workers since the last time, the run is the later's;
                // for the earlier the difference is small and the same tenant's.
                settle(end.charge(), runs.remove(end.lease().job()), learned, used);
            }
            ended.clear();
            if (!learned.isEmpty()) {
                store.keepEstimates(learned);
            }
            if (!used.isEmpty()) {
                store.addUsage(used);
            }
        }
        store.keepVirtualTimes(shares.virtualTimes());
    }

    private void settle(
            Charge charge,
            @Nullable Run run,
            Map<Integer, Estimate> learned,
            Map<Integer, Long> used) {
        if (run == null) {
            shares.charge(charge.tenant(), charge.ranMs() - charge.gpuMs());
            used.merge(charge.tenant(), charge.ranMs(), Long::sum);
            return;
        }
        var before = estimate(charge.classId());
        var after =
                charge.loads() ? before.afterLoadAndRun(run.gpuMs()) : before.afterRun(run.gpuMs());
        estimates.put(charge.classId(), after);
        learned.put(charge.classId(), after);
        long cost = charge.loads() ? Math.min(run.gpuMs(), charge.gpuMs()) : run.gpuMs();
        shares.charge(charge.tenant(), cost - charge.gpuMs());
        used.merge(charge.tenant(), (long) run.gpuMs(), Long::sum);
    }

    /// Forgets the expectations of classes that nobody needs now; the database has them.
    void forgetAllBut(Set<Integer> classes) {
        estimates.keySet().retainAll(classes);
    }
}
