package dev.comfyapi.db.job;

import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.JobState;
import dev.comfyapi.model.job.JobStatus;
import dev.comfyapi.model.job.LeaseStage;
import dev.comfyapi.model.job.Priority;
import dev.comfyapi.model.job.TokenPlace;

import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

import tools.jackson.databind.json.JsonMapper;

import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/// The jobs as clients know them: accept, read, list, cancel. Thread-safe; every call is one
/// statement.
public final class JobStore {

    /// Many jobs: a row for each element of the arrays.
    private static final String FROM_ARRAYS =
            """
            SELECT * FROM unnest(
                :ids::uuid[], :classes::int[], :bands::smallint[], :graphs::text[], :params::text[],
                :metadata::text[], :tags::text[], :batches::uuid[], :retries::uuid[], :traces::text[],
                :run_afters::timestamptz[], :start_bys::timestamptz[], :expires::timestamptz[],
                :max_failures::smallint[], :timeouts::int[], :keeps::boolean[])
            """;

    /// One job, the usual case: a third cheaper than arrays of one (docs/performance.md).
    private static final String FROM_VALUES =
            """
            VALUES (
                :ids::uuid, :classes::int, :bands::smallint, :graphs::text, :params::text,
                :metadata::text, :tags::text, :batches::uuid, :retries::uuid, :traces::text,
                :run_afters::timestamptz, :start_bys::timestamptz, :expires::timestamptz,
                :max_failures::smallint, :timeouts::int, :keeps::boolean)
            """;

    /// The rest is the same for one job and for a thousand.
    private static final String SUBMIT =
            """
            WITH r(id, class_id, band, graph, params, metadata, tags, batch_id, retry_of, traceparent,
                   run_after, start_by, expires_at, max_failures, run_timeout_ms, keep_metadata)
            AS MATERIALIZED (%s),
            j AS (
                INSERT INTO job (id, tenant_id, class_id, band, max_failures, keep_metadata, run_timeout_ms,
                                 run_after, start_by, expires_at, batch_id, retry_of, traceparent, tags,
                                 metadata, params, graph)
                SELECT id, :tenant, class_id, band, max_failures, keep_metadata, run_timeout_ms,
                       run_after, start_by, expires_at, batch_id, retry_of, traceparent,
                       ARRAY(SELECT jsonb_array_elements_text(tags::jsonb)), metadata::jsonb, params::jsonb,
                       convert_to(graph, 'UTF8')
                FROM r),
            d AS (
                INSERT INTO delayed (job_id, due_at, tenant_id, class_id, band, expire_at)
                SELECT id, run_after, :tenant, class_id, band, start_by FROM r WHERE run_after > now())
            INSERT INTO queue (tenant_id, class_id, band, job_id, expire_at)
            SELECT :tenant, class_id, band, id, start_by FROM r
            WHERE run_after IS NULL OR run_after <= now()
            """;

    /// One statement is one snapshot, so the token is always seen in exactly one place.
    private static final String READ =
            """
            SELECT j.id, j.tenant_id, j.state, j.band, j.max_failures, c.pool, c.required_models,
                   c.required_nodes, j.created_at, j.run_after, j.start_by,
                   j.expires_at, coalesce(j.started_at, l.started_at) AS started_at, j.finished_at, j.gpu_ms,
                   j.store_ms, j.batch_id, j.retry_of, j.tags, j.metadata, j.params, j.error_code, j.error, j.result,
                   CASE WHEN j.state <> 0 THEN 'GONE'
                        WHEN l.job_id IS NOT NULL THEN 'LEASE'
                        WHEN d.job_id IS NOT NULL THEN 'DELAYED'
                        WHEN q.job_id IS NOT NULL THEN 'QUEUE' END AS place,
                   coalesce(l.stage, 0) AS stage, coalesce(l.progress, 0) AS progress,
                   coalesce(j.epoch, l.epoch, d.epoch, q.epoch, 0) AS epoch,
                   coalesce(l.failures, d.failures, q.failures, 0) AS failures,
                   coalesce(l.losses, d.losses, q.losses, 0) AS losses,
                   d.due_at, w.name AS worker
            FROM job j
            JOIN job_class c ON c.id = j.class_id
            LEFT JOIN lease l ON l.job_id = j.id AND j.state = 0
            LEFT JOIN delayed d ON d.job_id = j.id AND j.state = 0
            LEFT JOIN queue q ON j.state = 0
                AND (q.tenant_id, q.class_id, q.band, q.job_id) = (j.tenant_id, j.class_id, j.band, j.id)
            LEFT JOIN worker w ON w.id = coalesce(j.worker_id, l.worker_id)
            """;

