package dev.comfyapi.db.job;

import dev.comfyapi.db.webhook.Hooks;
import dev.comfyapi.model.job.JobId;

import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/// Batches, and their jobs taken together. Thread-safe; every call is one statement and may be
/// repeated.
///
/// No job's end touches the batch: its jobs are counted when somebody asks, and once for good when
/// all have ended.
public final class BatchStore {

    private static final String READ =
            """
            SELECT id, name, state, total, max_concurrency, fail_fast, created_at, finish_by, canceled_at, finished_at,
                   succeeded, failed, canceled, expired, expires_at, metadata
            FROM batch
            """;

    private static final String COUNTS =
            """
            SELECT count(*) FILTER (WHERE state = 1) AS succeeded, count(*) FILTER (WHERE state = 2) AS failed,
                   count(*) FILTER (WHERE state = 3) AS canceled, count(*) FILTER (WHERE state = 4) AS expired,
                   (SELECT count(*) FROM lease l JOIN job k ON k.id = l.job_id
                    WHERE l.tenant_id = :tenant AND l.stage > 0 AND NOT l.canceled AND k.batch_id = :id) AS running
            FROM job WHERE batch_id = :id AND tenant_id = :tenant
            """;

    /// For each batch the first job that lives, looked for from where it was the last time: jobs
    /// that have ended stay so, and none is added.
    private static final String OPEN =
            """
            SELECT b.id, b.tenant_id, b.max_concurrency IS NOT NULL AS limited, n.id AS first_live,
                   b.canceled_at IS NOT NULL
                   OR b.fail_fast AND EXISTS (
                       SELECT FROM job e WHERE e.batch_id = b.id AND e.error_code IS NOT NULL) AS ending
            FROM (SELECT * FROM batch WHERE finished_at IS NULL AND id > :after ORDER BY id LIMIT :most) b
            LEFT JOIN unnest(:ids::uuid[], :firsts::uuid[]) AS k(id, first) ON k.id = b.id
            LEFT JOIN LATERAL (
                SELECT j.id FROM job j
                WHERE j.batch_id = b.id AND j.id >= coalesce(k.first, '00000000-0000-0000-0000-000000000000')
                  AND j.state = 0
                ORDER BY j.id LIMIT 1) n ON true
            ORDER BY b.id
            """;

    /// What is active is in the row that is locked: of two leaders the second sees what the first
    /// let go. Jobs that it still takes for live are counted in vain, never the other way round.
    private static final String RELEASE =
            """
            WITH b AS MATERIALIZED (
                SELECT id, active, max_concurrency FROM batch
                WHERE id = :id AND finished_at IS NULL AND canceled_at IS NULL
                FOR UPDATE),
            a AS MATERIALIZED (SELECT j.id FROM b JOIN job j ON j.id = ANY (b.active) WHERE j.state = 0),
            s AS MATERIALIZED (
                SELECT job_id FROM delayed
                WHERE held_by = (SELECT id FROM b) AND due_at <= now()
                ORDER BY due_at, job_id
                LIMIT greatest(0, (SELECT max_concurrency FROM b) - (SELECT count(*) FROM a))
                FOR UPDATE SKIP LOCKED),
            d AS (DELETE FROM delayed d USING s WHERE d.job_id = s.job_id RETURNING d.*),
            q AS (
                INSERT INTO queue (tenant_id, class_id, band, job_id, epoch, failures, losses, avoid_worker, expire_at)
                SELECT tenant_id, class_id, band, job_id, epoch, failures, losses, avoid_worker, expire_at FROM d
                RETURNING job_id),
            u AS (
                UPDATE batch SET active = ARRAY(SELECT id FROM a UNION ALL SELECT job_id FROM q)
                FROM b WHERE batch.id = b.id AND EXISTS (SELECT FROM q))
            SELECT job_id FROM q
            """;

    private static final String FINISH =
            """
            WITH c AS (
                SELECT count(*) FILTER (WHERE state = 0) AS live, count(*) FILTER (WHERE state = 1) AS succeeded,
                       count(*) FILTER (WHERE state = 2) AS failed, count(*) FILTER (WHERE state = 3) AS canceled,
                       count(*) FILTER (WHERE state = 4) AS expired,
                       max(job_leaves_at(created_at, run_after, expires_at, finished_at)) AS leaves_at
                FROM job WHERE batch_id = :id),
            j AS (
                UPDATE batch
                SET state = CASE WHEN c.succeeded = total THEN 1
                                 WHEN c.succeeded > 0 THEN 2
                                 WHEN canceled_at IS NOT NULL OR c.canceled = total THEN 4
                                 WHEN c.failed > 0 THEN 3
                                 WHEN c.expired > 0 THEN 5
                                 ELSE 4 END,
                    finished_at = now(), succeeded = c.succeeded, failed = c.failed, canceled = c.canceled,
                    expired = c.expired, expires_at = coalesce(c.leaves_at, now())
                FROM c
                WHERE batch.id = :id AND batch.finished_at IS NULL AND c.live = 0
                RETURNING batch.id, batch.tenant_id, '{}'::text[] AS tags, batch.webhook_url, batch.webhook_events,
                          batch.finished_at),
            h AS (%s)
            SELECT count(*) FROM j
            """
                    .formatted(Hooks.BATCH_ENDED);

