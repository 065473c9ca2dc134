package dev.comfyapi.db.account;

import dev.comfyapi.model.job.JobId;

import org.springframework.jdbc.core.simple.JdbcClient;

import java.util.Collection;
import java.util.List;
import java.util.UUID;

/// Takes away what a tenant that is being deleted has, a part at a time. Thread-safe; every call is
/// one statement, does nothing to a tenant that is not being deleted, and may be repeated.
public final class RemovalStore {

    private static final String DOOMED =
            "EXISTS (SELECT 1 FROM tenant t WHERE t.id = :tenant AND t.deleting)";

    private final JdbcClient jdbc;

    public RemovalStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /// Jobs that have not ended; the oldest first.
    public List<JobId> live(int tenant, int most) {
        return jdbc.sql(
                        """
                        SELECT job_id FROM queue WHERE tenant_id = :tenant
                        UNION ALL SELECT job_id FROM delayed WHERE tenant_id = :tenant
                        UNION ALL SELECT job_id FROM lease WHERE tenant_id = :tenant AND NOT canceled
                        ORDER BY job_id LIMIT :most
                        """)
                .param("tenant", tenant)
                .param("most", most)
                .query((rs, _) -> new JobId(rs.getObject("job_id", UUID.class)))
                .list();
    }

    /// A job to be removed.
    ///
    /// @param files how many it has stored
    public record Ended(JobId job, int files) {}

    /// Jobs that have ended and that no worker holds any more.
    public List<Ended> ended(int tenant, int most) {
        return jdbc.sql(
                        """
                        SELECT j.id, coalesce(jsonb_array_length(j.result -> 'artifacts'), 0) AS files
                        FROM job j
                        WHERE j.tenant_id = :tenant AND j.state <> 0
                          AND NOT EXISTS (SELECT 1 FROM lease l WHERE l.job_id = j.id)
                        ORDER BY j.id LIMIT :most
                        """)
                .param("tenant", tenant)
                .param("most", most)
                .query((rs, _) ->
                        new Ended(new JobId(rs.getObject("id", UUID.class)), rs.getInt("files")))
                .list();
    }

    /// Removes the rows of these jobs, whose files are gone; answers how many there were.
    public int forgetJobs(int tenant, Collection<JobId> jobs) {
        return jdbc.sql(
                        """
                        WITH a AS (DELETE FROM attempt WHERE job_id = ANY (:ids::uuid[])),
                        e AS (DELETE FROM erasure WHERE job_id = ANY (:ids::uuid[]))
                        DELETE FROM job WHERE id = ANY (:ids::uuid[]) AND tenant_id = :tenant AND state <> 0 AND %s
                        """
                                .formatted(DOOMED))
                .param("tenant", tenant)
                .param("ids", jobs.stream().map(JobId::toString).toArray(String[]::new))
                .update();
    }

    /// Hides all assets, so that their files are deleted as those of any deleted asset are; answers
    /// how many were hidden now.
    public int doomAssets(int tenant) {
        return jdbc.sql(
                        "UPDATE asset SET state = 2 WHERE tenant_id = :tenant AND state < 2 AND "
                                + DOOMED)
                .param("tenant", tenant)
                .update();
    }

    /// Whether a job, a lease or an asset is left.
    public boolean isEmpty(int tenant) {
        return jdbc.sql(
                        """
                        SELECT NOT EXISTS (SELECT 1 FROM job WHERE tenant_id = :tenant)
                           AND NOT EXISTS (SELECT 1 FROM lease WHERE tenant_id = :tenant)
                           AND NOT EXISTS (SELECT 1 FROM asset WHERE tenant_id = :tenant)
                        """)
                .param("tenant", tenant)
                .query(Boolean.class)
                .single();
    }

    /// Counts what is being removed in the receipt.
    public void count(int tenant, int jobs, int files, int assets) {
        jdbc.sql(
                        """
                        UPDATE tenant
                        SET receipt = jsonb_build_object(
                            'jobs', coalesce((receipt ->> 'jobs')::bigint, 0) + :jobs,
                            'files', coalesce((receipt ->> 'files')::bigint, 0) + :files,
                            'assets', coalesce((receipt ->> 'assets')::bigint, 0) + :assets)
                        WHERE id = :tenant AND deleting AND deleted_at IS NULL
                        """)
                .param("tenant", tenant)
                .param("jobs", jobs)
                .param("files", files)
                .param("assets", assets)
                .update();
    }

    /// Removes all the rest but the row of the tenant itself, which is left without its name: the
    /// proof, with its receipt. The audit log stays as well.
    public void finish(int tenant) {
        jdbc.sql(
                        """
                        WITH k AS (DELETE FROM api_key WHERE tenant_id = :tenant AND %1$s RETURNING id),
                        v AS (DELETE FROM invitation WHERE tenant_id = :tenant AND %1$s),
                        a AS (DELETE FROM account_user WHERE tenant_id = :tenant AND %1$s RETURNING id),
                        t AS (DELETE FROM ws_ticket WHERE tenant_id = :tenant AND %1$s),
                        i AS (DELETE FROM idempotency WHERE tenant_id = :tenant AND %1$s),
                        b AS (DELETE FROM batch WHERE tenant_id = :tenant AND %1$s),
                        d AS (DELETE FROM webhook_delivery WHERE tenant_id = :tenant AND %1$s),
                        s AS (DELETE FROM webhook_secret WHERE tenant_id = :tenant AND endpoint_id IS NULL AND %1$s),
                        w AS (DELETE FROM webhook_endpoint WHERE tenant_id = :tenant AND %1$s),
                        u AS (DELETE FROM tenant_usage WHERE tenant_id = :tenant AND %1$s),
                        r AS (DELETE FROM rate_window WHERE tenant_id = :tenant AND %1$s)
                        UPDATE tenant
                        SET name = 'deleted ' || uid, deleted_at = now(),
                            receipt = coalesce(receipt, '{"jobs": 0, "files": 0, "assets": 0}')
                                      || jsonb_build_object('api_keys', (SELECT count(*) FROM k),
                                                            'users', (SELECT count(*) FROM a))
                        WHERE id = :tenant AND deleting AND deleted_at IS NULL
                        """
                                .formatted(DOOMED))
                .param("tenant", tenant)
                .update();
    }
}
