package dev.comfyapi.db.queue;

import dev.comfyapi.db.webhook.Hooks;
import dev.comfyapi.model.job.ErrorCode;
import dev.comfyapi.model.job.JobClass;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.JobState;
import dev.comfyapi.model.job.LeaseKey;
import dev.comfyapi.model.job.LeaseStage;
import dev.comfyapi.model.message.Assignment;

import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;

/// Everything the leader does to tokens, each as one statement. Not thread-safe: it lives on the
/// one connection that also holds the leader's lock, so that a leader that lost the lock has
/// nothing to write with.
///
/// Every statement may be repeated after an unknown outcome: it does what is left to do, or
/// nothing.
public final class LeaderStore {

    /// A graph larger than this is not sent with its assignment; the worker reads it by key.
    private static final int LARGEST_SENT_GRAPH = 65_536;

    /// Workers lost with the same job before the job is suspected.
    private static final int MOST_LOSSES = 3;

    /// Steps from group to group through the primary key; its cost is the number of groups, not of
    /// jobs.
    private static final String GROUPS =
            """
            WITH RECURSIVE g AS (
                (SELECT tenant_id, class_id, band FROM queue ORDER BY 1, 2, 3 LIMIT 1)
                UNION ALL
                SELECT n.* FROM g, LATERAL (
                    SELECT tenant_id, class_id, band FROM queue q
                    WHERE (q.tenant_id, q.class_id, q.band) > (g.tenant_id, g.class_id, g.band)
                    ORDER BY 1, 2, 3 LIMIT 1) n)
            SELECT * FROM g
            """;

    private static final String HEADS =
            """
            SELECT q.tenant_id, q.class_id, q.band, q.job_id, q.avoid_worker,
                   (extract(epoch FROM now() - q.queued_at) * 1000)::bigint AS waited_ms
            FROM unnest(:tenants::int[], :classes::int[], :bands::smallint[], :after::uuid[]) AS g(t, c, b, after)
            CROSS JOIN LATERAL (
                SELECT * FROM queue
                WHERE tenant_id = g.t AND class_id = g.c AND band = g.b AND job_id > g.after
                ORDER BY job_id LIMIT :most) q
            """;

    /// The rows that come back, not the ones asked for, are the leases. The leader may have thought
    /// of a worker that has left since. That is asked row by row: a join would take the tokens in
    /// an order of its own, and two leaders who do not take them in the same order wait for each
    /// other.
    private static final String ASSIGN =
            """
            WITH p AS (
                SELECT * FROM unnest(:tenants::int[], :classes::int[], :bands::smallint[], :jobs::uuid[],
                                     :workers::bigint[])
                AS p(tenant_id, class_id, band, job_id, worker_id)),
            q AS (
                DELETE FROM queue q USING p
                WHERE (q.tenant_id, q.class_id, q.band, q.job_id) = (p.tenant_id, p.class_id, p.band, p.job_id)
                  AND (q.expire_at IS NULL OR q.expire_at > now())
                  AND NOT (SELECT w.gone FROM worker w WHERE w.id = p.worker_id)
                RETURNING q.*, p.worker_id),
            l AS (
                INSERT INTO lease (job_id, epoch, worker_id, tenant_id, class_id, band, failures, losses, expire_at,
                                   finish_by, run_until)
                SELECT q.job_id, q.epoch + 1, q.worker_id, q.tenant_id, q.class_id, q.band, q.failures, q.losses,
                       q.expire_at, j.finish_by, now() + j.run_timeout_ms * interval '1 ms' + interval '10 minutes'
                FROM q JOIN job j ON j.id = q.job_id
                RETURNING *)
            SELECT l.job_id, l.epoch, l.worker_id, l.tenant_id, j.run_timeout_ms, j.keep_metadata, j.traceparent,
                   CASE WHEN octet_length(j.graph) <= :largest THEN convert_from(j.graph, 'UTF8') END AS graph
            FROM l JOIN job j ON j.id = l.job_id
            """;