    /// After its jobs, and after the message about it: that is written of what is here.
    private static final String FORGET =
            """
            WITH b AS (
                DELETE FROM batch WHERE id IN (
                    SELECT id FROM batch b
                    WHERE expires_at < now()
                      AND NOT EXISTS (SELECT FROM job j WHERE j.batch_id = b.id)
                      AND (finished_at < now() - interval '4 days'
                           OR NOT EXISTS (SELECT FROM webhook_delivery d
                                          WHERE d.subject_id = b.id AND d.event = 8 AND d.state = 0))
                    ORDER BY expires_at LIMIT :most)
                RETURNING id),
            d AS (DELETE FROM webhook_delivery d USING b WHERE d.subject_id = b.id AND d.event = 8)
            SELECT count(*) FROM b
            """;

    private final JdbcClient jdbc;

    public BatchStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /// Accepts a batch. Takes part in the transaction that accepts its jobs: one without them would
    /// end at once.
    public void add(int tenant, NewBatch batch) {
        jdbc.sql(
                        """
                        INSERT INTO batch (id, tenant_id, name, total, max_concurrency, fail_fast, metadata, webhook_url,
                                           webhook_events, finish_by)
                        VALUES (:id, :tenant, :name, :total, :max, :fail_fast, :metadata::jsonb, :url, :events,
                                :finish_by::timestamptz)
                        """)
                .param("id", batch.id())
                .param("tenant", tenant)
                .param("name", batch.name())
                .param("total", batch.total())
                .param("max", batch.maxConcurrency())
                .param("fail_fast", batch.failFast())
                .param("metadata", batch.metadata())
                .param("url", batch.webhook() == null ? null : batch.webhook().url())
                .param("events", batch.webhook() == null ? null : batch.webhook().mask())
                .param("finish_by", batch.finishBy() == null ? null : batch.finishBy().toString())
                .update();
    }

    /// Empty when there is no such batch, or it is another tenant's.
    public Optional<BatchRow> find(int tenant, UUID id) {
        return jdbc.sql(READ + "WHERE id = :id AND tenant_id = :tenant")
                .param("id", id)
                .param("tenant", tenant)
                .query(BatchStore::row)
                .optional();
    }

    /// Newest first.
    ///
    /// @param statuses any of these; empty for all
    /// @param before only older ones; null from the newest on
    public List<BatchRow> list(
            int tenant, Set<BatchStatus> statuses, @Nullable UUID before, int limit) {
        return jdbc.sql(
                        READ
                                + """
                                WHERE tenant_id = :tenant AND (:before::uuid IS NULL OR id < :before::uuid)
                                  AND (:all OR state = ANY (:states::int[]))
                                ORDER BY id DESC LIMIT :limit
                                """)
                .param("tenant", tenant)
                .param("before", before == null ? null : before.toString())
                .param("all", statuses.isEmpty())
                .param("states", statuses.stream().map(BatchStatus::code).toArray(Integer[]::new))
                .param("limit", limit)
                .query(BatchStore::row)
                .list();
    }

    /// How the jobs of a batch stand at one moment.
    ///
    /// @param running with workers, and begun
    public record Counts(BatchRow.Ended ended, int running) {}

    /// Counts the jobs: reads each of them.
    public Counts counts(int tenant, UUID id) {
        return jdbc.sql(COUNTS)
                .param("id", id)
                .param("tenant", tenant)
                .query((rs, _) -> new Counts(ended(rs), rs.getInt("running")))
                .single();
    }

    /// Notes that its client cancels it, so that the leader goes on if whoever cancels its jobs
    /// dies.
    public void cancel(int tenant, UUID id) {
        jdbc.sql(
                        """
                        UPDATE batch SET canceled_at = now()
                        WHERE id = :id AND tenant_id = :tenant AND finished_at IS NULL AND canceled_at IS NULL
                        """)
                .param("id", id)
                .param("tenant", tenant)
                .update();
    }

    /// The jobs of a batch that have succeeded, or those that have ended otherwise, in the order in
    /// which they ended.
    ///
    /// @param after only what ended after this job; null from the first on
    /// @param settled only what ended so long ago: of what ends at one moment some becomes visible
    ///   a little later
    public List<JobId> ended(
            int tenant, UUID batch, boolean succeeded, @Nullable JobId after, Duration settled) {
        return jdbc.sql(
                        """
                        SELECT id FROM job
                        WHERE batch_id = :batch AND tenant_id = :tenant AND state <> 0 AND (state = 1) = :succeeded
                          AND finished_at <= now() - :settled * interval '1 ms'
                          AND (:after::uuid IS NULL
                               OR (finished_at, id) > (SELECT finished_at, id FROM job
                                                       WHERE id = :after::uuid AND batch_id = :batch))
                        ORDER BY finished_at, id
                        """)
                .param("batch", batch)
                .param("tenant", tenant)
                .param("succeeded", succeeded)
                .param("settled", settled.toMillis())
                .param("after", after == null ? null : after.toString())
                .query((rs, _) -> new JobId(rs.getObject("id", UUID.class)))
                .list();
    }

