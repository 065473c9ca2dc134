-- What is kept how long, what a client may have erased, and the watch over what must hold.

-- Retention counts from the end of a job: one that waited long is not gone the moment it ends.
CREATE FUNCTION job_leaves_at(created_at timestamptz, run_after timestamptz, expires_at timestamptz, finished_at timestamptz)
RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT greatest(expires_at, finished_at + (expires_at - greatest(created_at, run_after)))
$$;
COMMENT ON FUNCTION job_leaves_at IS 'When an ended job and its files are deleted; for a live job the earliest such time. Never before expires_at.';
COMMENT ON COLUMN job.expires_at IS 'Until when job and files are kept at least; job_leaves_at moves it on when the job ends late.';

-- Not a partial index on ended jobs: that would make every ending write all indexes anew.
CREATE INDEX job_expires ON job (expires_at);

ALTER TABLE job ADD COLUMN erased_at timestamptz;
COMMENT ON COLUMN job.erased_at IS 'When its client had the content erased; null for never.';

-- NOT VALID: what is there satisfies the stricter rule that was, and nothing has to be read under the lock.
ALTER TABLE job DROP CONSTRAINT job_result_iff_succeeded;
ALTER TABLE job ADD CONSTRAINT job_result_iff_succeeded
    CHECK ((result IS NOT NULL) = (state = 1 AND erased_at IS NULL)) NOT VALID;
ALTER TABLE job ADD CONSTRAINT job_erased_has_no_content
    CHECK (erased_at IS NULL OR (state <> 0 AND params IS NULL AND error IS NULL AND metadata = '{}' AND tags = '{}'
                                 AND octet_length(graph) = 0)) NOT VALID;

CREATE TABLE erasure (
    job_id    uuid PRIMARY KEY,
    tenant_id int NOT NULL,
    marked_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE erasure IS 'Erased jobs whose files may still be there; inserted by the statement that erases the row.';
COMMENT ON COLUMN erasure.job_id IS 'The job.';
COMMENT ON COLUMN erasure.tenant_id IS 'Its tenant, part of the names of its files.';
COMMENT ON COLUMN erasure.marked_at IS 'When the client asked.';

CREATE TABLE stray_folder (
    tenant_id   int NOT NULL,
    resource_id uuid NOT NULL,
    epoch       int NOT NULL,
    seen_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, resource_id, epoch)
);
COMMENT ON TABLE stray_folder IS 'Folders of files that nobody knows; deleted when they were first seen long ago. The wait protects from a wrong or restored database.';
COMMENT ON COLUMN stray_folder.tenant_id IS 'First part of the folder''s name.';
COMMENT ON COLUMN stray_folder.resource_id IS 'Second part: the job or the asset.';
COMMENT ON COLUMN stray_folder.epoch IS 'Third part: the attempt; 0 for an asset.';
COMMENT ON COLUMN stray_folder.seen_at IS 'When the sweep first saw it.';

-- A day that has rows in job_default stays there: asked for before the lock is taken, so that a day which can never be
-- made does not stop everybody every ten minutes.
CREATE OR REPLACE FUNCTION make_job_partitions(first date, days int) RETURNS int LANGUAGE plpgsql
SET lock_timeout = '200ms' SET enable_seqscan = off AS $$
DECLARE
    day date;
    made int := 0;
BEGIN
    FOR i IN 0 .. days - 1 LOOP
        day := first + i;
        CONTINUE WHEN to_regclass(format('job_%s', to_char(day, 'YYYYMMDD'))) IS NOT NULL;
        IF EXISTS (SELECT FROM job_default WHERE id >= uuid7_floor(day) AND id < uuid7_floor(day + 1)) THEN
            RAISE WARNING 'partition of % was not made: job_default has jobs of that day', day;
            CONTINUE;
        END IF;
        BEGIN
            EXECUTE format(
                'CREATE TABLE job_%s PARTITION OF job FOR VALUES FROM (%L) TO (%L) WITH (fillfactor = 85)',
                to_char(day, 'YYYYMMDD'), uuid7_floor(day), uuid7_floor(day + 1));
            made := made + 1;
        EXCEPTION WHEN check_violation OR lock_not_available THEN
            RAISE WARNING 'partition of % was not made: %', day, SQLERRM;
        END;
    END LOOP;
    RETURN made;
END
$$;

-- DROP and not DETACH CONCURRENTLY, which a table with a default partition does not allow: one transaction, so nothing
-- is left half-way by a crash. The lock is on the parent first, as readers take it, and never waited for long. A job
-- whose id is of a dropped day falls into job_default.
CREATE FUNCTION drop_empty_job_partition(before date) RETURNS text LANGUAGE plpgsql
SET lock_timeout = '200ms' SET enable_seqscan = off AS $$
DECLARE
    part name;
    occupied boolean;
BEGIN
    FOR part IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'job'::regclass AND c.relname ~ '^job_[0-9]{8}$'
          AND to_date(substr(c.relname, 5), 'YYYYMMDD') < before
        ORDER BY 1
    LOOP
        -- Before the lock: it may have to step over the entries of many deleted rows.
        EXECUTE format('SELECT (SELECT id FROM %I ORDER BY id LIMIT 1) IS NOT NULL', part) INTO occupied;
        CONTINUE WHEN occupied;
        BEGIN
            LOCK TABLE ONLY job IN ACCESS EXCLUSIVE MODE;
            EXECUTE format('SELECT (SELECT id FROM %I ORDER BY id LIMIT 1) IS NOT NULL', part) INTO occupied;
            IF occupied THEN
                RETURN NULL;
            END IF;
            EXECUTE format('DROP TABLE %I', part);
            RETURN part;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            RETURN NULL;
        END;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION drop_empty_job_partition IS 'Drops the first daily partition before this day that has no rows; answers its name, or null.';

