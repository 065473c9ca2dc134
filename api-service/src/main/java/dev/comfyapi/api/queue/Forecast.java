package dev.comfyapi.api.queue;

import org.jspecify.annotations.Nullable;

import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// When a waiting job is expected to start. A pure function of one moment.
///
/// The leader shares GPUs by weight, so by the time that the jobs before this one have been run,
/// every other tenant has been served in proportion to its weight, but not more than it has work:
/// the GPUs that can run the job have then done the sum of it all, and of what they hold now. That
/// sum, divided by their number, is the likely time. The late one takes it that no tenant that has
/// work now will run out of it, and that runs take longer than expected.
///
/// What it leaves out: jobs that nobody has submitted yet, and the choice of workers by loaded
/// models.
public final class Forecast {

    /// How much longer than computed it takes in one case of ten; measured, see
    /// ForecastSimulationTest.
    private static final double LATE = 1.8;

    /// What loading costs where GPUs change between models: the leader lets it take a fifth of
    /// their time at most.
    private static final double CHANGES = 1.15;

    /// How much of what they might get others will have sent by then; measured there as well.
    private static final double RETURNING = 0.3;

    /// The limits of other tenants make the likely time depend on itself; it settles fast.
    private static final int ROUNDS = 3;

    private final List<Gpu> gpus;
    private final List<Line> lines;
    private final Map<Integer, Tenant> tenants;

    /// A GPU that begins jobs.
    ///
    /// @param remainingMs until it has run what it holds
    public record Gpu(long remainingMs) {}

    /// A group of waiting jobs.
    ///
    /// @param gpus which can run them, by their number
    /// @param loadMs expected time to load their model
    public record Line(
            int tenant, int classId, int band, int jobs, BitSet gpus, long runMs, long loadMs) {}

    /// What a tenant may have and has.
    ///
    /// @param running its leases
    /// @param remainingMs expected time until each has ended, summed up
    public record Tenant(double weight, int maxRunning, int running, long remainingMs) {}

    public Forecast(List<Gpu> gpus, List<Line> lines, Map<Integer, Tenant> tenants) {
        this.gpus = List.copyOf(gpus);
        this.lines = List.copyOf(lines);
        this.tenants = Map.copyOf(tenants);
    }

    /// @param likelyMs from now; as many start earlier as later
    /// @param lateMs from now; nine of ten have started by then
    public record Start(long likelyMs, long lateMs) {}

    /// @param job the group of the asked job; its number of jobs does not matter
    /// @param ahead how many jobs of its tenant and band wait before it, by class; what is not said
    ///   of a class is taken from its group, by half
    /// @return empty when no GPU that can run it begins jobs, or its tenant may have none
    public Optional<Start> start(Line job, Map<Integer, Integer> ahead) {
        int count = job.gpus().cardinality();
        @Nullable Tenant tenant = tenants.get(job.tenant());
        if (count == 0 || tenant == null || tenant.maxRunning() == 0) {
            return Optional.empty();
        }
        double own = 0;
        var rivals = new HashMap<Integer, Double>();
        var models = new HashSet<Integer>();
        double loads = 0;
        double work = 0;
        double waiting = 0;
        for (var line : lines) {
            double share = share(line.gpus(), job.gpus());
            double jobs = share * line.jobs();
            if (share == 0) {
                continue;
            }
            work += jobs * line.runMs();
            waiting += jobs;
            if (line.tenant() != job.tenant()) {
                rivals.merge(line.tenant(), jobs * line.runMs(), Double::sum);
            } else if (line.band() < job.band()) {
                own += jobs * line.runMs();
            } else if (line.band() == job.band()) {
                own += share * line.runMs() * ahead.getOrDefault(line.classId(), line.jobs() / 2);
            }
            if (line.classId() != job.classId() && models.add(line.classId())) {
                loads += share * line.loadMs();
            }
        }
        if (!models.isEmpty()) {
            own *= CHANGES;
            rivals.replaceAll((_, amount) -> amount * CHANGES);
        }
        double mean = waiting == 0 ? job.runMs() : work / waiting;
        double held = 0;
        long first = Long.MAX_VALUE;
        for (int i = job.gpus().nextSetBit(0); i >= 0; i = job.gpus().nextSetBit(i + 1)) {
            held += gpus.get(i).remainingMs();
            first = Math.min(first, gpus.get(i).remainingMs());
        }
        // Who has something running has been charged for it: the others are served first.
        double lag = tenant.running() > 0 || own > 0 ? mean / 2 : 0;
        double virtual = (own + lag) / tenant.weight();
        double pressure = 0;
        for (var rival : rivals.keySet()) {
            @Nullable Tenant other = tenants.get(rival);
            pressure += other == null ? 0 : other.weight();
        }
        double limit = ownLimit(tenant, own, mean);
        double likely = Math.max((double) first, limit);
        for (int round = 0; round < ROUNDS; round++) {
            double served = 0;
            for (var rival : rivals.entrySet()) {
                @Nullable Tenant other = tenants.get(rival.getKey());
                if (other != null) {
                    served +=
                            Math.min(
                                    Math.min(rival.getValue(), other.weight() * virtual),
                                    other.maxRunning() * Math.max(likely, mean));
                }
            }
            double before = held + own + served - (count - 1) * mean / 2;
            likely = Math.max(Math.max((double) first, limit), before / count);
        }
        double pressed = Math.max(likely, (held + own + pressure * virtual) / count);
        double late = pressed * LATE + mean + loads / count;
        likely += (pressed - likely) * RETURNING;
        return Optional.of(new Start(Math.round(likely), Math.round(late)));
    }

    /// When a tenant at its limit may have one more.
    private static double ownLimit(Tenant tenant, double own, double mean) {
        int most = tenant.maxRunning();
        if (tenant.running() + own / Math.max(1, mean) < most) {
            return 0;
        }
        return Math.max(0, (tenant.remainingMs() + own - (most - 1) * mean / 2) / most);
    }

    /// How much of a group's work falls to these GPUs.
    private static double share(BitSet all, BitSet these) {
        int count = all.cardinality();
        if (count == 0) {
            return 0;
        }
        var both = (BitSet) all.clone();
        both.and(these);
        return (double) both.cardinality() / count;
    }
}