    private static final String CANCEL =
            """
            WITH k AS (
                SELECT id, tenant_id, class_id, band FROM job WHERE id = :id AND tenant_id = :tenant AND state = 0),
            q AS (
                DELETE FROM queue q USING k
                WHERE (q.tenant_id, q.class_id, q.band, q.job_id) = (k.tenant_id, k.class_id, k.band, k.id)
                RETURNING q.job_id, q.epoch),
            d AS (DELETE FROM delayed d USING k WHERE d.job_id = k.id RETURNING d.job_id, d.epoch),
            l AS (
                UPDATE lease l SET canceled = true FROM k
                WHERE l.job_id = k.id AND NOT l.canceled
                RETURNING l.job_id, l.epoch, l.worker_id),
            t AS (
                SELECT job_id, epoch, NULL::bigint AS worker_id FROM q
                UNION ALL SELECT job_id, epoch, NULL FROM d
                UNION ALL SELECT job_id, epoch, worker_id FROM l),
            j AS (
                UPDATE job SET state = 3, finished_at = now(), epoch = t.epoch, worker_id = t.worker_id
                FROM t WHERE id = t.job_id AND state = 0
                RETURNING id, webhook_id),
            h AS (
                INSERT INTO webhook_delivery (job_id, event, webhook_id)
                SELECT id, 1, webhook_id FROM j WHERE webhook_id IS NOT NULL)
            SELECT (SELECT count(*) FROM k) AS live, (SELECT count(*) FROM j) AS canceled,
                   (SELECT epoch FROM l) AS epoch, (SELECT worker_id FROM l) AS worker_id,
                   (SELECT w.lane FROM worker w JOIN l ON w.id = l.worker_id) AS lane
            """;

    private static final JsonMapper JSON = JsonMapper.shared();

    private static final String SUBMIT_MANY = SUBMIT.formatted(FROM_ARRAYS);
    private static final String SUBMIT_ONE = SUBMIT.formatted(FROM_VALUES);

    private final JdbcClient jdbc;

    public JobStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /// Accepts these jobs: all of them, durably, or none.
    ///
    /// Their ids are the client's proof against repeating it: a second call with the same ids fails
    /// on the primary key. Takes part in the caller's transaction when there is one.
    ///
    /// @throws org.springframework.dao.DuplicateKeyException when one of the ids exists
    public void submit(int tenant, List<NewJob> jobs) {
        if (jobs.size() == 1) {
            submitOne(tenant, jobs.getFirst());
        } else {
            submitMany(tenant, jobs);
        }
    }

    private void submitOne(int tenant, NewJob job) {
        jdbc.sql(SUBMIT_ONE)
                .param("tenant", tenant)
                .param("ids", job.id().value())
                .param("classes", job.classId())
                .param("bands", job.priority().band())
                .param("graphs", job.graph().toText())
                .param("params", job.params())
                .param("metadata", job.metadata())
                .param("tags", JSON.writeValueAsString(job.tags()))
                .param("batches", text(job.batchId()))
                .param("retries", text(job.retryOf()))
                .param("traces", job.traceparent())
                .param("run_afters", text(job.runAfter()))
                .param("start_bys", text(job.startBy()))
                .param("expires", text(job.expiresAt()))
                .param("max_failures", job.maxFailures())
                .param("timeouts", job.runTimeoutMs())
                .param("keeps", job.keepMetadata())
                .update();
    }

