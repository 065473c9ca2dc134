package dev.comfyapi.db.job;

import dev.comfyapi.model.job.JobId;

import org.springframework.jdbc.core.simple.JdbcClient;

import java.util.List;
import java.util.UUID;

/// Erases what a job says of its client. Thread-safe; every call is one statement and may be
/// repeated.
///
/// The row loses its content first, so that nobody sees half of it; from the same moment the job is
/// in [#unfinished], until its files are gone too.
public final class ErasureStore {

    private static final String ERASE =
            """
            WITH k AS (SELECT state FROM job WHERE id = :id AND tenant_id = :tenant),
            e AS (
                UPDATE job SET erased_at = now(), params = NULL, graph = '', metadata = '{}', tags = '{}',
                               result = NULL, error = NULL, custom_id = NULL, edits = edits + 1
                WHERE id = :id AND tenant_id = :tenant AND state <> 0 AND erased_at IS NULL
                RETURNING id, tenant_id),
            a AS (UPDATE attempt SET error = NULL FROM e WHERE attempt.job_id = e.id AND error IS NOT NULL),
            d AS (
                UPDATE webhook_delivery SET body = NULL FROM e
                WHERE subject_id = e.id AND event NOT IN (6, 7)
                RETURNING webhook_delivery.id),
            w AS (UPDATE webhook_attempt SET answer = NULL FROM d WHERE delivery_id = d.id AND answer IS NOT NULL),
            u AS (INSERT INTO erasure (job_id, tenant_id) SELECT id, tenant_id FROM e)
            SELECT state FROM k
            """;

    private final JdbcClient jdbc;

    public ErasureStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /// What became of a wish to erase.
    public enum Erasing {
        /// The row has no content, by this call or an earlier one; its files are to be deleted.
        ERASED,
        /// The job has not ended.
        LIVE,
        /// There is no such job of this tenant.
        ABSENT
    }

    /// Erases an ended job: prompt, parameters, graph, metadata, tags, its name in its batch,
    /// result and error details, and what messages about it said; one that is still on its way says
    /// what is left.
    public Erasing erase(int tenant, JobId id) {
        return jdbc.sql(ERASE)
                .param("id", id.value())
                .param("tenant", tenant)
                .query((rs, _) -> rs.getInt("state") == 0 ? Erasing.LIVE : Erasing.ERASED)
                .optional()
                .orElse(Erasing.ABSENT);
    }

    /// An erased job whose files may still be there.
    public record Unfinished(JobId job, int tenant) {}

    /// The longest waiting first. Not those that a worker still has to let go: it may be storing.
    public List<Unfinished> unfinished(int most) {
        return jdbc.sql(
                        """
                        SELECT job_id, tenant_id FROM erasure e
                        WHERE NOT EXISTS (SELECT FROM lease l WHERE l.job_id = e.job_id)
                        ORDER BY marked_at LIMIT :most
                        """)
                .param("most", most)
                .query((rs, _) ->
                        new Unfinished(
                                new JobId(rs.getObject("job_id", UUID.class)),
                                rs.getInt("tenant_id")))
                .list();
    }

    /// Its files are gone. Nothing happens while a worker has it: then they are to be looked for
    /// again.
    public void finish(JobId job) {
        jdbc.sql(
                        """
                        DELETE FROM erasure e WHERE job_id = :job
                        AND NOT EXISTS (SELECT FROM lease l WHERE l.job_id = e.job_id)
                        """)
                .param("job", job.value())
                .update();
    }
}