    /// Whether this is a job of the batch that has ended.
    public boolean hasEnded(int tenant, UUID batch, JobId job) {
        return jdbc.sql(
                        """
                        SELECT EXISTS (SELECT FROM job
                                       WHERE id = :job AND batch_id = :batch AND tenant_id = :tenant AND state <> 0)
                        """)
                .param("job", job.value())
                .param("batch", batch)
                .param("tenant", tenant)
                .query(Boolean.class)
                .single();
    }

    /// Those of these batches that have ended or are gone.
    public Set<UUID> over(Collection<UUID> batches) {
        var over = new HashSet<>(batches);
        jdbc.sql("SELECT id FROM batch WHERE id = ANY (:ids::uuid[]) AND finished_at IS NULL")
                .param("ids", texts(batches))
                .query(rs -> {
                    over.remove(rs.getObject("id", UUID.class));
                });
        return over;
    }

    /// A batch that has not ended, as the leader sees it.
    ///
    /// @param isLimited whether its jobs come into the queue by [#release]
    /// @param isEnding whether what lives of it is to be canceled: its client wants it, or it shall
    ///   not outlive a failure
    /// @param firstLive its first job that lives; null when none does
    public record Open(
            UUID id, int tenant, boolean isLimited, boolean isEnding, @Nullable JobId firstLive) {}

    /// Batches that have not ended, by their ids.
    ///
    /// @param firstLive what the last look found, by batch; only makes it cheaper
    /// @param after the last one of the page before; null to begin
    public List<Open> open(Map<UUID, JobId> firstLive, @Nullable UUID after, int most) {
        var known = List.copyOf(firstLive.entrySet());
        return jdbc.sql(OPEN)
                .param("ids", texts(known.stream().map(Map.Entry::getKey).toList()))
                .param(
                        "firsts",
                        known.stream()
                                .map(entry -> entry.getValue().toString())
                                .toArray(String[]::new))
                .param("after", after == null ? JobId.FIRST.value() : after)
                .param("most", most)
                .query((rs, _) -> {
                    @Nullable UUID first = rs.getObject("first_live", UUID.class);
                    return new Open(
                            rs.getObject("id", UUID.class),
                            rs.getInt("tenant_id"),
                            rs.getBoolean("limited"),
                            rs.getBoolean("ending"),
                            first == null ? null : new JobId(first));
                })
                .list();
    }

    /// Lets as many held jobs of a batch into the queue as its limit leaves room for; answers them.
    ///
    /// Never more than the limit are in the queue and with workers, whoever else calls this.
    public List<JobId> release(UUID batch) {
        return jdbc.sql(RELEASE)
                .param("id", batch)
                .query((rs, _) -> new JobId(rs.getObject("job_id", UUID.class)))
                .list();
    }

    /// Ends a batch none of whose jobs lives: counts them for good, and writes down who is to be
    /// told.
    ///
    /// @return whether this call did it; nobody else will
    public boolean finish(UUID batch) {
        return jdbc.sql(FINISH).param("id", batch).query(Integer.class).single() == 1;
    }

    /// Forgets batches whose jobs are gone; answers how many.
    public int forget(int most) {
        return jdbc.sql(FORGET).param("most", most).query(Integer.class).single();
    }

    private static String[] texts(Collection<UUID> ids) {
        return ids.stream().map(UUID::toString).toArray(String[]::new);
    }

    private static BatchRow row(ResultSet rs, int number) throws SQLException {
        return new BatchRow(
                rs.getObject("id", UUID.class),
                rs.getString("name"),
                BatchStatus.ofCode(rs.getInt("state")),
                rs.getInt("total"),
                rs.getObject("max_concurrency", Integer.class),
                rs.getBoolean("fail_fast"),
                Objects.requireNonNull(time(rs, "created_at")),
                time(rs, "finish_by"),
                time(rs, "canceled_at"),
                time(rs, "finished_at"),
                ended(rs),
                time(rs, "expires_at"),
                rs.getString("metadata"));
    }

    private static BatchRow.Ended ended(ResultSet rs) throws SQLException {
        return new BatchRow.Ended(
                rs.getInt("succeeded"),
                rs.getInt("failed"),
                rs.getInt("canceled"),
                rs.getInt("expired"));
    }

    private static @Nullable Instant time(ResultSet rs, String column) throws SQLException {
        @Nullable OffsetDateTime time = rs.getObject(column, OffsetDateTime.class);
        return time == null ? null : time.toInstant();
    }
}