    private void submitMany(int tenant, List<NewJob> jobs) {
        jdbc.sql(SUBMIT_MANY)
                .param("tenant", tenant)
                .param("ids", texts(jobs, j -> j.id().toString()))
                .param("classes", jobs.stream().map(NewJob::classId).toArray(Integer[]::new))
                .param("bands", jobs.stream().map(j -> j.priority().band()).toArray(Short[]::new))
                .param("graphs", texts(jobs, j -> j.graph().toText()))
                .param("params", texts(jobs, NewJob::params))
                .param("metadata", texts(jobs, NewJob::metadata))
                .param("tags", texts(jobs, j -> JSON.writeValueAsString(j.tags())))
                .param("batches", texts(jobs, j -> text(j.batchId())))
                .param("retries", texts(jobs, j -> text(j.retryOf())))
                .param("traces", texts(jobs, NewJob::traceparent))
                .param("run_afters", texts(jobs, j -> text(j.runAfter())))
                .param("start_bys", texts(jobs, j -> text(j.startBy())))
                .param("expires", texts(jobs, j -> text(j.expiresAt())))
                .param(
                        "max_failures",
                        jobs.stream().map(j -> (short) j.maxFailures()).toArray(Short[]::new))
                .param("timeouts", jobs.stream().map(NewJob::runTimeoutMs).toArray(Integer[]::new))
                .param("keeps", jobs.stream().map(NewJob::keepMetadata).toArray(Boolean[]::new))
                .update();
    }

    /// Times and ids go as text: the driver has no array of times with a zone.
    private static @Nullable String text(@Nullable Object value) {
        return value == null ? null : value.toString();
    }

    private static @Nullable String[] texts(
            List<NewJob> jobs, java.util.function.Function<NewJob, @Nullable String> member) {
        return jobs.stream().map(member).toArray(String[]::new);
    }

    /// Empty when there is no such job, or it is another tenant's.
    public Optional<JobRow> find(int tenant, JobId id) {
        return jdbc.sql(READ + "WHERE j.id = :id AND j.tenant_id = :tenant")
                .param("id", id.value())
                .param("tenant", tenant)
                .query(JobStore::row)
                .optional();
    }

    /// The graph that ComfyUI is given, JSON; empty when there is no such job, or it is another
    /// tenant's.
    public Optional<String> findGraph(int tenant, JobId id) {
        return jdbc.sql(
                        """
                        SELECT convert_from(graph, 'UTF8') FROM job WHERE id = :id AND tenant_id = :tenant
                        """)
                .param("id", id.value())
                .param("tenant", tenant)
                .query(String.class)
                .optional();
    }

    /// The jobs of one batch, in order of submission.
    public List<JobRow> findBatch(int tenant, UUID batch) {
        return jdbc.sql(READ + "WHERE j.batch_id = :batch AND j.tenant_id = :tenant ORDER BY j.id")
                .param("batch", batch)
                .param("tenant", tenant)
                .query(JobStore::row)
                .list();
    }

    /// Which jobs to list.
    ///
    /// @param statuses any of these; empty for all
    /// @param before only jobs submitted before this one; null from the newest on
    /// @param limit most rows
    public record Filter(List<JobStatus> statuses, @Nullable JobId before, int limit) {
        public Filter {
            statuses = List.copyOf(statuses);
        }
    }

    /// Newest first. Stable under concurrent change: the order is that of the ids, which never
    /// change.
    public List<JobRow> list(int tenant, Filter filter) {
        var where = new StringBuilder("WHERE j.tenant_id = :tenant");
        if (filter.before() != null) {
            where.append(" AND j.id < :before");
        }
        if (!filter.statuses().isEmpty()) {
            // Conditions are chosen from the fixed texts below, never made of what a client sent.
            where.append(" AND (")
                    .append(
                            String.join(
                                    " OR ",
                                    filter.statuses().stream().map(JobStore::condition).toList()))
                    .append(')');
        }
        var statement =
                jdbc.sql(READ + where + " ORDER BY j.id DESC LIMIT :limit")
                        .param("tenant", tenant)
                        .param("limit", filter.limit());
        if (filter.before() != null) {
            statement = statement.param("before", filter.before().value());
        }
        return statement.query(JobStore::row).list();
    }