    private static final String PROMOTE =
            """
            WITH d AS (
                DELETE FROM delayed WHERE job_id IN (
                    SELECT job_id FROM delayed WHERE held_by IS NULL AND due_at <= now() ORDER BY due_at LIMIT :most
                    FOR UPDATE SKIP LOCKED)
                RETURNING *)
            INSERT INTO queue (tenant_id, class_id, band, job_id, epoch, failures, losses, avoid_worker, expire_at)
            SELECT tenant_id, class_id, band, job_id, epoch, failures, losses, avoid_worker, expire_at FROM d
            RETURNING job_id
            """;

    private static final String EXPIRE =
            """
            WITH q AS (
                DELETE FROM queue WHERE (tenant_id, class_id, band, job_id) IN (
                    SELECT tenant_id, class_id, band, job_id FROM queue WHERE expire_at <= now() LIMIT :most
                    FOR UPDATE SKIP LOCKED)
                RETURNING job_id, epoch),
            d AS (
                DELETE FROM delayed WHERE job_id IN (
                    SELECT job_id FROM delayed WHERE expire_at <= now() LIMIT :most FOR UPDATE SKIP LOCKED)
                RETURNING job_id, epoch),
            t AS (SELECT * FROM q UNION ALL SELECT * FROM d),
            j AS (
                UPDATE job SET state = 4, finished_at = now(), epoch = t.epoch,
                               error_code = CASE WHEN start_by <= now() THEN :start_code ELSE :finish_code END,
                               error = CASE WHEN start_by <= now() THEN :start_error ELSE :finish_error END::jsonb
                FROM t WHERE id = t.job_id AND state = 0
                %s),
            h AS (%s)
            SELECT id AS job_id FROM j
            """
                    .formatted(Hooks.RETURNING, Hooks.ENDED);

    /// The lease stays, flagged, until its worker has stopped: just as when a client cancels.
    private static final String EXPIRE_LEASES =
            """
            WITH l AS (
                UPDATE lease SET canceled = true
                WHERE job_id IN (
                    SELECT job_id FROM lease WHERE finish_by <= now() AND NOT canceled
                    ORDER BY finish_by LIMIT :most FOR UPDATE SKIP LOCKED)
                RETURNING job_id, epoch, worker_id, assigned_at, started_at),
            j AS (
                UPDATE job SET state = 4, finished_at = now(), epoch = l.epoch, worker_id = l.worker_id,
                               started_at = l.started_at, error_code = :code, error = :error::jsonb
                FROM l WHERE id = l.job_id AND state = 0
                %s),
            h AS (%s),
            a AS (
                INSERT INTO attempt (job_id, epoch, worker_id, outcome, assigned_at, started_at, error_code, error)
                SELECT job_id, epoch, worker_id, 'expired', assigned_at, started_at, :code, :error::jsonb FROM l)
            SELECT l.job_id, l.epoch, l.worker_id, w.lane
            FROM l JOIN j ON j.id = l.job_id LEFT JOIN worker w ON w.id = l.worker_id
            """
                    .formatted(Hooks.RETURNING, Hooks.ENDED);

    /// The tokens are looked for again by their whole key: the leader may have given one away.
    private static final String FAIL_STRANDED =
            """
            WITH s AS MATERIALIZED (
                SELECT q.tenant_id, q.class_id, q.band, q.job_id
                FROM unnest(:tenants::int[], :classes::int[], :bands::smallint[]) AS g(t, c, b)
                CROSS JOIN LATERAL (
                    SELECT * FROM queue WHERE tenant_id = g.t AND class_id = g.c AND band = g.b
                    ORDER BY job_id LIMIT :most) q
                WHERE q.queued_at < now() - :waited * interval '1 ms'),
            t AS (
                DELETE FROM queue q USING s
                WHERE (q.tenant_id, q.class_id, q.band, q.job_id) = (s.tenant_id, s.class_id, s.band, s.job_id)
                RETURNING q.job_id, q.epoch),
            j AS (
                UPDATE job SET state = 2, finished_at = now(), epoch = t.epoch, error_code = :code, error = :error::jsonb
                FROM t WHERE id = t.job_id AND state = 0
                %s),
            h AS (%s)
            SELECT id AS job_id FROM j
            """
                    .formatted(Hooks.RETURNING, Hooks.ENDED);

