package dev.comfyapi.db.lease;

import dev.comfyapi.db.webhook.Hooks;
import dev.comfyapi.model.job.ErrorCode;
import dev.comfyapi.model.job.JobState;
import dev.comfyapi.model.job.LeaseKey;
import dev.comfyapi.model.message.Assignment;

import org.springframework.jdbc.core.simple.JdbcClient;

import java.time.Duration;
import java.util.Optional;

/// What a worker writes about its leases. Thread-safe.
///
/// Every write names job, epoch and worker; a worker that no longer holds the lease changes
/// nothing. Each is one statement and safe to repeat after a lost reply. The job is named by its id
/// and not by the row of the lease, so that only its own partition is looked at.
public final class LeaseStore {

    private static final String COMPLETE =
            """
            WITH l AS (
                DELETE FROM lease WHERE job_id = :job AND epoch = :epoch AND worker_id = :worker
                RETURNING job_id, epoch, worker_id, assigned_at),
            j AS (
                UPDATE job SET state = 1, finished_at = now(), epoch = l.epoch, worker_id = l.worker_id,
                               started_at = greatest(l.assigned_at, now() - :started_ago * interval '1 ms'),
                               gpu_ms = :gpu_ms,
                               store_ms = :store_ms, result = :result::jsonb
                FROM l WHERE id = :job AND state = 0
                %s),
            h AS (%s)
            SELECT (SELECT count(*) FROM l) AS leases, (SELECT count(*) FROM j) AS jobs
            """
                    .formatted(Hooks.RETURNING, Hooks.ENDED);

    private static final String FAIL =
            """
            WITH l AS (
                DELETE FROM lease WHERE job_id = :job AND epoch = :epoch AND worker_id = :worker
                RETURNING job_id, epoch, worker_id, tenant_id, class_id, band, (failures + 1)::smallint AS failures,
                          losses, expire_at, assigned_at, started_at, canceled),
            k AS (
                SELECT l.*, NOT l.canceled AND (:final OR l.failures >= m.max_failures) AS dead
                FROM l JOIN job m ON m.id = :job),
            j AS (
                UPDATE job SET state = 2, finished_at = now(), epoch = k.epoch, worker_id = k.worker_id,
                               started_at = k.started_at, error_code = :code, error = :error::jsonb
                FROM k WHERE id = :job AND k.dead AND state = 0
                %s),
            h AS (%s),
            a AS (
                INSERT INTO attempt (job_id, epoch, worker_id, outcome, assigned_at, started_at, error_code, error)
                SELECT job_id, epoch, worker_id, 'failed', assigned_at, started_at, :code, :error::jsonb
                FROM k WHERE NOT canceled),
            d AS (
                INSERT INTO delayed (job_id, due_at, tenant_id, class_id, band, epoch, failures, losses, avoid_worker,
                                     expire_at)
                SELECT job_id,
                       now() + least(:backoff_ms * power(4, failures - 1), :backoff_cap_ms)
                             * (0.8 + 0.4 * random()) * interval '1 ms',
                       tenant_id, class_id, band, epoch, failures, losses, worker_id, expire_at
                FROM k WHERE NOT canceled AND NOT dead
                RETURNING job_id)
            SELECT (SELECT count(*) FROM l) AS leases, (SELECT count(*) FROM j) AS jobs,
                   (SELECT count(*) FROM d) AS delayed
            """
                    .formatted(Hooks.RETURNING, Hooks.ENDED);

    private static final String RELEASE =
            """
            WITH l AS (
                DELETE FROM lease WHERE job_id = :job AND epoch = :epoch AND worker_id = :worker RETURNING *)
            INSERT INTO queue (tenant_id, class_id, band, job_id, epoch, failures, losses, expire_at)
            SELECT tenant_id, class_id, band, job_id, epoch, failures, losses, expire_at FROM l WHERE NOT canceled
            """;

    private static final Duration BACKOFF_CAP = Duration.ofMinutes(5);

    private final JdbcClient jdbc;
    private final Duration backoff;

    /// @param backoff pause after a first failure; the second waits four times as long, and so on
    ///   up to five minutes
    public LeaseStore(JdbcClient jdbc, Duration backoff) {
        this.jdbc = jdbc;
        this.backoff = backoff;
    }

    /// What a write about a lease came to. The caller must look.
    public enum Completion {
        /// It is recorded, and the job has ended this way.
        RECORDED,
        /// The job was canceled or expired meanwhile; the lease is gone, and what was made must go
        /// too.
        CANCELED_MEANWHILE,
        /// The lease was no longer this worker's, or an earlier try has landed: see
        /// [LeaseStore#ended].
        STALE
    }

