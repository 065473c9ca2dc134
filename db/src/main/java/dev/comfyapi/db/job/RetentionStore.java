package dev.comfyapi.db.job;

import dev.comfyapi.model.job.JobId;

import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

import java.time.OffsetDateTime;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/// Removes jobs whose time is over. Thread-safe; every call is one statement and may be repeated.
///
/// The files of a job go before its row: a row without files is found again by [#expired], files
/// without a row only by the sweep ([StrayStore]).
public final class RetentionStore {

    /// Longer than a delivery is tried. While one is open, the job is what it tells about; and a
    /// batch counts its jobs when the last of them has ended.
    private static final String NOBODY_NEEDS_IT =
            """
            j.state <> 0
            AND job_leaves_at(j.created_at, j.run_after, j.expires_at, j.finished_at) < now()
            AND NOT EXISTS (SELECT FROM lease l WHERE l.job_id = j.id)
            AND NOT EXISTS (SELECT FROM batch b WHERE b.id = j.batch_id AND b.finished_at IS NULL)
            AND (j.finished_at < now() - interval '4 days'
                 OR NOT EXISTS (SELECT FROM webhook_delivery d
                                WHERE d.subject_id = j.id AND d.event NOT IN (6, 7) AND d.state = 0))
            """;

    private static final String EXPIRED =
            """
            SELECT j.id, j.tenant_id, j.expires_at FROM job j
            WHERE j.expires_at < now() AND (j.expires_at, j.id) > (:after::timestamptz, :id) AND %s
            ORDER BY j.expires_at, j.id LIMIT :most
            """
                    .formatted(NOBODY_NEEDS_IT);

    private static final String REMOVE =
            """
            WITH gone AS (DELETE FROM job j WHERE j.id = ANY (:ids::uuid[]) AND %s RETURNING j.id),
            d AS (DELETE FROM webhook_delivery d USING gone WHERE d.subject_id = gone.id AND d.event NOT IN (6, 7)),
            a AS (DELETE FROM attempt a USING gone WHERE a.job_id = gone.id),
            e AS (DELETE FROM erasure e USING gone WHERE e.job_id = gone.id)
            SELECT count(*) FROM gone
            """
                    .formatted(NOBODY_NEEDS_IT);

    private final JdbcClient jdbc;

    public RetentionStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /// A job whose files are to be deleted.
    ///
    /// @param expiresAt together with the id its place in the order of [#expired]
    public record Expired(JobId id, int tenant, OffsetDateTime expiresAt) {}

    /// Ended jobs whose time is over, those that should have gone first ahead. Never a live one,
    /// nor one that a worker still has to let go.
    ///
    /// @param after where the last call ended; null from the first on
    public List<Expired> expired(@Nullable Expired after, int most) {
        return jdbc.sql(EXPIRED)
                .param("after", after == null ? "-infinity" : after.expiresAt().toString())
                .param("id", (after == null ? JobId.FIRST : after.id()).value())
                .param("most", most)
                .query((rs, _) ->
                        new Expired(
                                new JobId(rs.getObject("id", UUID.class)),
                                rs.getInt("tenant_id"),
                                rs.getObject("expires_at", OffsetDateTime.class)))
                .list();
    }

    /// Removes the rows of those of these jobs whose time is over; answers how many.
    public int remove(Collection<JobId> jobs) {
        return jdbc.sql(REMOVE)
                .param("ids", jobs.stream().map(JobId::toString).toArray(String[]::new))
                .query(Integer.class)
                .single();
    }

    /// Drops one day that is over and has no jobs left; answers its table. Empty when there is
    /// none, or when somebody uses the table just now.
    public Optional<String> dropEmptyDay() {
        return jdbc.sql("SELECT drop_empty_job_partition((now() AT TIME ZONE 'UTC')::date - 1)")
                .query((rs, _) -> Optional.ofNullable(rs.getString(1)))
                .single();
    }

    /// Makes the partitions of today and the days after it; answers how many were missing.
    public int makeDays(int days) {
        return jdbc.sql("SELECT make_job_partitions((now() AT TIME ZONE 'UTC')::date, :days)")
                .param("days", days)
                .query(Integer.class)
                .single();
    }
}