    private static String condition(JobStatus status) {
        return switch (status) {
            case SCHEDULED -> "j.state = 0 AND d.job_id IS NOT NULL AND d.epoch = 0";
            case QUEUED -> "j.state = 0 AND (q.job_id IS NOT NULL OR d.epoch > 0 OR l.stage = 0)";
            case RUNNING -> "j.state = 0 AND l.stage > 0";
            case SUCCEEDED -> "j.state = 1";
            case FAILED -> "j.state = 2";
            case CANCELED -> "j.state = 3";
            case EXPIRED -> "j.state = 4";
        };
    }

    /// What became of a request to cancel.
    public sealed interface Cancellation {

        /// The job is canceled, by this call, and that is final.
        ///
        /// @param running who is to stop working on it; null when nobody had it
        record Canceled(@Nullable Running running) implements Cancellation {}

        /// It had ended before, one way or another; or there is no such job.
        record NotLive() implements Cancellation {}

        /// Its token was moving just then: ask again.
        record Moving() implements Cancellation {}
    }

    /// @param lane where that worker listens
    public record Running(dev.comfyapi.model.job.LeaseKey lease, int lane) {}

    /// Ends a live job for its client. A worker that has it keeps its lease, flagged, until it has
    /// stopped.
    public Cancellation cancel(int tenant, JobId id) {
        return jdbc.sql(CANCEL)
                .param("id", id.value())
                .param("tenant", tenant)
                .query((rs, _) -> {
                    if (rs.getInt("live") == 0) {
                        return (Cancellation) new Cancellation.NotLive();
                    }
                    if (rs.getInt("canceled") == 0) {
                        return new Cancellation.Moving();
                    }
                    long worker = rs.getLong("worker_id");
                    if (rs.wasNull()) {
                        return new Cancellation.Canceled(null);
                    }
                    var lease = new dev.comfyapi.model.job.LeaseKey(id, rs.getInt("epoch"), worker);
                    return new Cancellation.Canceled(new Running(lease, rs.getInt("lane")));
                })
                .single();
    }

    private static JobRow row(ResultSet rs, int number) throws SQLException {
        var id = new JobId(rs.getObject("id", UUID.class));
        @Nullable String place = rs.getString("place");
        if (place == null) {
            throw new IllegalStateException("job %s lives without a token".formatted(id));
        }
        return new JobRow(
                id,
                rs.getInt("tenant_id"),
                JobState.ofCode(rs.getInt("state")),
                TokenPlace.valueOf(place),
                LeaseStage.ofCode(rs.getInt("stage")),
                rs.getDouble("progress"),
                rs.getInt("epoch"),
                rs.getInt("failures"),
                rs.getInt("losses"),
                time(rs, "due_at"),
                rs.getString("worker"),
                Priority.ofBand(rs.getInt("band")),
                rs.getInt("max_failures"),
                rs.getString("pool"),
                strings(rs.getArray("required_models")),
                strings(rs.getArray("required_nodes")),
                java.util.Objects.requireNonNull(time(rs, "created_at")),
                time(rs, "run_after"),
                time(rs, "start_by"),
                time(rs, "expires_at"),
                time(rs, "started_at"),
                time(rs, "finished_at"),
                rs.getObject("gpu_ms", Integer.class),
                rs.getObject("store_ms", Integer.class),
                rs.getObject("batch_id", UUID.class),
                rs.getObject("retry_of", UUID.class),
                strings(rs.getArray("tags")),
                rs.getString("metadata"),
                rs.getString("params"),
                rs.getString("error_code"),
                rs.getString("error"),
                rs.getString("result"));
    }

    private static @Nullable Instant time(ResultSet rs, String column) throws SQLException {
        @Nullable OffsetDateTime time = rs.getObject(column, OffsetDateTime.class);
        return time == null ? null : time.withOffsetSameInstant(ZoneOffset.UTC).toInstant();
    }

    private static List<String> strings(Array array) throws SQLException {
        return new ArrayList<>(Arrays.asList((String[]) array.getArray()));
    }
}