    private static final String MARK_SILENT =
            """
            UPDATE worker SET gone = true, accepting = false
            WHERE NOT gone AND last_seen < now() - :silence * interval '1 ms'
            RETURNING name
            """;

    /// The same shape as a failure, but the worker is gone: a loss, which is counted apart and
    /// waits for nothing.
    ///
    /// Counted for what ran: what had begun, or was first in turn and may have begun since the last
    /// heartbeat. Jobs that only waited behind a job that kills its workers are not its equals, and
    /// what was given to a worker that was dead already, and so was not heard of afterwards, has
    /// killed nobody: a worker reports as soon as a job has arrived.
    private static final String REAP =
            """
            WITH g AS (
                DELETE FROM lease l USING worker w
                WHERE w.id = l.worker_id AND (w.gone OR l.run_until < now())
                RETURNING l.*, w.last_seen),
            l AS (
                SELECT job_id, epoch, worker_id, tenant_id, class_id, band, failures,
                       CASE WHEN stage > 0 OR last_seen > assigned_at AND NOT EXISTS (
                                SELECT FROM g o
                                WHERE o.worker_id = g.worker_id AND o.stage < 2
                                  AND (o.assigned_at, o.job_id) < (g.assigned_at, g.job_id))
                            THEN (losses + 1)::smallint ELSE losses END AS losses,
                       expire_at, assigned_at, started_at, canceled
                FROM g),
            k AS (SELECT l.*, NOT l.canceled AND l.losses >= :most_losses AS dead FROM l),
            j AS (
                UPDATE job SET state = 2, finished_at = now(), epoch = k.epoch, worker_id = k.worker_id,
                               error_code = :code, error = :error::jsonb
                FROM k WHERE id = k.job_id AND k.dead AND state = 0
                %s),
            h AS (%s),
            a AS (
                INSERT INTO attempt (job_id, epoch, worker_id, outcome, assigned_at, started_at, error_code)
                SELECT job_id, epoch, worker_id, 'lost', assigned_at, started_at, :lost_code FROM k WHERE NOT canceled),
            d AS (
                INSERT INTO delayed (job_id, due_at, tenant_id, class_id, band, epoch, failures, losses, avoid_worker,
                                     expire_at)
                SELECT job_id, now(), tenant_id, class_id, band, epoch, failures, losses, worker_id, expire_at
                FROM k WHERE NOT canceled AND NOT dead)
            SELECT job_id, epoch, worker_id, dead, canceled FROM k
            """
                    .formatted(Hooks.RETURNING, Hooks.ENDED);

    private final JdbcClient jdbc;

    public LeaderStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /// Shows the standbys that this leader is alive.
    ///
    /// @param name of the API instance
    public void beat(String name) {
        jdbc.sql(
                        """
                        INSERT INTO leader (name, pid, beat_at) VALUES (:name, pg_backend_pid(), now())
                        ON CONFLICT (one) DO UPDATE
                        SET name = excluded.name, pid = excluded.pid, beat_at = excluded.beat_at
                        """)
                .param("name", name)
                .update();
    }

    /// The groups that have waiting jobs.
    public List<Group> groups() {
        return jdbc.sql(GROUPS).query((rs, _) -> group(rs)).list();
    }

