package dev.comfyapi.db.limit;

import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

/// What a tenant may have and has, beyond requests. Thread-safe; every call is one statement.
public final class QuotaStore {

    private final JdbcClient jdbc;

    public QuotaStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /// Limits and what counts against them; a limit of null is none.
    ///
    /// @param assetBytes size of all assets that are there
    public record Quota(
            int maxRunning,
            int maxQueued,
            @Nullable Integer jobsDay,
            @Nullable Long gpuMsDay,
            long gpuMsToday,
            @Nullable Long gpuMsMonth,
            long gpuMsThisMonth,
            @Nullable Long storageBytes,
            long assetBytes) {}

    public Quota of(int tenant) {
        return jdbc.sql(
                        """
                        SELECT t.max_running, t.max_queued, t.jobs_day, t.gpu_ms_day, t.gpu_ms_month, t.storage_bytes,
                               coalesce(u.today, 0) AS today, coalesce(u.month, 0) AS month,
                               CASE WHEN t.storage_bytes IS NULL THEN 0 ELSE
                                   coalesce((SELECT sum(size_bytes) FROM asset a
                                             WHERE a.tenant_id = t.id AND a.state < 2), 0) END AS bytes
                        FROM tenant t
                        CROSS JOIN LATERAL (
                            SELECT sum(gpu_ms) AS month,
                                   sum(gpu_ms) FILTER (WHERE day = (now() AT TIME ZONE 'UTC')::date) AS today
                            FROM tenant_usage
                            WHERE tenant_id = t.id AND day >= date_trunc('month', now() AT TIME ZONE 'UTC')::date) u
                        WHERE t.id = :tenant
                        """)
                .param("tenant", tenant)
                .query((rs, _) ->
                        new Quota(
                                rs.getInt("max_running"),
                                rs.getInt("max_queued"),
                                rs.getObject("jobs_day", Integer.class),
                                rs.getObject("gpu_ms_day", Long.class),
                                rs.getLong("today"),
                                rs.getObject("gpu_ms_month", Long.class),
                                rs.getLong("month"),
                                rs.getObject("storage_bytes", Long.class),
                                rs.getLong("bytes")))
                .single();
    }

    /// Jobs of a tenant at one moment.
    public record Level(int running, int queued) {}

    /// Waiting jobs are counted so far and no further, so that a deep queue costs no more than its
    /// limit.
    public Level level(int tenant, int most) {
        return jdbc.sql(
                        """
                        SELECT (SELECT count(*) FROM lease WHERE tenant_id = :tenant AND NOT canceled) AS running,
                               (SELECT count(*) FROM (
                                   SELECT 1 FROM queue WHERE tenant_id = :tenant LIMIT :most) q)
                               + (SELECT count(*) FROM (
                                   SELECT 1 FROM delayed WHERE tenant_id = :tenant LIMIT :most) d) AS queued
                        """)
                .param("tenant", tenant)
                .param("most", most)
                .query((rs, _) -> new Level(rs.getInt("running"), rs.getInt("queued")))
                .single();
    }
}