-- What must hold, continued: see V2__invariants.sql.

ALTER TABLE leader ADD COLUMN silence_ms int NOT NULL DEFAULT 30000;
COMMENT ON COLUMN leader.silence_ms IS 'How long it lets a worker be silent; the rule about lost leases counts with it.';

CREATE VIEW broken_epoch AS
SELECT t.job_id, t.place, t.epoch
FROM (
    SELECT job_id, 'queue' AS place, epoch, failures + losses AS ended FROM queue
    UNION ALL SELECT job_id, 'delayed', epoch, failures + losses FROM delayed
    UNION ALL SELECT job_id, 'lease', epoch, failures + losses + 1 FROM lease
) t
WHERE t.epoch < t.ended
UNION ALL
SELECT l.job_id, 'canceled lease', l.epoch
FROM lease l JOIN job j ON j.id = l.job_id
WHERE l.canceled AND j.epoch IS DISTINCT FROM l.epoch;
COMMENT ON VIEW broken_epoch IS 'EpochGrows: tokens with fewer assignments than ended attempts, and canceled leases that are not the last one.';

CREATE VIEW broken_lost_lease AS
SELECT l.job_id, l.worker_id, w.last_seen
FROM lease l
LEFT JOIN worker w ON w.id = l.worker_id
WHERE coalesce(w.last_seen, '-infinity')
    < now() - interval '1 minute' - 3 * interval '1 ms' * coalesce((SELECT max(silence_ms) FROM leader), 30000);
COMMENT ON VIEW broken_lost_lease IS 'Leases of workers unheard of for three times the silence that is allowed: nobody takes them back.';

CREATE VIEW broken_overrun_lease AS
SELECT job_id, worker_id, run_until FROM lease WHERE run_until < now() - interval '1 minute';
COMMENT ON VIEW broken_overrun_lease IS 'Leases whose time was over a minute ago: nobody takes them back.';

CREATE VIEW broken_running_limit AS
SELECT (array_agg(l.job_id ORDER BY l.assigned_at DESC))[1] AS job_id, l.tenant_id, count(*) AS leases, t.max_running
FROM lease l
JOIN tenant t ON t.id = l.tenant_id
GROUP BY l.tenant_id, t.max_running
HAVING count(*) > t.max_running;
COMMENT ON VIEW broken_running_limit IS 'LimitNeverExceeded: tenants with more leases than they may have, and the newest. After a limit is lowered it lasts until enough of them have ended.';

CREATE VIEW broken_poison_bound AS
SELECT t.job_id, t.failures, t.losses
FROM (
    SELECT job_id, failures, losses FROM queue WHERE failures > 0 OR losses > 0
    UNION ALL SELECT job_id, failures, losses FROM delayed WHERE failures > 0 OR losses > 0
    UNION ALL SELECT job_id, failures, losses FROM lease WHERE failures > 0 OR losses > 0
) t
JOIN job j ON j.id = t.job_id
WHERE t.losses >= 3 OR t.failures >= j.max_failures;
COMMENT ON VIEW broken_poison_bound IS 'PoisonBounded: jobs that are still tried after their last failure or third lost worker.';

CREATE VIEW broken_deadline AS
SELECT job_id, expire_at FROM queue WHERE expire_at < now() - interval '1 minute'
UNION ALL SELECT job_id, expire_at FROM delayed WHERE expire_at < now() - interval '1 minute'
UNION ALL SELECT job_id, finish_by FROM lease WHERE NOT canceled AND finish_by < now() - interval '1 minute';
COMMENT ON VIEW broken_deadline IS 'NotLate: jobs that still live though their deadline passed a minute ago.';

CREATE VIEW broken_promotion AS
SELECT job_id, due_at FROM delayed WHERE due_at < now() - interval '1 minute';
COMMENT ON VIEW broken_promotion IS 'Jobs that should have moved to the queue a minute ago.';

CREATE VIEW broken_artifacts AS
SELECT j.id AS job_id, j.epoch
FROM job j
WHERE j.state = 1 AND j.erased_at IS NULL
  AND CASE WHEN jsonb_typeof(j.result -> 'artifacts') = 'array'
           THEN jsonb_array_length(j.result -> 'artifacts') = 0
                OR EXISTS (SELECT FROM jsonb_array_elements(j.result -> 'artifacts') a
                           WHERE starts_with(a ->> 'key', format('%s/%s/%s/', j.tenant_id, j.id, j.epoch)) IS NOT TRUE)
           ELSE true END;
COMMENT ON VIEW broken_artifacts IS 'One result: succeeded jobs without artifacts, or with those of another attempt than the last.';

CREATE VIEW broken_retention AS
SELECT id AS job_id, expires_at
FROM job
WHERE expires_at < now() - interval '1 hour' AND state <> 0
  AND job_leaves_at(created_at, run_after, expires_at, finished_at) < now() - interval '1 hour'
  AND (finished_at < now() - interval '4 days'
       OR NOT EXISTS (SELECT FROM webhook_delivery d WHERE d.job_id = job.id));
COMMENT ON VIEW broken_retention IS 'Ended jobs that should have been deleted an hour ago.';

CREATE VIEW broken_erasure AS
SELECT job_id, marked_at FROM erasure WHERE marked_at < now() - interval '1 hour';
COMMENT ON VIEW broken_erasure IS 'Erased jobs whose files could not be deleted for an hour.';

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
UNION ALL SELECT 'erasure', job_id FROM broken_erasure;