    /// The first waiting jobs of each of these groups, in order of submission.
    ///
    /// @param groups each with the job after which to begin, or [JobId#FIRST]: between two vacuums
    ///   the entries of jobs that have left lie at the front of the index, and stepping over them
    ///   again and again is what a deep queue would cost
    /// @param most jobs of one group
    public List<Head> heads(Map<Group, JobId> groups, int most) {
        var keys = List.copyOf(groups.keySet());
        return jdbc.sql(HEADS)
                .param("tenants", keys.stream().map(Group::tenant).toArray(Integer[]::new))
                .param("classes", keys.stream().map(Group::classId).toArray(Integer[]::new))
                .param("bands", keys.stream().map(Group::band).toArray(Short[]::new))
                .param(
                        "after",
                        keys.stream()
                                .map(group -> String.valueOf(groups.get(group)))
                                .toArray(String[]::new))
                .param("most", most)
                .query((rs, _) ->
                        new Head(
                                group(rs),
                                job(rs),
                                nullableLong(rs, "avoid_worker"),
                                rs.getLong("waited_ms")))
                .list();
    }

    /// The same from the very first.
    public List<Head> heads(Collection<Group> groups, int most) {
        return heads(
                groups.stream().collect(Collectors.toMap(group -> group, _ -> JobId.FIRST)), most);
    }

    /// Moves the tokens of these jobs from the queue to their workers; answers those that were
    /// still there.
    ///
    /// A crash after it leaves the leases in place; the workers hear of them at their next
    /// heartbeat.
    public List<Assignment> assign(Collection<Assigning> wishes) {
        return jdbc.sql(ASSIGN)
                .param(
                        "tenants",
                        wishes.stream().map(w -> w.group().tenant()).toArray(Integer[]::new))
                .param(
                        "classes",
                        wishes.stream().map(w -> w.group().classId()).toArray(Integer[]::new))
                .param("bands", wishes.stream().map(w -> w.group().band()).toArray(Short[]::new))
                .param("jobs", wishes.stream().map(w -> w.job().toString()).toArray(String[]::new))
                .param("workers", wishes.stream().map(Assigning::worker).toArray(Long[]::new))
                .param("largest", LARGEST_SENT_GRAPH)
                .query((rs, _) ->
                        new Assignment(
                                new LeaseKey(job(rs), rs.getInt("epoch"), rs.getLong("worker_id")),
                                rs.getInt("tenant_id"),
                                rs.getInt("run_timeout_ms"),
                                rs.getBoolean("keep_metadata"),
                                rs.getString("traceparent"),
                                rs.getString("graph")))
                .list();
    }

    /// Moves what is due from delayed to the queue; answers the jobs. What a batch holds is let go
    /// by the batch.
    public List<JobId> promote(int most) {
        return jdbc.sql(PROMOTE).param("most", most).query((rs, _) -> job(rs)).list();
    }

    /// Ends waiting jobs one of whose deadlines has passed; answers them.
    ///
    /// @param notStarted JSON of the error of those that should have started
    /// @param notFinished JSON of the error of those that should have ended
    public List<JobId> expire(int most, String notStarted, String notFinished) {
        return jdbc.sql(EXPIRE)
                .param("most", most)
                .param("start_code", ErrorCode.START_DEADLINE_EXCEEDED.wire())
                .param("finish_code", ErrorCode.DEADLINE_EXCEEDED.wire())
                .param("start_error", notStarted)
                .param("finish_error", notFinished)
                .query((rs, _) -> job(rs))
                .list();
    }

    /// A lease whose job has expired.
    ///
    /// @param lane where its worker listens
    public record Overdue(LeaseKey lease, int lane) {}

    /// Ends jobs that are with a worker and should have ended by now; answers their leases, whose
    /// workers are to stop.
    ///
    /// A crash after it loses the messages; the workers hear of it at their next heartbeat.
    ///
    /// @param error JSON of the error they end with
    public List<Overdue> expireLeases(int most, String error) {
        return jdbc.sql(EXPIRE_LEASES)
                .param("most", most)
                .param("code", ErrorCode.DEADLINE_EXCEEDED.wire())
                .param("error", error)
                .query((rs, _) ->
                        new Overdue(
                                new LeaseKey(job(rs), rs.getInt("epoch"), rs.getLong("worker_id")),
                                rs.getInt("lane")))
                .list();
    }

