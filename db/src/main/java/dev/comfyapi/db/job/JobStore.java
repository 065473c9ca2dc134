package dev.comfyapi.db.job;

import dev.comfyapi.db.webhook.Hooks;
import dev.comfyapi.db.webhook.JobWebhook;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.JobState;
import dev.comfyapi.model.job.LeaseStage;
import dev.comfyapi.model.job.Priority;
import dev.comfyapi.model.job.TokenPlace;

import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

import tools.jackson.databind.json.JsonMapper;

import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/// The jobs as clients know them: accept, read, list, cancel. Thread-safe; every call is one
/// statement.
public final class JobStore {

    /// One job that may start at once, the usual case: nothing but the two rows. Parameters go by
    /// position, so that the statement is the same text each time and not made anew for each call
    /// (docs/performance.md).
    private static final String SUBMIT_ONE =
            """
            WITH j AS (
                INSERT INTO job (id, tenant_id, api_key, class_id, band, max_failures, keep_metadata, run_timeout_ms,
                                 start_by, finish_by, expires_at, batch_id, retry_of, traceparent, tags,
                                 metadata, params, graph, webhook_url, webhook_events)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?::timestamptz, ?::timestamptz, ?::timestamptz, ?, ?, ?, ?::text[],
                        ?::jsonb, ?::jsonb, ?, ?::text, ?::int))
            INSERT INTO queue (tenant_id, class_id, band, job_id, expire_at)
            VALUES (?, ?, ?, ?, least(?::timestamptz, ?::timestamptz))
            """;

    /// Any jobs: a row for each element of the arrays.
    private static final String SUBMIT_MANY =
            """
            WITH r(id, class_id, band, graph, params, metadata, tags, batch_id, retry_of, traceparent,
                   run_after, start_by, finish_by, expires_at, max_failures, run_timeout_ms, keep_metadata,
                   webhook_url, webhook_events, custom_id, held)
            AS MATERIALIZED (
                SELECT * FROM unnest(
                    :ids::uuid[], :classes::int[], :bands::smallint[], :graphs::text[], :params::text[],
                    :metadata::text[], :tags::text[], :batches::uuid[], :retries::uuid[], :traces::text[],
                    :run_afters::timestamptz[], :start_bys::timestamptz[], :finish_bys::timestamptz[],
                    :expires::timestamptz[], :max_failures::smallint[], :timeouts::int[], :keeps::boolean[],
                    :hook_urls::text[], :hook_events::int[], :custom_ids::text[], :helds::boolean[])),
            j AS (
                INSERT INTO job (id, tenant_id, api_key, class_id, band, max_failures, keep_metadata, run_timeout_ms,
                                 run_after, start_by, finish_by, expires_at, batch_id, retry_of, traceparent, tags,
                                 metadata, params, graph, webhook_url, webhook_events, custom_id)
                SELECT id, :tenant, :api_key::uuid, class_id, band, max_failures, keep_metadata, run_timeout_ms,
                       run_after, start_by, finish_by, expires_at, batch_id, retry_of, traceparent,
                       ARRAY(SELECT jsonb_array_elements_text(tags::jsonb)), metadata::jsonb, params::jsonb,
                       convert_to(graph, 'UTF8'), webhook_url, webhook_events, custom_id
                FROM r),
            d AS (
                INSERT INTO delayed (job_id, due_at, tenant_id, class_id, band, expire_at, held_by)
                SELECT id, coalesce(run_after, now()), :tenant, class_id, band, least(start_by, finish_by),
                       CASE WHEN held THEN batch_id END
                FROM r WHERE held OR run_after > now())
            INSERT INTO queue (tenant_id, class_id, band, job_id, expire_at)
            SELECT :tenant, class_id, band, id, least(start_by, finish_by) FROM r
            WHERE NOT held AND (run_after IS NULL OR run_after <= now())
            """;

