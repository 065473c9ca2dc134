package dev.comfyapi.db.usage;

import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.UUID;

/// What a tenant's jobs used, counted from the jobs themselves. Thread-safe.
///
/// Jobs are found by tenant and by the time in their ids, so a report costs what it covers and
/// nothing else; it reaches back as far as jobs are kept.
public final class UsageStore {

    private final JdbcClient jdbc;

    public UsageStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /// How long a bucket is; in UTC.
    public enum Bucket {
        HOUR,
        DAY,
        MONTH
    }

    /// What jobs are told apart by.
    public enum Grouping {
        NONE("NULL::text"),
        API_KEY("j.api_key::text"),
        MODEL("nullif(c.affinity, '')"),
        STATUS(
                """
                CASE j.state WHEN 0 THEN 'live' WHEN 1 THEN 'succeeded' WHEN 2 THEN 'failed' WHEN 3 THEN 'canceled'
                             ELSE 'expired' END
                """),
        /// A job with several tags counts in each of them.
        TAG("tag");

        private final String column;

        Grouping(String column) {
            this.column = column;
        }
    }

    /// Percentiles in milliseconds; null when nothing was measured.
    public record Percentiles(@Nullable Long p50, @Nullable Long p90, @Nullable Long p99) {}

    /// What one group of jobs used that were submitted in one bucket.
    ///
    /// @param group null for jobs that have nothing of the kind
    public record Used(
            Instant start,
            @Nullable String group,
            long jobs,
            long succeeded,
            long failed,
            long images,
            long gpuMs,
            Percentiles queue,
            Percentiles execution) {}

    /// By bucket, then by group.
    ///
    /// @param from the first moment
    /// @param to the first moment after the last
    public List<Used> report(
            int tenant, Instant from, Instant to, Bucket bucket, Grouping grouping, int most) {
        return jdbc.sql(
                        """
                        SELECT date_trunc(:bucket, j.created_at, 'UTC') AS start, %s AS grp, count(*) AS jobs,
                               count(*) FILTER (WHERE j.state = 1) AS succeeded,
                               count(*) FILTER (WHERE j.state = 2) AS failed,
                               coalesce(sum(jsonb_array_length(j.result -> 'artifacts')), 0) AS images,
                               coalesce(sum(j.gpu_ms), 0) AS gpu_ms,
                               percentile_cont(ARRAY[0.5, 0.9, 0.99]::float8[]) WITHIN GROUP (ORDER BY
                                   greatest(0, extract(epoch FROM
                                       j.started_at - greatest(j.created_at, j.run_after))::float8 * 1000)) AS queue,
                               percentile_cont(ARRAY[0.5, 0.9, 0.99]::float8[]) WITHIN GROUP (ORDER BY j.gpu_ms::float8) AS execution
                        FROM job j
                        JOIN job_class c ON c.id = j.class_id
                        %s
                        WHERE j.tenant_id = :tenant AND j.id >= :first AND j.id < :last
                        GROUP BY 1, 2 ORDER BY 1, 2 LIMIT :most
                        """
                                .formatted(
                                        grouping.column,
                                        grouping == Grouping.TAG
                                                ? "LEFT JOIN LATERAL unnest(j.tags) AS tag ON true"
                                                : ""))
                .param("tenant", tenant)
                .param("bucket", bucket.name().toLowerCase(java.util.Locale.ROOT))
                .param("first", firstId(from))
                .param("last", firstId(to))
                .param("most", most)
                .query(UsageStore::used)
                .list();
    }

    /// Ids are UUIDv7: the time is in the first 48 bits.
    private static UUID firstId(Instant time) {
        return new UUID(time.toEpochMilli() << 16, 0);
    }

    private static Used used(ResultSet rs, int number) throws SQLException {
        return new Used(
                rs.getObject("start", OffsetDateTime.class).toInstant(),
                rs.getString("grp"),
                rs.getLong("jobs"),
                rs.getLong("succeeded"),
                rs.getLong("failed"),
                rs.getLong("images"),
                rs.getLong("gpu_ms"),
                percentiles(rs.getArray("queue")),
                percentiles(rs.getArray("execution")));
    }

    private static Percentiles percentiles(@Nullable Array array) throws SQLException {
        if (array == null) {
            return new Percentiles(null, null, null);
        }
        var values = (@Nullable Double[]) array.getArray();
        return new Percentiles(rounded(values[0]), rounded(values[1]), rounded(values[2]));
    }

    private static @Nullable Long rounded(@Nullable Double value) {
        return value == null ? null : (Long) Math.round(value);
    }
}