    /// Declares workers gone that have not been heard of for so long; answers their names.
    public List<String> markSilentWorkersGone(Duration silence) {
        return jdbc.sql(MARK_SILENT)
                .param("silence", silence.toMillis())
                .query((rs, _) -> rs.getString("name"))
                .list();
    }

    /// A lease taken back.
    ///
    /// @param next what became of the job: LIVE when it waits again, FAILED when too many workers
    ///   were lost with it, CANCELED when it was over before
    public record Reaped(LeaseKey lease, JobState next) {}

    /// Takes back the leases of workers that are gone, and those that ran far over their time.
    ///
    /// @param error JSON of the error of jobs that lost too many workers
    public List<Reaped> reap(String error) {
        return jdbc.sql(REAP)
                .param("most_losses", MOST_LOSSES)
                .param("code", ErrorCode.POISON_SUSPECTED.wire())
                .param("lost_code", ErrorCode.WORKER_LOST.wire())
                .param("error", error)
                .query((rs, _) ->
                        new Reaped(
                                new LeaseKey(job(rs), rs.getInt("epoch"), rs.getLong("worker_id")),
                                rs.getBoolean("canceled")
                                        ? JobState.CANCELED
                                        : rs.getBoolean("dead") ? JobState.FAILED : JobState.LIVE))
                .list();
    }

    /// All workers that are not gone. One that has missed two heartbeats accepts nothing until it
    /// is heard again: it may be dead, and what it were given would wait until that is certain,
    /// though others are idle.
    public List<LiveWorker> workers() {
        return jdbc.sql(
                        """
                        SELECT w.id, w.name, w.pool, w.lane, w.loaded, w.vram_mb, encode(w.catalogue_hash, 'hex') AS hash,
                               w.accepting AND w.last_seen > now() - interval '10 s'
                               AND NOT coalesce(x.mode > 0 OR x.restart_asked OR x.free_asked, false) AS accepting,
                               coalesce(x.mode = 2, false) AS quarantined
                        FROM worker w LEFT JOIN worker_wish x ON x.name = w.name
                        WHERE NOT w.gone
                        """)
                .query((rs, _) ->
                        new LiveWorker(
                                rs.getLong("id"),
                                rs.getString("name"),
                                rs.getString("pool"),
                                rs.getInt("lane"),
                                rs.getBoolean("accepting"),
                                rs.getBoolean("quarantined"),
                                rs.getString("loaded"),
                                rs.getObject("vram_mb", Integer.class),
                                rs.getString("hash")))
                .list();
    }

    /// What operators have paused.
    public Pauses pauses() {
        var pools =
                new HashSet<>(jdbc.sql("SELECT pool FROM queue_pause").query(String.class).set());
        return new Pauses(pools.remove(Pauses.EVERY_POOL), pools);
    }

    /// Fails waiting jobs of these groups that have waited for so long; answers them. Looks at the
    /// first jobs of each group only, so that a deep queue costs no more.
    ///
    /// @param most jobs of one group
    /// @param error JSON of the error they end with
    public List<JobId> failStranded(
            Collection<Group> groups, Duration waited, int most, String error) {
        return jdbc.sql(FAIL_STRANDED)
                .param("tenants", groups.stream().map(Group::tenant).toArray(Integer[]::new))
                .param("classes", groups.stream().map(Group::classId).toArray(Integer[]::new))
                .param("bands", groups.stream().map(Group::band).toArray(Short[]::new))
                .param("waited", waited.toMillis())
                .param("most", most)
                .param("code", ErrorCode.NO_CAPABLE_WORKER.wire())
                .param("error", error)
                .query((rs, _) -> job(rs))
                .list();
    }