    private static final String COLUMNS =
            """
            SELECT j.id, j.tenant_id, j.state, j.band, j.max_failures, c.pool, c.required_models,
                   c.required_nodes, j.created_at, j.run_after, j.start_by, j.finish_by, j.edits,
                   job_leaves_at(j.created_at, j.run_after, j.expires_at, j.finished_at) AS expires_at, j.erased_at,
                   coalesce(j.started_at, l.started_at) AS started_at, j.finished_at, j.gpu_ms,
                   j.store_ms, j.batch_id, j.custom_id, j.retry_of, j.tags, j.metadata, j.params, j.error_code, j.error, j.result,
                   CASE WHEN j.state <> 0 THEN 'GONE'
                        WHEN l.job_id IS NOT NULL THEN 'LEASE'
                        WHEN d.job_id IS NOT NULL THEN 'DELAYED'
                        WHEN q.job_id IS NOT NULL THEN 'QUEUE' END AS place,
                   coalesce(l.stage, 0) AS stage, coalesce(l.progress, 0) AS progress,
                   coalesce(j.epoch, l.epoch, d.epoch, q.epoch, 0) AS epoch,
                   coalesce(l.failures, d.failures, q.failures, 0) AS failures,
                   coalesce(l.losses, d.losses, q.losses, 0) AS losses,
                   d.due_at, coalesce(d.held_by IS NOT NULL AND d.due_at <= now(), false) AS held, w.name AS worker
            """;

    /// The class of a job, its token wherever that is, and the worker of its newest attempt.
    private static final String JOINS =
            """
            JOIN job_class c ON c.id = j.class_id
            LEFT JOIN lease l ON l.job_id = j.id AND j.state = 0
            LEFT JOIN delayed d ON d.job_id = j.id AND j.state = 0
            LEFT JOIN queue q ON j.state = 0
                AND (q.tenant_id, q.class_id, q.band, q.job_id) = (j.tenant_id, j.class_id, j.band, j.id)
            LEFT JOIN worker w ON w.id = coalesce(j.worker_id, l.worker_id)
            """;

