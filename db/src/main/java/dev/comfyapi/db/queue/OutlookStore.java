package dev.comfyapi.db.queue;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;

import dev.comfyapi.db.queue.LeaderStore.Capabilities;
import dev.comfyapi.model.job.JobClass;
import dev.comfyapi.model.job.JobId;

import org.springframework.jdbc.core.simple.JdbcClient;

import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/// How the queue and the fleet stand, for telling: who could work, who works, who waits. Reads
/// only; thread-safe.
public final class OutlookStore {

    /// Waiting jobs counted in one look, over all groups: what it costs is bounded.
    private static final int MOST_COUNTED = 50_000;

    private static final String DEPTHS =
            """
            SELECT g.t AS tenant_id, g.c AS class_id, g.b AS band, d.jobs,
                   (extract(epoch FROM now() - h.queued_at) * 1000)::bigint AS waited_ms
            FROM unnest(:tenants::int[], :classes::int[], :bands::smallint[]) AS g(t, c, b)
            CROSS JOIN LATERAL (
                SELECT count(*) AS jobs FROM (
                    SELECT FROM queue WHERE tenant_id = g.t AND class_id = g.c AND band = g.b LIMIT :most) q) d
            CROSS JOIN LATERAL (
                SELECT queued_at FROM queue WHERE tenant_id = g.t AND class_id = g.c AND band = g.b
                ORDER BY job_id LIMIT 1) h
            """;

    /// The job's own class is always among those counted.
    private static final String AHEAD =
            """
            SELECT c.id AS class_id, c.id = j.class_id AS own,
                   (SELECT count(*) FROM (
                       SELECT FROM queue q
                       WHERE q.tenant_id = j.tenant_id AND q.class_id = c.id AND q.band = j.band AND q.job_id < j.id
                       LIMIT :most) q) AS ahead
            FROM job j
            CROSS JOIN LATERAL (SELECT j.class_id AS id UNION SELECT unnest(:classes::int[])) c
            WHERE j.id = :job AND j.tenant_id = :tenant
            """;

    private final JdbcClient jdbc;

    /// Its reads are what a look is made of.
    private final LeaderStore reads;

    /// Neither ever changes under its name.
    private final Cache<String, Capabilities> catalogues =
            Caffeine.newBuilder().maximumSize(200).build();

    private final Cache<Integer, JobClass> classes =
            Caffeine.newBuilder().maximumSize(10_000).build();

    public OutlookStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
        this.reads = new LeaderStore(jdbc);
    }

    /// How much of a group waits.
    ///
    /// @param jobs counted to a bound
    /// @param oldestWaitMs how long its first job has been waiting
    public record Depth(Group group, int jobs, long oldestWaitMs) {}

    /// One moment.
    ///
    /// @param workers all that are not gone
    /// @param capabilities by the hash of the catalogue
    /// @param classes those of the waiting jobs and of the leases
    /// @param estimates of the same classes
    public record Look(
            List<LiveWorker> workers,
            Map<String, Capabilities> capabilities,
            List<HeldLease> leases,
            List<Depth> depths,
            Map<Integer, TenantRow> tenants,
            Map<Integer, JobClass> classes,
            Map<Integer, Estimate> estimates,
            Pauses pauses) {

        public Look {
            workers = List.copyOf(workers);
            capabilities = Map.copyOf(capabilities);
            leases = List.copyOf(leases);
            depths = List.copyOf(depths);
            tenants = Map.copyOf(tenants);
            classes = Map.copyOf(classes);
            estimates = Map.copyOf(estimates);
        }
    }

    /// A few statements whose cost is bounded, however many jobs wait. What they see may differ by
    /// some milliseconds.
    public Look look() {
        var workers = reads.workers();
        var leases = reads.leases();
        var depths = depths(reads.groups());
        var needed =
                depths.stream().map(depth -> depth.group().classId()).collect(Collectors.toSet());
        leases.forEach(lease -> needed.add(lease.classId()));
        var capabilities = new HashMap<String, Capabilities>();
        for (var worker : workers) {
            capabilities.computeIfAbsent(
                    worker.catalogueHash(), hash -> catalogues.get(hash, reads::catalogue));
        }
        return new Look(
                workers,
                capabilities,
                leases,
                depths,
                reads.tenants().stream().collect(Collectors.toMap(TenantRow::id, t -> t)),
                classes(needed),
                needed.isEmpty() ? Map.of() : reads.estimates(needed),
                reads.pauses());
    }

    private List<Depth> depths(List<Group> groups) {
        if (groups.isEmpty()) {
            return List.of();
        }
        return jdbc.sql(DEPTHS)
                .param("tenants", groups.stream().map(Group::tenant).toArray(Integer[]::new))
                .param("classes", groups.stream().map(Group::classId).toArray(Integer[]::new))
                .param("bands", groups.stream().map(Group::band).toArray(Short[]::new))
                .param("most", Math.max(1, MOST_COUNTED / groups.size()))
                .query((rs, _) ->
                        new Depth(
                                new Group(
                                        rs.getInt("tenant_id"),
                                        rs.getInt("class_id"),
                                        rs.getShort("band")),
                                rs.getInt("jobs"),
                                rs.getLong("waited_ms")))
                .list();
    }

    private Map<Integer, JobClass> classes(Collection<Integer> ids) {
        return classes.getAll(ids, unknown -> reads.classes(List.copyOf(unknown)));
    }

    /// Where a waiting job is among those of its tenant and band.
    ///
    /// @param classId its own
    /// @param ahead jobs submitted before it that wait, by class
    public record Place(int classId, Map<Integer, Integer> ahead) {
        public Place {
            ahead = Map.copyOf(ahead);
        }
    }

    /// @param others further classes of the tenant to be counted
    /// @param most how far each is counted
    public Place place(int tenant, JobId job, Collection<Integer> others, int most) {
        var ahead = new HashMap<Integer, Integer>();
        var own = new int[1];
        jdbc.sql(AHEAD)
                .param("tenant", tenant)
                .param("job", job.value())
                .param("classes", others.toArray(Integer[]::new))
                .param("most", most)
                .query(rs -> {
                    ahead.put(rs.getInt("class_id"), rs.getInt("ahead"));
                    if (rs.getBoolean("own")) {
                        own[0] = rs.getInt("class_id");
                    }
                });
        return new Place(own[0], ahead);
    }
}