    /// All leases.
    public List<HeldLease> leases() {
        return jdbc.sql(
                        """
                        SELECT job_id, epoch, worker_id, tenant_id, class_id, stage,
                               (extract(epoch FROM now() - started_at) * 1000)::bigint AS running_ms
                        FROM lease
                        """)
                .query((rs, _) ->
                        new HeldLease(
                                new LeaseKey(job(rs), rs.getInt("epoch"), rs.getLong("worker_id")),
                                rs.getInt("tenant_id"),
                                rs.getInt("class_id"),
                                LeaseStage.ofCode(rs.getInt("stage")),
                                nullableLong(rs, "running_ms")))
                .list();
    }

    /// All tenants. One that is suspended, or has used its GPU time of the month, counts as paused.
    public List<TenantRow> tenants() {
        return jdbc.sql(
                        """
                        SELECT t.id, t.weight, t.max_running, t.gpu_ms_day, t.vtime,
                               coalesce(u.gpu_ms, 0) AS used_ms,
                               t.paused OR t.suspended OR t.gpu_ms_month <= (
                                   SELECT coalesce(sum(m.gpu_ms), 0) FROM tenant_usage m
                                   WHERE m.tenant_id = t.id
                                     AND m.day >= date_trunc('month', now() AT TIME ZONE 'UTC')::date) IS TRUE
                               AS paused
                        FROM tenant t
                        LEFT JOIN tenant_usage u ON u.tenant_id = t.id AND u.day = (now() AT TIME ZONE 'UTC')::date
                        """)
                .query((rs, _) ->
                        new TenantRow(
                                rs.getInt("id"),
                                rs.getDouble("weight"),
                                rs.getInt("max_running"),
                                nullableLong(rs, "gpu_ms_day"),
                                rs.getLong("used_ms"),
                                rs.getBoolean("paused"),
                                rs.getDouble("vtime")))
                .list();
    }

    /// Keeps the virtual times for the next leader. What a leader that dies has not written, a
    /// second's worth, is forgotten.
    public void keepVirtualTimes(Map<Integer, Double> times) {
        jdbc.sql(
                        """
                        UPDATE tenant SET vtime = v.vtime
                        FROM unnest(:ids::int[], :vtimes::float8[]) AS v(id, vtime)
                        WHERE tenant.id = v.id AND tenant.vtime <> v.vtime
                        """)
                .param("ids", times.keySet().toArray(Integer[]::new))
                .param("vtimes", times.values().toArray(Double[]::new))
                .update();
    }

    /// How long the GPU ran a job that has succeeded.
    public record Run(JobId job, int tenant, int classId, int gpuMs) {}

    /// Those of these jobs that have succeeded.
    public List<Run> runs(Collection<JobId> jobs) {
        return jdbc.sql(
                        """
                        SELECT id AS job_id, tenant_id, class_id, gpu_ms FROM job
                        WHERE id = ANY (:ids::uuid[]) AND state = 1
                        """)
                .param("ids", jobs.stream().map(JobId::toString).toArray(String[]::new))
                .query((rs, _) ->
                        new Run(
                                job(rs),
                                rs.getInt("tenant_id"),
                                rs.getInt("class_id"),
                                rs.getInt("gpu_ms")))
                .list();
    }

    /// Adds to what tenants have used today.
    ///
    /// @param gpuMs by tenant
    public void addUsage(Map<Integer, Long> gpuMs) {
        jdbc.sql(
                        """
                        INSERT INTO tenant_usage AS u (tenant_id, day, gpu_ms)
                        SELECT id, (now() AT TIME ZONE 'UTC')::date, gpu_ms
                        FROM unnest(:ids::int[], :gpu_ms::bigint[]) AS n(id, gpu_ms)
                        ON CONFLICT (tenant_id, day) DO UPDATE SET gpu_ms = u.gpu_ms + excluded.gpu_ms
                        """)
                .param("ids", gpuMs.keySet().toArray(Integer[]::new))
                .param("gpu_ms", gpuMs.values().toArray(Long[]::new))
                .update();
    }