    /// A finished run.
    ///
    /// @param startedAgoMs how long ago ComfyUI began it
    /// @param gpuMs how long ComfyUI ran it
    /// @param storeMs how long fetching and storing took
    /// @param json the artifacts, as `job.result` keeps them
    public record Result(long startedAgoMs, int gpuMs, int storeMs, String json) {}

    /// Records the result if this worker still holds the job and nobody ended it meanwhile.
    public Completion complete(LeaseKey lease, Result result) {
        return jdbc.sql(COMPLETE)
                .param("job", lease.job().value())
                .param("epoch", lease.epoch())
                .param("worker", lease.worker())
                .param("started_ago", result.startedAgoMs())
                .param("gpu_ms", result.gpuMs())
                .param("store_ms", result.storeMs())
                .param("result", result.json())
                .query((rs, _) ->
                        rs.getInt("leases") == 0
                                ? Completion.STALE
                                : rs.getInt("jobs") == 0
                                        ? Completion.CANCELED_MEANWHILE
                                        : Completion.RECORDED)
                .single();
    }

    /// What a reported failure came to.
    public enum Failing {
        /// The job has failed for good.
        ENDED,
        /// It will be tried again after a pause.
        DELAYED,
        CANCELED_MEANWHILE,
        STALE
    }

    /// Records a failed attempt: ends the job if the failure is final or one too many, else lets it
    /// wait and try again.
    ///
    /// @param error JSON for the client
    public Failing fail(LeaseKey lease, ErrorCode code, String error) {
        return jdbc.sql(FAIL)
                .param("job", lease.job().value())
                .param("epoch", lease.epoch())
                .param("worker", lease.worker())
                .param("final", !code.isRetryable())
                .param("code", code.wire())
                .param("error", error)
                .param("backoff_ms", backoff.toMillis())
                .param("backoff_cap_ms", BACKOFF_CAP.toMillis())
                .query((rs, _) -> {
                    if (rs.getInt("leases") == 0) {
                        return Failing.STALE;
                    }
                    if (rs.getInt("jobs") > 0) {
                        return Failing.ENDED;
                    }
                    return rs.getInt("delayed") > 0 ? Failing.DELAYED : Failing.CANCELED_MEANWHILE;
                })
                .single();
    }

    /// Gives back a job that ComfyUI has not run: it waits in its old place, and nothing is
    /// counted. For a canceled job it confirms that the worker has stopped. Nothing happens when
    /// the lease is no longer this worker's.
    public void release(LeaseKey lease) {
        jdbc.sql(RELEASE)
                .param("job", lease.job().value())
                .param("epoch", lease.epoch())
                .param("worker", lease.worker())
                .update();
    }

    /// What the leader assigned; empty when the lease is gone. For a worker that missed the
    /// message.
    public Optional<Assignment> assignment(LeaseKey lease) {
        return jdbc.sql(
                        """
                        SELECT l.tenant_id, j.run_timeout_ms, j.keep_metadata, j.traceparent,
                               convert_from(j.graph, 'UTF8') AS graph
                        FROM lease l JOIN job j ON j.id = l.job_id
                        WHERE l.job_id = :job AND l.epoch = :epoch AND l.worker_id = :worker AND NOT l.canceled
                        """)
                .param("job", lease.job().value())
                .param("epoch", lease.epoch())
                .param("worker", lease.worker())
                .query((rs, _) ->
                        new Assignment(
                                lease,
                                rs.getInt("tenant_id"),
                                rs.getInt("run_timeout_ms"),
                                rs.getBoolean("keep_metadata"),
                                rs.getString("traceparent"),
                                rs.getString("graph")))
                .optional();
    }

    /// How a job ended, and in which epoch.
    public record Ended(JobState state, int epoch) {}

    /// How the job stands, for a worker whose completion was [Completion#STALE]: succeeded with its
    /// own epoch means an earlier try has landed and its files are the result. Empty while the job
    /// lives.
    public Optional<Ended> ended(LeaseKey lease) {
        return jdbc.sql(
                        "SELECT state, coalesce(epoch, 0) AS epoch FROM job WHERE id = :job AND state <> 0")
                .param("job", lease.job().value())
                .query((rs, _) ->
                        new Ended(JobState.ofCode(rs.getInt("state")), rs.getInt("epoch")))
                .optional();
    }
}
