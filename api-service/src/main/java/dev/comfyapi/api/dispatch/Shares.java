package dev.comfyapi.api.dispatch;

import dev.comfyapi.api.dispatch.Snapshot.Share;
import dev.comfyapi.db.queue.TenantRow;

import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// What each tenant has used of the GPUs, in virtual time: GPU seconds divided by its weight. The
/// one with the least virtual time is served first, so that over time each gets its share. Not
/// thread-safe: the leader's.
///
/// Start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996): who comes back after a pause
/// starts where the job that is being served began, so that nobody can save up time by being idle,
/// and whoever comes anew is next.
final class Shares {

    private final Map<Integer, Double> vtimes = new HashMap<>();

    /// Virtual time of each tenant before its last job was charged: where the job that is being
    /// served began.
    private final Map<Integer, Double> starts = new HashMap<>();

    private Map<Integer, TenantRow> tenants = Map.of();
    private Set<Integer> active = Set.of();

    /// What the database says of the tenants. Virtual times are taken from it once; afterwards this
    /// leader knows better.
    void read(List<TenantRow> rows) {
        var read = new HashMap<Integer, TenantRow>();
        for (var row : rows) {
            read.put(row.id(), row);
            vtimes.putIfAbsent(row.id(), row.vtime());
        }
        tenants = read;
    }

    /// @param withWork tenants that have jobs waiting or running
    void activate(Collection<Integer> withWork) {
        var least =
                withWork.stream()
                        .filter(active::contains)
                        .mapToDouble(tenant -> start(tenant))
                        .min();
        if (least.isPresent()) {
            for (var tenant : withWork) {
                if (!active.contains(tenant)) {
                    vtimes.merge(tenant, least.getAsDouble(), Math::max);
                }
            }
        }
        active = new HashSet<>(withWork);
    }

    private double start(int tenant) {
        double vtime = vtimes.getOrDefault(tenant, 0.0);
        return Math.min(vtime, starts.getOrDefault(tenant, vtime));
    }

    /// Charges a job that gets a worker.
    void begin(int tenant, long gpuMs) {
        starts.put(tenant, vtimes.getOrDefault(tenant, 0.0));
        charge(tenant, gpuMs);
    }

    /// Adds GPU time to what a tenant has used; a negative time takes it back.
    void charge(int tenant, long gpuMs) {
        var row = tenants.get(tenant);
        vtimes.merge(tenant, gpuMs / 1_000.0 / (row == null ? 1 : row.weight()), Double::sum);
    }

    /// What each tenant may still have now. Who is paused, or has used the GPU time of the day, may
    /// have nothing.
    ///
    /// @param leases held by tenant
    Map<Integer, Share> now(Map<Integer, Integer> leases) {
        var shares = new HashMap<Integer, Share>();
        tenants.forEach((id, row) -> {
            Long day = row.gpuMsDay();
            boolean may = !row.paused() && (day == null || row.usedMs() < day);
            int room = may ? row.maxRunning() - leases.getOrDefault(id, 0) : 0;
            shares.put(
                    id, new Share(vtimes.getOrDefault(id, 0.0), row.weight(), Math.max(0, room)));
        });
        return shares;
    }

    boolean isPaused(int tenant) {
        var row = tenants.get(tenant);
        return row != null && row.paused();
    }

    /// The virtual times, to be kept.
    Map<Integer, Double> virtualTimes() {
        var known = new HashMap<>(vtimes);
        known.keySet().retainAll(tenants.keySet());
        return known;
    }
}
