-- Batches: jobs that came together, are counted together, and of whose end clients are told once.

CREATE TABLE batch (
    id              uuid PRIMARY KEY,
    tenant_id       int NOT NULL,
    name            text CHECK (length(name) BETWEEN 1 AND 200),
    total           int NOT NULL CHECK (total > 0),
    max_concurrency int CHECK (max_concurrency > 0),
    active          uuid[] NOT NULL DEFAULT '{}',
    fail_fast       boolean NOT NULL DEFAULT false,
    metadata        jsonb NOT NULL DEFAULT '{}',
    webhook_url     text,
    webhook_events  int,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    finish_by       timestamptz,
    canceled_at     timestamptz,
    state           smallint NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 5),
    finished_at     timestamptz,
    succeeded       int NOT NULL DEFAULT 0,
    failed          int NOT NULL DEFAULT 0,
    canceled        int NOT NULL DEFAULT 0,
    expired         int NOT NULL DEFAULT 0,
    expires_at      timestamptz,
    CONSTRAINT batch_finished_at_iff_final CHECK ((finished_at IS NOT NULL) = (state <> 0)),
    CONSTRAINT batch_events_iff_url CHECK ((webhook_events IS NULL) = (webhook_url IS NULL)),
    CONSTRAINT batch_active_only_limited CHECK (cardinality(active) <= coalesce(max_concurrency, 0))
);
CREATE INDEX batch_tenant ON batch (tenant_id, id);
CREATE INDEX batch_open ON batch (id) WHERE finished_at IS NULL;
CREATE INDEX batch_expires ON batch (expires_at) WHERE expires_at IS NOT NULL;
COMMENT ON TABLE batch IS 'What was said of many jobs together. Its jobs are in job, and are counted there; what is here is written when it comes, when it is canceled, and when its last job has ended.';
COMMENT ON COLUMN batch.id IS 'UUIDv7, made by the API.';
COMMENT ON COLUMN batch.tenant_id IS 'Whose it is.';
COMMENT ON COLUMN batch.name IS 'The client''s word for it.';
COMMENT ON COLUMN batch.total IS 'How many jobs came with it; none is added later.';
COMMENT ON COLUMN batch.max_concurrency IS 'Most of its jobs that wait in the queue or are with workers at one time; null for no limit.';
COMMENT ON COLUMN batch.active IS 'With a limit: the jobs that were let into the queue and had not ended when the newest of them was.';
COMMENT ON COLUMN batch.fail_fast IS 'Whether the first failure cancels the rest.';
COMMENT ON COLUMN batch.metadata IS 'The client''s own data, returned as it came.';
COMMENT ON COLUMN batch.webhook_url IS 'Address that came with it.';
COMMENT ON COLUMN batch.webhook_events IS 'What that address is told of the batch, as webhook_endpoint.events; what it is told of the jobs is in the jobs.';
COMMENT ON COLUMN batch.created_at IS 'When it was accepted.';
COMMENT ON COLUMN batch.finish_by IS 'Latest finish deadline of all of its jobs; null for none.';
COMMENT ON COLUMN batch.canceled_at IS 'When its client canceled it; the leader cancels what a dead process has left.';
COMMENT ON COLUMN batch.state IS '0 running, 1 succeeded, 2 partially succeeded, 3 failed, 4 canceled, 5 expired. Leaves 0 once and never changes again.';
COMMENT ON COLUMN batch.finished_at IS 'When its last job was seen to have ended.';
COMMENT ON COLUMN batch.succeeded IS 'Jobs that succeeded; 0 before the end, like the next three.';
COMMENT ON COLUMN batch.failed IS 'Jobs that failed.';
COMMENT ON COLUMN batch.canceled IS 'Jobs that were canceled.';
COMMENT ON COLUMN batch.expired IS 'Jobs that expired.';
COMMENT ON COLUMN batch.expires_at IS 'When the last of its jobs may be deleted, known at its end; it goes after them.';

-- Its jobs in order of submission, from any job on: whoever looks for the first one that lives begins where it was.
-- Not a partial index of those that live: state would be part of it, and then no job could end by an update that stays
-- in its page and writes no index (docs/decisions/0021).
DROP INDEX job_batch;
CREATE INDEX job_batch ON job (batch_id, id) WHERE batch_id IS NOT NULL;

-- Written when a job of a batch fails, never when one succeeds.
CREATE INDEX job_batch_error ON job (batch_id) WHERE batch_id IS NOT NULL AND error_code IS NOT NULL;

ALTER TABLE job ADD COLUMN custom_id text;
COMMENT ON COLUMN job.custom_id IS 'The client''s name for it, no other job of the batch has it; null when it gave none.';

ALTER TABLE job DROP CONSTRAINT job_erased_has_no_content;
ALTER TABLE job ADD CONSTRAINT job_erased_has_no_content
    CHECK (erased_at IS NULL OR (state <> 0 AND params IS NULL AND error IS NULL AND metadata = '{}' AND tags = '{}'
                                 AND custom_id IS NULL AND octet_length(graph) = 0)) NOT VALID;