    /// How long jobs of these classes are expected to take.
    public Map<Integer, Estimate> estimates(Collection<Integer> classes) {
        var estimates = new HashMap<Integer, Estimate>();
        jdbc.sql(
                        """
                        SELECT id, est_run_ms, est_load_ms, est_runs FROM job_class WHERE id = ANY (:ids::int[])
                        """)
                .param("ids", classes.toArray(Integer[]::new))
                .query(rs -> {
                    estimates.put(
                            rs.getInt("id"),
                            new Estimate(
                                    rs.getInt("est_run_ms"),
                                    rs.getInt("est_load_ms"),
                                    rs.getInt("est_runs")));
                });
        return estimates;
    }

    /// Keeps what was learned, for the next leader and for what clients are told.
    public void keepEstimates(Map<Integer, Estimate> estimates) {
        jdbc.sql(
                        """
                        UPDATE job_class SET est_run_ms = e.run, est_load_ms = e.load, est_runs = e.runs
                        FROM unnest(:ids::int[], :run::int[], :load::int[], :runs::int[]) AS e(id, run, load, runs)
                        WHERE job_class.id = e.id
                        """)
                .param("ids", estimates.keySet().toArray(Integer[]::new))
                .param("run", numbers(estimates, e -> (int) e.runMs()))
                .param("load", numbers(estimates, e -> (int) e.loadMs()))
                .param("runs", numbers(estimates, Estimate::runs))
                .update();
    }

    private static Integer[] numbers(
            Map<Integer, Estimate> estimates, Function<Estimate, Integer> which) {
        return estimates.values().stream().map(which).toArray(Integer[]::new);
    }

    /// What a worker can do.
    ///
    /// @param models as `folder/name`
    /// @param nodes node classes
    public record Capabilities(Set<String> models, Set<String> nodes) {}

    /// What workers with this catalogue can do. Never changes for one hash: keep it.
    ///
    /// @param hash hex
    public Capabilities catalogue(String hash) {
        return jdbc.sql("SELECT models, nodes FROM catalogue WHERE hash = :hash")
                .param("hash", HexFormat.of().parseHex(hash))
                .query((rs, _) -> new Capabilities(strings(rs, "models"), strings(rs, "nodes")))
                .single();
    }

    /// The classes of these numbers. A class never changes: keep it.
    public Map<Integer, JobClass> classes(Collection<Integer> ids) {
        var classes = new HashMap<Integer, JobClass>();
        jdbc.sql(
                        """
                        SELECT id, affinity, required_models, required_nodes, min_vram_mb, pool FROM job_class
                        WHERE id = ANY (:ids::int[])
                        """)
                .param("ids", ids.toArray(Integer[]::new))
                .query(rs -> {
                    classes.put(
                            rs.getInt("id"),
                            new JobClass(
                                    rs.getString("affinity"),
                                    List.copyOf(strings(rs, "required_models")),
                                    List.copyOf(strings(rs, "required_nodes")),
                                    rs.getInt("min_vram_mb"),
                                    rs.getString("pool")));
                });
        return classes;
    }

    private static Group group(ResultSet rs) throws SQLException {
        return new Group(rs.getInt("tenant_id"), rs.getInt("class_id"), rs.getShort("band"));
    }

    private static JobId job(ResultSet rs) throws SQLException {
        return new JobId(rs.getObject("job_id", UUID.class));
    }

    private static @Nullable Long nullableLong(ResultSet rs, String column) throws SQLException {
        long value = rs.getLong(column);
        return rs.wasNull() ? null : value;
    }

    private static Set<String> strings(ResultSet rs, String column) throws SQLException {
        return new LinkedHashSet<>(Arrays.asList((String[]) rs.getArray(column).getArray()));
    }
}
