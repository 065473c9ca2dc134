-- The rest of a job's life: a deadline for its end, changes by its client, attempts that failed, lists and limits.

ALTER TABLE job ADD COLUMN finish_by timestamptz;
ALTER TABLE job ADD COLUMN edits int NOT NULL DEFAULT 0;
COMMENT ON COLUMN job.finish_by IS 'Expires when it has not ended by then; null for never.';
COMMENT ON COLUMN job.edits IS 'How often its client has changed it; part of its revision.';

ALTER TABLE lease ADD COLUMN finish_by timestamptz;
CREATE INDEX lease_finish ON lease (finish_by) WHERE finish_by IS NOT NULL AND NOT canceled;
COMMENT ON COLUMN lease.finish_by IS 'The job''s finish deadline: the job expires when its worker has not ended it by then.';

COMMENT ON COLUMN queue.expire_at IS 'Not assigned after this time, the earlier of the job''s deadlines; null for never.';
COMMENT ON COLUMN delayed.expire_at IS 'Not assigned after this time, the earlier of the job''s deadlines; null for never.';
COMMENT ON COLUMN lease.expire_at IS 'The earlier of the job''s deadlines, kept for when the job has to wait again.';
COMMENT ON COLUMN lease.canceled IS 'The job is over: canceled, or past its deadline. The worker is to stop and give the lease back.';

-- Counts and walks the waiting jobs of a tenant.
CREATE INDEX delayed_tenant ON delayed (tenant_id, job_id);

-- Written when a job fails, never when it succeeds: an update that leaves the column null stays in its page.
CREATE INDEX job_error ON job (error_code, id) WHERE error_code IS NOT NULL;

CREATE TABLE attempt (
    job_id      uuid NOT NULL,
    epoch       int NOT NULL,
    worker_id   bigint NOT NULL,
    outcome     text NOT NULL CHECK (outcome IN ('failed', 'lost', 'expired')),
    assigned_at timestamptz NOT NULL,
    started_at  timestamptz,
    ended_at    timestamptz NOT NULL DEFAULT now(),
    error_code  text NOT NULL,
    error       jsonb,
    PRIMARY KEY (job_id, epoch)
);
COMMENT ON TABLE attempt IS 'Attempts that did not end well, written once by the statement that ended them. How the last one ended is in job. Its key begins with the time of the job, so that old rows go by ranges of ids.';
COMMENT ON COLUMN attempt.job_id IS 'The job.';
COMMENT ON COLUMN attempt.epoch IS 'Which assignment of the job it was.';
COMMENT ON COLUMN attempt.worker_id IS 'Who had it.';
COMMENT ON COLUMN attempt.outcome IS 'failed: reported by its worker; lost: with its worker, or taken back; expired: stopped by the deadline.';
COMMENT ON COLUMN attempt.assigned_at IS 'When the leader gave it to its worker.';
COMMENT ON COLUMN attempt.started_at IS 'When ComfyUI began; null when it did not, or no heartbeat has said so.';
COMMENT ON COLUMN attempt.ended_at IS 'When it was over.';
COMMENT ON COLUMN attempt.error_code IS 'What went wrong: the machine word.';
COMMENT ON COLUMN attempt.error IS 'What went wrong: message, node; null when nobody could say.';

-- A token counts only on the terms of its job: another band is another place of the queue, and another deadline would
-- end the job too early or too late.
CREATE OR REPLACE VIEW broken_one_token AS
SELECT j.id AS job_id, j.state, count(t.job_id) AS tokens
FROM job j
LEFT JOIN (
    SELECT job_id, class_id, band, expire_at, NULL::timestamptz AS finish_by, false AS leased FROM queue
    UNION ALL SELECT job_id, class_id, band, expire_at, NULL, false FROM delayed
    UNION ALL SELECT job_id, class_id, band, expire_at, finish_by, true FROM lease WHERE NOT canceled
) t ON t.job_id = j.id AND t.class_id = j.class_id AND t.band = j.band
   AND t.expire_at IS NOT DISTINCT FROM least(j.start_by, j.finish_by)
   AND (NOT t.leased OR t.finish_by IS NOT DISTINCT FROM j.finish_by)
WHERE j.state = 0
GROUP BY j.id, j.state
HAVING count(t.job_id) <> 1;
COMMENT ON VIEW broken_one_token IS 'OneToken, NoLostJob: live jobs that do not have exactly one token on their own terms.';

CREATE OR REPLACE VIEW broken_canceled_lease AS
SELECT l.job_id, j.state
FROM lease l
LEFT JOIN job j ON j.id = l.job_id
WHERE l.canceled AND coalesce(j.state, 0) NOT IN (3, 4);
COMMENT ON VIEW broken_canceled_lease IS 'CancelFinal: leases flagged as canceled whose job neither is nor has expired.';
