package dev.comfyapi.db.webhook;

/// The part of every statement that ends a job, or sees it begin, which writes down who is to be
/// told. One text, so that no way to end a job forgets it.
///
/// Costs one look at an empty index when the tenant has no endpoint and the job no address.
public final class Hooks {

    /// What the `UPDATE job` of such a statement must return, in a CTE named `j`.
    public static final String RETURNING =
            """
            RETURNING job.id, job.tenant_id, job.state, job.tags, job.started_at, job.finished_at, job.webhook_url,
                      job.webhook_events\
            """;

    /// Two endpoints are two lanes. Addresses that come with jobs share one by tenant and origin:
    /// that is the server which is slow or away.
    private static final String INSERT =
            """
            INSERT INTO webhook_delivery (tenant_id, endpoint_id, lane, url, event, subject_id, happened_at)
            SELECT j.tenant_id, t.endpoint_id, t.lane, t.url, e.event, j.id, e.at
            FROM j
            CROSS JOIN LATERAL (
                SELECT w.id AS endpoint_id, w.id AS lane, NULL AS url, w.events FROM webhook_endpoint w
                WHERE w.tenant_id = j.tenant_id AND w.enabled AND (w.tags = '{}' OR w.tags && j.tags)
                UNION ALL
                SELECT NULL, md5(j.tenant_id || ' ' || substring(lower(j.webhook_url) FROM '^[a-z]+://[^/?#]+'))::uuid,
                       j.webhook_url, j.webhook_events
                WHERE j.webhook_url IS NOT NULL) t
            CROSS JOIN LATERAL (%s) e
            WHERE t.events & (1 << e.event) <> 0
            ON CONFLICT DO NOTHING
            """;

    /// For the jobs in `j`, which have just ended. A short job may begin and end between two
    /// heartbeats: then its beginning is told with its end.
    public static final String ENDED =
            INSERT.formatted(
                    """
                    SELECT j.state::int AS event, j.finished_at AS at
                    UNION ALL SELECT 5, j.started_at WHERE j.started_at IS NOT NULL\
                    """);

    /// For the jobs in `j` (the same columns but the times), which began at `started_at`.
    public static final String STARTED = INSERT.formatted("SELECT 5 AS event, j.started_at AS at");

    /// For the batches in `j` (the same columns, tags empty, but no times except `finished_at`),
    /// which have just ended.
    public static final String BATCH_ENDED =
            INSERT.formatted("SELECT 8 AS event, j.finished_at AS at");

    private Hooks() {}
}