-- A token that waits for its turn in a batch with a limit. due_at says what it says of all others: not before.
ALTER TABLE delayed ADD COLUMN held_by uuid;
COMMENT ON COLUMN delayed.held_by IS 'The batch that lets it into the queue when others of its jobs have ended; null for who waits for a time only.';
DROP INDEX delayed_due;
CREATE INDEX delayed_due ON delayed (due_at) WHERE held_by IS NULL;
CREATE INDEX delayed_held ON delayed (held_by, due_at, job_id) WHERE held_by IS NOT NULL;

COMMENT ON COLUMN webhook_delivery.event IS '1 to 4 the job has this state, 5 it was started, 6 an endpoint was disabled, 7 a test, 8 a batch has ended.';
COMMENT ON COLUMN webhook_delivery.subject_id IS 'The job; the endpoint for 6 and 7, the batch for 8.';

-- What must hold, continued: see V2__invariants.sql.

CREATE OR REPLACE VIEW broken_promotion AS
SELECT job_id, due_at FROM delayed WHERE due_at < now() - interval '1 minute' AND held_by IS NULL;

-- Jobs of a batch stay until it has ended: they are what is counted.
CREATE OR REPLACE VIEW broken_retention AS
SELECT id AS job_id, expires_at
FROM job
WHERE expires_at < now() - interval '1 hour' AND state <> 0
  AND job_leaves_at(created_at, run_after, expires_at, finished_at) < now() - interval '1 hour'
  AND NOT EXISTS (SELECT FROM batch b WHERE b.id = job.batch_id AND b.finished_at IS NULL)
  AND (finished_at < now() - interval '4 days'
       OR NOT EXISTS (SELECT FROM webhook_delivery d
                      WHERE d.subject_id = job.id AND d.event NOT IN (6, 7) AND d.state = 0));

CREATE VIEW broken_batch_end AS
SELECT j.id AS job_id, b.id AS batch_id
FROM batch b
JOIN job j ON j.batch_id = b.id
WHERE b.finished_at IS NOT NULL AND j.state = 0;
COMMENT ON VIEW broken_batch_end IS 'BatchEnd: jobs that live though their batch has ended.';

CREATE VIEW broken_batch_limit AS
SELECT (array_agg(j.id ORDER BY j.id DESC))[1] AS job_id, b.id AS batch_id, count(*) AS jobs, b.max_concurrency
FROM batch b
JOIN job j ON j.batch_id = b.id AND j.state = 0
LEFT JOIN delayed d ON d.job_id = j.id AND d.held_by = b.id
WHERE b.finished_at IS NULL AND b.max_concurrency IS NOT NULL AND d.job_id IS NULL
GROUP BY b.id, b.max_concurrency
HAVING count(*) > b.max_concurrency;
COMMENT ON VIEW broken_batch_limit IS 'BatchLimit: batches with more jobs in the queue and with workers than they want.';

CREATE VIEW broken_held_token AS
SELECT d.job_id, d.held_by
FROM delayed d
LEFT JOIN batch b ON b.id = d.held_by AND b.max_concurrency IS NOT NULL AND b.finished_at IS NULL
LEFT JOIN job j ON j.id = d.job_id AND j.batch_id = d.held_by
WHERE d.held_by IS NOT NULL AND (b.id IS NULL OR j.id IS NULL OR d.epoch > 0);
COMMENT ON VIEW broken_held_token IS 'BatchLimit: tokens that nobody would let go.';

CREATE OR REPLACE VIEW broken_invariant AS
SELECT 'one_token' AS rule, job_id FROM broken_one_token
UNION ALL SELECT 'token_without_live_job', job_id FROM broken_token_without_live_job
UNION ALL SELECT 'canceled_lease', job_id FROM broken_canceled_lease
UNION ALL SELECT 'hook_iff_terminal', job_id FROM broken_hook_iff_terminal
UNION ALL SELECT 'epoch', job_id FROM broken_epoch
UNION ALL SELECT 'lost_lease', job_id FROM broken_lost_lease
UNION ALL SELECT 'overrun_lease', job_id FROM broken_overrun_lease
UNION ALL SELECT 'running_limit', job_id FROM broken_running_limit
UNION ALL SELECT 'poison_bound', job_id FROM broken_poison_bound
UNION ALL SELECT 'deadline', job_id FROM broken_deadline
UNION ALL SELECT 'promotion', job_id FROM broken_promotion
UNION ALL SELECT 'artifacts', job_id FROM broken_artifacts
UNION ALL SELECT 'retention', job_id FROM broken_retention
UNION ALL SELECT 'erasure', job_id FROM broken_erasure
UNION ALL SELECT 'batch_end', job_id FROM broken_batch_end
UNION ALL SELECT 'batch_limit', job_id FROM broken_batch_limit
UNION ALL SELECT 'held_token', job_id FROM broken_held_token;