    /// A job with all that belongs to it.
    static final String FROM = "\nFROM job j\n" + JOINS;

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
                %s),
            h AS (%s)
            SELECT (SELECT count(*) FROM k) AS live, (SELECT count(*) FROM j) AS canceled,
                   (SELECT epoch FROM l) AS epoch, (SELECT worker_id FROM l) AS worker_id,
                   (SELECT w.lane FROM worker w JOIN l ON w.id = l.worker_id) AS lane
            """
                    .formatted(Hooks.RETURNING, Hooks.ENDED);

    /// Waits for nobody, so that it may take the job's row before the token: whose row or token is
    /// not free is being moved, ended or changed, and is asked again. That holds the job still, so
    /// that what is written to the token and what is written to the job are of one moment.
    ///
    /// The token in the queue is taken out and put in anew: a leader who waited for it must not
    /// make a lease of it with what the job's row said before.
    private static final String CHANGE =
            """
            WITH k AS (
                SELECT id, tenant_id, class_id, band FROM job
                WHERE id = :id AND tenant_id = :tenant AND state = 0 AND edits = :edits
                FOR NO KEY UPDATE SKIP LOCKED),
            q AS (
                DELETE FROM queue WHERE (tenant_id, class_id, band, job_id) IN (
                    SELECT q.tenant_id, q.class_id, q.band, q.job_id
                    FROM queue q JOIN k ON (q.tenant_id, q.class_id, q.band, q.job_id)
                                         = (k.tenant_id, k.class_id, k.band, k.id)
                    FOR UPDATE OF q SKIP LOCKED)
                RETURNING *),
            n AS (
                INSERT INTO queue (tenant_id, class_id, band, job_id, epoch, failures, losses, avoid_worker, expire_at,
                                   queued_at)
                SELECT tenant_id, class_id, :band, job_id, epoch, failures, losses, avoid_worker,
                       least(:start_by::timestamptz, :finish_by::timestamptz), queued_at
                FROM q
                RETURNING job_id),
            d AS (
                UPDATE delayed SET band = :band, expire_at = least(:start_by::timestamptz, :finish_by::timestamptz)
                WHERE job_id IN (
                    SELECT d.job_id FROM delayed d JOIN k ON d.job_id = k.id FOR UPDATE OF d SKIP LOCKED)
                RETURNING job_id),
            l AS (
                UPDATE lease SET band = :band, expire_at = least(:start_by::timestamptz, :finish_by::timestamptz),
                                 finish_by = :finish_by::timestamptz
                WHERE job_id IN (
                    SELECT l.job_id FROM lease l JOIN k ON l.job_id = k.id FOR UPDATE OF l SKIP LOCKED)
                RETURNING job_id),
            t AS (SELECT job_id FROM n UNION ALL SELECT job_id FROM d UNION ALL SELECT job_id FROM l)
            UPDATE job SET band = :band, start_by = :start_by::timestamptz, finish_by = :finish_by::timestamptz,
                           tags = ARRAY(SELECT jsonb_array_elements_text(:tags::jsonb)), metadata = :metadata::jsonb,
                           edits = edits + 1
            FROM t WHERE id = t.job_id AND state = 0
            """;

    private static final String ATTEMPTS =
            """
            SELECT a.*, w.name AS worker
            FROM (
                SELECT epoch, worker_id, outcome, assigned_at, started_at, ended_at, error_code, error
                FROM attempt WHERE job_id = :id
                UNION ALL
                SELECT epoch, worker_id, (ARRAY['succeeded', 'failed', 'canceled', 'expired'])[state], NULL, started_at,
                       finished_at, error_code, error
                FROM job j
                WHERE id = :id AND state <> 0 AND worker_id IS NOT NULL
                  AND NOT EXISTS (SELECT FROM attempt o WHERE o.job_id = j.id AND o.epoch = j.epoch)
                UNION ALL
                SELECT epoch, worker_id, CASE stage WHEN 0 THEN 'assigned' ELSE 'running' END, assigned_at, started_at,
                       NULL, NULL, NULL
                FROM lease WHERE job_id = :id AND NOT canceled
            ) a
            LEFT JOIN worker w ON w.id = a.worker_id
            WHERE EXISTS (SELECT FROM job WHERE id = :id AND tenant_id = :tenant)
            ORDER BY a.epoch
            """;

    /// Most jobs that one look at a filtered list goes through.
    private static final int WINDOW = 10_000;

    /// How far the clock of an instance, which is in the ids, may be from that of Postgres, which
    /// is in `created_at`, before a job at the edge of a span of time is not found.
    private static final Duration SKEW = Duration.ofMinutes(10);

    private static final UUID FIRST_ID = new UUID(0, 0);
    private static final UUID LAST_ID = new UUID(-1, -1);

    /// The times of acceptance are found by the ids, which are made a little earlier, by another
    /// clock.
    private static final String CHANGES =
            """
            SELECT at, id FROM (
                (SELECT finished_at AS at, id FROM job
                 WHERE tenant_id = ANY (:tenants) AND finished_at >= :at::timestamptz
                    AND (finished_at, id) > (:at::timestamptz, :id)
                 ORDER BY 1, 2 LIMIT :limit)
                UNION ALL
                (SELECT greatest(assigned_at, started_at), job_id FROM lease
                 WHERE tenant_id = ANY (:tenants) AND NOT canceled
                    AND (greatest(assigned_at, started_at), job_id) > (:at::timestamptz, :id)
                 ORDER BY 1, 2 LIMIT :limit)
                UNION ALL
                (SELECT created_at, id FROM job
                 WHERE tenant_id = ANY (:tenants)
                    AND id >= uuid7_at(:at::timestamptz - interval '1 minute')
                    AND (created_at, id) > (:at::timestamptz, :id)
                 ORDER BY 1, 2 LIMIT :limit)) c
            ORDER BY at, id LIMIT :limit
            """;

    private static final JsonMapper JSON = JsonMapper.shared();

    /// One statement is one snapshot, so the token is always seen in exactly one place.
    static final String READ = COLUMNS + FROM;

    /// The same of one job. The limit says no more than the planner should know: that of all days
    /// only one has it. Then it plans once and not for each read, which costs five times as much as
    /// reading.
    private static final String READ_ONE =
            COLUMNS
                    + "\nFROM (SELECT * FROM job WHERE id = :id AND tenant_id = :tenant LIMIT 1) j\n"
                    + JOINS;

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
        submit(tenant, null, jobs);
    }

    /// The same, noting the key that they came with.
    public void submit(int tenant, @Nullable UUID apiKey, List<NewJob> jobs) {
        if (jobs.size() == 1 && isPlain(jobs.getFirst())) {
            submitOne(tenant, apiKey, jobs.getFirst());
        } else {
            submitMany(tenant, apiKey, jobs);
        }
    }

    private static boolean isPlain(NewJob job) {
        return job.runAfter() == null && job.customId() == null && !job.held();
    }

    private void submitOne(int tenant, @Nullable UUID apiKey, NewJob job) {
        var startBy = text(job.startBy());
        var finishBy = text(job.finishBy());
        short band = job.priority().band();
        jdbc.sql(SUBMIT_ONE)
                .param(job.id().value())
                .param(tenant)
                .param(apiKey)
                .param(job.classId())
                .param(band)
                .param((short) job.maxFailures())
                .param(job.keepMetadata())
                .param(job.runTimeoutMs())
                .param(startBy)
                .param(finishBy)
                .param(text(job.expiresAt()))
                .param(job.batchId())
                .param(job.retryOf())
                .param(job.traceparent())
                .param(job.tags().toArray(String[]::new))
                .param(job.metadata())
                .param(job.params())
                .param(job.graph().toBytes())
                .param(job.webhook() == null ? null : job.webhook().url())
                .param(job.webhook() == null ? null : job.webhook().mask())
                .param(tenant)
                .param(job.classId())
                .param(band)
                .param(job.id().value())
                .param(startBy)
                .param(finishBy)
                .update();
    }

    private void submitMany(int tenant, @Nullable UUID apiKey, List<NewJob> jobs) {
        jdbc.sql(SUBMIT_MANY)
                .param("tenant", tenant)
                .param("api_key", text(apiKey))
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
                .param("finish_bys", texts(jobs, j -> text(j.finishBy())))
                .param("expires", texts(jobs, j -> text(j.expiresAt())))
                .param(
                        "max_failures",
                        jobs.stream().map(j -> (short) j.maxFailures()).toArray(Short[]::new))
                .param("timeouts", jobs.stream().map(NewJob::runTimeoutMs).toArray(Integer[]::new))
                .param("keeps", jobs.stream().map(NewJob::keepMetadata).toArray(Boolean[]::new))
                .param(
                        "hook_urls",
                        texts(jobs, j -> j.webhook() == null ? null : j.webhook().url()))
                .param(
                        "hook_events",
                        jobs.stream()
                                .map(j -> j.webhook() == null ? null : j.webhook().mask())
                                .toArray(Integer[]::new))
                .param("custom_ids", texts(jobs, NewJob::customId))
                .param("helds", jobs.stream().map(NewJob::held).toArray(Boolean[]::new))
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
        return jdbc.sql(READ_ONE)
                .param("id", id.value())
                .param("tenant", tenant)
                .query(JobStore::row)
                .optional();
    }

    /// These jobs, whoever's they are, in any order; those that do not exist are left out.
    public List<JobRow> findAll(Collection<JobId> ids) {
        return jdbc.sql(READ + "WHERE j.id = ANY (:ids::uuid[])")
                .param("ids", ids.stream().map(JobId::toString).toArray(String[]::new))
                .query(JobStore::row)
                .list();
    }

    /// A job of which something changed: it was accepted, was given to a worker, began, or ended.
    ///
    /// @param at when, by Postgres' clock
    public record Change(Instant at, JobId job) {}

    /// What changed after this one, the oldest first. That a job waits again is not remembered.
    public List<Change> changes(Collection<Integer> tenants, Change after, int limit) {
        return jdbc.sql(CHANGES)
                .param("tenants", tenants.toArray(Integer[]::new))
                .param("at", after.at().toString())
                .param("id", after.job().value())
                .param("limit", limit)
                .query((rs, _) ->
                        new Change(
                                java.util.Objects.requireNonNull(time(rs, "at")),
                                new JobId(rs.getObject("id", UUID.class))))
                .list();
    }

    /// Postgres' clock.
    public Instant now() {
        return jdbc.sql("SELECT now() AS at")
                .query((rs, _) -> java.util.Objects.requireNonNull(time(rs, "at")))
                .single();
    }

    /// The graph that ComfyUI is given, JSON; empty text when it was erased, empty when there is no
    /// such job, or it is another tenant's.
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

    /// What a job was made of, to make another like it. Times are counted from when it could start,
    /// the finish deadline from its submit.
    ///
    /// @param graph JSON
    /// @param params JSON; null for a client's own graph
    /// @param retention null for ever
    public record Original(
            JobState state,
            int classId,
            Priority priority,
            String graph,
            @Nullable String params,
            String metadata,
            List<String> tags,
            @Nullable Duration startWithin,
            @Nullable Duration finishWithin,
            @Nullable Duration retention,
            int maxFailures,
            int runTimeoutMs,
            boolean keepMetadata,
            @Nullable JobWebhook webhook) {
        public Original {
            tags = List.copyOf(tags);
        }
    }

    /// Empty when there is no such job, or it is another tenant's.
    public Optional<Original> findOriginal(int tenant, JobId id) {
        return jdbc.sql(
                        """
                        SELECT state, class_id, band, convert_from(graph, 'UTF8') AS graph, params, metadata, tags,
                               extract(epoch FROM start_by - greatest(run_after, created_at)) AS start_within,
                               extract(epoch FROM finish_by - created_at) AS finish_within,
                               extract(epoch FROM expires_at - greatest(run_after, created_at)) AS retention,
                               max_failures, run_timeout_ms, keep_metadata, webhook_url, webhook_events
                        FROM job WHERE id = :id AND tenant_id = :tenant
                        """)
                .param("id", id.value())
                .param("tenant", tenant)
                .query((rs, _) ->
                        new Original(
                                JobState.ofCode(rs.getInt("state")),
                                rs.getInt("class_id"),
                                Priority.ofBand(rs.getInt("band")),
                                rs.getString("graph"),
                                rs.getString("params"),
                                rs.getString("metadata"),
                                strings(rs.getArray("tags")),
                                span(rs, "start_within"),
                                span(rs, "finish_within"),
                                span(rs, "retention"),
                                rs.getInt("max_failures"),
                                rs.getInt("run_timeout_ms"),
                                rs.getBoolean("keep_metadata"),
                                webhook(rs)))
                .optional();
    }

    private static @Nullable JobWebhook webhook(ResultSet rs) throws SQLException {
        @Nullable String url = rs.getString("webhook_url");
        return url == null ? null : JobWebhook.of(url, rs.getInt("webhook_events"));
    }

    private static @Nullable Duration span(ResultSet rs, String column) throws SQLException {
        double seconds = rs.getDouble(column);
        return rs.wasNull() ? null : Duration.ofMillis(Math.round(seconds * 1_000));
    }

    /// The jobs of one batch, in order of submission.
    public List<JobRow> findBatch(int tenant, UUID batch) {
        return jdbc.sql(READ + "WHERE j.batch_id = :batch AND j.tenant_id = :tenant ORDER BY j.id")
                .param("batch", batch)
                .param("tenant", tenant)
                .query(JobStore::row)
                .list();
    }

    /// In which order jobs are listed: that of their ids, which is the order of submission and
    /// never changes.
    public enum Order {
        NEWEST_FIRST,
        OLDEST_FIRST;

        /// The clause that sorts by this column of ids.
        String by(String column) {
            return switch (this) {
                case NEWEST_FIRST -> " ORDER BY " + column + " DESC";
                case OLDEST_FIRST -> " ORDER BY " + column;
            };
        }
    }

    /// Which part of a list is wanted.
    ///
    /// @param after the last job of the part before it; null to begin
    /// @param limit most rows
    public record Part(Order order, @Nullable JobId after, int limit) {}

    /// A part of a list.
    ///
    /// @param lookedTo where the search stopped before it had found as many as were wanted, though
    ///   there is more to look at; null when it did not
    public record Listed(List<JobRow> jobs, @Nullable JobId lookedTo) {
        public Listed {
            jobs = List.copyOf(jobs);
        }
    }

    /// The jobs of a tenant that are meant, in order; stable while jobs come and change.
    ///
    /// Bounded whatever is asked: a part without a filter reads as many rows as it shows, a filter
    /// that an index answers ([JobFilter#candidates]) reads what that finds, and any other looks at
    /// no more than [#WINDOW] jobs and says where it stopped.
    public Listed list(int tenant, JobFilter filter, Part part) {
        var range = range(filter, part);
        var candidates = filter.candidates(part.order());
        @Nullable JobId edge =
                filter.isEmpty() || candidates != null ? null : edge(tenant, range, part.order());
        var within = edge == null ? range : range.upTo(edge, part.order());
        var statement =
                jdbc.sql(
                                READ
                                        + "WHERE j.tenant_id = :tenant"
                                        + RANGE.formatted("j.id", "j.id")
                                        + (candidates == null
                                                ? ""
                                                : " AND j.id = ANY (" + candidates + ")")
                                        + filter.condition()
                                        + part.order().by("j.id")
                                        + " LIMIT :limit")
                        .param("tenant", tenant)
                        .param("low", within.low())
                        .param("high", within.high())
                        .param("limit", part.limit());
        var found = filter.bind(statement).query(JobStore::row).list();
        return new Listed(found, found.size() < part.limit() ? edge : null);
    }

    private static final String RANGE = " AND %s >= :low AND %s <= :high";

    /// Ids from here to there, both included.
    private record Range(UUID low, UUID high) {

        Range upTo(JobId edge, Order order) {
            return order == Order.NEWEST_FIRST
                    ? new Range(edge.value(), high)
                    : new Range(low, edge.value());
        }
    }

    /// Where jobs of the filter's time can be, in front of what was shown already.
    private static Range range(JobFilter filter, Part part) {
        var low =
                filter.createdAfter() == null ? FIRST_ID : idAt(filter.createdAfter().minus(SKEW));
        var high =
                filter.createdBefore() == null ? LAST_ID : idAt(filter.createdBefore().plus(SKEW));
        if (part.after() != null) {
            var seen = part.after().value();
            if (part.order() == Order.NEWEST_FIRST) {
                high = lesser(high, previous(seen));
            } else {
                low = greater(low, next(seen));
            }
        }
        return new Range(low, high);
    }

    /// The smallest id of this millisecond.
    private static UUID idAt(Instant time) {
        long millis = Math.clamp(time.toEpochMilli(), 0, (1L << 48) - 1);
        return new UUID(millis << 16, 0);
    }

    private static UUID lesser(UUID one, UUID other) {
        return new JobId(one).compareTo(new JobId(other)) < 0 ? one : other;
    }

    private static UUID greater(UUID one, UUID other) {
        return new JobId(one).compareTo(new JobId(other)) > 0 ? one : other;
    }

    private static UUID previous(UUID id) {
        long low = id.getLeastSignificantBits();
        return new UUID(id.getMostSignificantBits() - (low == 0 ? 1 : 0), low - 1);
    }

    private static UUID next(UUID id) {
        long low = id.getLeastSignificantBits();
        return new UUID(id.getMostSignificantBits() + (low == -1 ? 1 : 0), low + 1);
    }

    /// The last job of the window; null when there are fewer. Reads the index only.
    private @Nullable JobId edge(int tenant, Range range, Order order) {
        return jdbc.sql(
                        "SELECT id FROM job WHERE tenant_id = :tenant"
                                + RANGE.formatted("id", "id")
                                + order.by("id")
                                + " OFFSET :window LIMIT 1")
                .param("tenant", tenant)
                .param("low", range.low())
                .param("high", range.high())
                .param("window", WINDOW - 1)
                .query((rs, _) -> new JobId(rs.getObject("id", UUID.class)))
                .optional()
                .orElse(null);
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

    /// What a client may change of a job that has not ended; all of it, changed or not.
    ///
    /// @param metadata JSON object
    public record Terms(
            Priority priority,
            @Nullable Instant startBy,
            @Nullable Instant finishBy,
            List<String> tags,
            String metadata) {
        public Terms {
            tags = List.copyOf(tags);
        }

        public static Terms of(JobRow job) {
            return new Terms(
                    job.priority(), job.startBy(), job.finishBy(), job.tags(), job.metadata());
        }
    }

    /// Puts a live job on these terms, job and token in one statement, wherever the token is.
    ///
    /// @param seen the job that the terms were made for
    /// @return false when nothing was done: the job has ended or was changed since it was seen, or
    ///   its token was moving just then. Read it again
    public boolean change(JobRow seen, Terms terms) {
        return jdbc.sql(CHANGE)
                        .param("id", seen.id().value())
                        .param("tenant", seen.tenant())
                        .param("edits", seen.edits())
                        .param("band", terms.priority().band())
                        .param("start_by", text(terms.startBy()))
                        .param("finish_by", text(terms.finishBy()))
                        .param("tags", JSON.writeValueAsString(terms.tags()))
                        .param("metadata", terms.metadata())
                        .update()
                > 0;
    }

    /// One run of a job on a worker.
    ///
    /// @param worker its name; null when it is long gone
    /// @param outcome `assigned` or `running`, or how it ended
    /// @param assignedAt null when it was the last one and succeeded or was canceled
    /// @param error JSON; null when nobody could say more than the code does
    public record AttemptRow(
            int epoch,
            @Nullable String worker,
            String outcome,
            @Nullable Instant assignedAt,
            @Nullable Instant startedAt,
            @Nullable Instant endedAt,
            @Nullable String errorCode,
            @Nullable String error) {}

    /// The attempts of a job, oldest first: those that did not end well, and the last one. What a
    /// worker gave back unbegun is none. Empty for another tenant's job.
    public List<AttemptRow> attempts(int tenant, JobId id) {
        return jdbc.sql(ATTEMPTS)
                .param("id", id.value())
                .param("tenant", tenant)
                .query((rs, _) ->
                        new AttemptRow(
                                rs.getInt("epoch"),
                                rs.getString("worker"),
                                rs.getString("outcome"),
                                time(rs, "assigned_at"),
                                time(rs, "started_at"),
                                time(rs, "ended_at"),
                                rs.getString("error_code"),
                                rs.getString("error")))
                .list();
    }

    static JobRow row(ResultSet rs, int number) throws SQLException {
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
                rs.getInt("edits"),
                time(rs, "due_at"),
                rs.getBoolean("held"),
                rs.getString("worker"),
                Priority.ofBand(rs.getInt("band")),
                rs.getInt("max_failures"),
                rs.getString("pool"),
                strings(rs.getArray("required_models")),
                strings(rs.getArray("required_nodes")),
                java.util.Objects.requireNonNull(time(rs, "created_at")),
                time(rs, "run_after"),
                time(rs, "start_by"),
                time(rs, "finish_by"),
                time(rs, "expires_at"),
                time(rs, "erased_at"),
                time(rs, "started_at"),
                time(rs, "finished_at"),
                rs.getObject("gpu_ms", Integer.class),
                rs.getObject("store_ms", Integer.class),
                rs.getObject("batch_id", UUID.class),
                rs.getString("custom_id"),
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
