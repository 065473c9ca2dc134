package dev.comfyapi.db.job;

import dev.comfyapi.db.job.JobStore.Running;
import dev.comfyapi.db.webhook.Hooks;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.LeaseKey;

import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

import java.util.Collection;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;

/// The jobs of a tenant that have not ended, many at a time. Thread-safe.
public final class LiveJobStore {

    private static final int CHUNK = 1_000;

    /// Each walk steps through one index and never looks back.
    private static final String DELAYED =
            """
            SELECT :class AS class_id, :band AS band, job_id FROM delayed
            WHERE tenant_id = :tenant AND job_id > :job
            ORDER BY job_id LIMIT :most
            """;

    private static final String WAITING =
            """
            SELECT class_id, band, job_id FROM queue
            WHERE tenant_id = :tenant AND (class_id, band, job_id) > (:class, :band, :job)
            ORDER BY class_id, band, job_id LIMIT :most
            """;

    /// There are few leases: as many as workers have slots.
    private static final String LEASED =
            """
            SELECT :class AS class_id, :band AS band, job_id FROM lease
            WHERE tenant_id = :tenant AND NOT canceled AND job_id > :job
            ORDER BY job_id LIMIT :most
            """;

    /// Waits for no token: others who take many, in another order, could be waiting for one of
    /// these. What is left out is being moved, and is asked again.
    private static final String CANCEL =
            """
            WITH k AS (
                SELECT id, tenant_id, class_id, band FROM job
                WHERE id = ANY (:ids::uuid[]) AND tenant_id = :tenant AND state = 0),
            q AS (
                DELETE FROM queue WHERE (tenant_id, class_id, band, job_id) IN (
                    SELECT q.tenant_id, q.class_id, q.band, q.job_id
                    FROM queue q JOIN k ON (q.tenant_id, q.class_id, q.band, q.job_id)
                                         = (k.tenant_id, k.class_id, k.band, k.id)
                    FOR UPDATE OF q SKIP LOCKED)
                RETURNING job_id, epoch),
            d AS (
                DELETE FROM delayed WHERE job_id IN (
                    SELECT d.job_id FROM delayed d JOIN k ON d.job_id = k.id FOR UPDATE OF d SKIP LOCKED)
                RETURNING job_id, epoch),
            l AS (
                UPDATE lease SET canceled = true WHERE job_id IN (
                    SELECT l.job_id FROM lease l JOIN k ON l.job_id = k.id WHERE NOT l.canceled
                    FOR UPDATE OF l SKIP LOCKED)
                RETURNING job_id, epoch, worker_id),
            t AS (
                SELECT job_id, epoch, NULL::bigint AS worker_id FROM q
                UNION ALL SELECT job_id, epoch, NULL FROM d
                UNION ALL SELECT job_id, epoch, worker_id FROM l),
            j AS (
                UPDATE job SET state = 3, finished_at = now(), epoch = t.epoch, worker_id = t.worker_id
                FROM t WHERE id = t.job_id AND state = 0
                %s),
            h AS (%s)
            SELECT t.job_id, t.epoch, t.worker_id, w.lane
            FROM t JOIN j ON j.id = t.job_id LEFT JOIN worker w ON w.id = t.worker_id
            """
                    .formatted(Hooks.RETURNING, Hooks.ENDED);

    private final JdbcClient jdbc;

    public LiveJobStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    private record Spot(int classId, short band, JobId job) {
        private static final Spot FIRST = new Spot(Integer.MIN_VALUE, Short.MIN_VALUE, JobId.FIRST);
    }

    /// Shows all live jobs of a tenant, a thousand at a time.
    ///
    /// Not one moment: a job that goes the usual way meanwhile (scheduled, queued, with a worker)
    /// is shown at least once, one that comes back from a worker may be missed.
    public void walk(int tenant, Consumer<List<JobId>> look) {
        for (var place : List.of(DELAYED, WAITING, LEASED)) {
            var after = Spot.FIRST;
            List<Spot> spots;
            do {
                spots = next(place, tenant, after);
                if (!spots.isEmpty()) {
                    after = spots.getLast();
                    look.accept(spots.stream().map(Spot::job).toList());
                }
            } while (spots.size() == CHUNK);
        }
    }

    private List<Spot> next(String place, int tenant, Spot after) {
        return jdbc.sql(place)
                .param("tenant", tenant)
                .param("class", after.classId)
                .param("band", after.band)
                .param("job", after.job.value())
                .param("most", CHUNK)
                .query((rs, _) ->
                        new Spot(
                                rs.getInt("class_id"),
                                rs.getShort("band"),
                                new JobId(rs.getObject("job_id", UUID.class))))
                .list();
    }

    /// Those among these jobs that live and are meant.
    public List<JobId> select(int tenant, JobFilter filter, Collection<JobId> among) {
        var statement =
                jdbc.sql(
                                "SELECT j.id"
                                        + JobStore.FROM
                                        + "WHERE j.id = ANY (:ids::uuid[]) AND j.tenant_id = :tenant"
                                        + " AND j.state = 0"
                                        + filter.condition())
                        .param("ids", texts(among))
                        .param("tenant", tenant);
        return filter.bind(statement)
                .query((rs, _) -> new JobId(rs.getObject("id", UUID.class)))
                .list();
    }

    /// Shows all live jobs of a batch, a thousand at a time, in order of submission.
    public void walkBatch(int tenant, UUID batch, Consumer<List<JobId>> look) {
        var after = JobId.FIRST;
        List<JobId> jobs;
        do {
            jobs =
                    jdbc.sql(
                                    """
                                    SELECT id FROM job
                                    WHERE batch_id = :batch AND tenant_id = :tenant AND id > :after AND state = 0
                                    ORDER BY id LIMIT :most
                                    """)
                            .param("batch", batch)
                            .param("tenant", tenant)
                            .param("after", after.value())
                            .param("most", CHUNK)
                            .query((rs, _) -> new JobId(rs.getObject("id", UUID.class)))
                            .list();
            if (!jobs.isEmpty()) {
                after = jobs.getLast();
                look.accept(jobs);
            }
        } while (jobs.size() == CHUNK);
    }

    /// A job that was canceled just now.
    ///
    /// @param running who is to stop working on it; null when nobody had it
    public record Canceled(JobId job, @Nullable Running running) {}

    /// Ends these jobs for their client, those that live and whose token is not being moved just
    /// now; answers them. Safe to repeat.
    public List<Canceled> cancel(int tenant, Collection<JobId> jobs) {
        return jdbc.sql(CANCEL)
                .param("ids", texts(jobs))
                .param("tenant", tenant)
                .query((rs, _) -> {
                    var job = new JobId(rs.getObject("job_id", UUID.class));
                    long worker = rs.getLong("worker_id");
                    return rs.wasNull()
                            ? new Canceled(job, null)
                            : new Canceled(
                                    job,
                                    new Running(
                                            new LeaseKey(job, rs.getInt("epoch"), worker),
                                            rs.getInt("lane")));
                })
                .list();
    }

    private static String[] texts(Collection<JobId> jobs) {
        return jobs.stream().map(JobId::toString).toArray(String[]::new);
    }
}
