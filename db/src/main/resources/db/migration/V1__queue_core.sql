-- The queue core: jobs, the one token of each live job, and the workers that hold tokens.
--
-- A job is accepted by inserting its row and its token in one statement. While it lives, its token is in exactly one of
-- queue, delayed and lease; every step of its life is one statement that moves the token or ends the job.

CREATE TABLE tenant (
    id         int PRIMARY KEY,
    name       text NOT NULL UNIQUE,
    weight     real NOT NULL DEFAULT 1 CHECK (weight > 0),
    max_running int NOT NULL DEFAULT 100 CHECK (max_running >= 0),
    max_queued int NOT NULL DEFAULT 100000 CHECK (max_queued >= 0),
    best_band  smallint NOT NULL DEFAULT 0 CHECK (best_band BETWEEN 0 AND 4),
    gpu_ms_day bigint,
    vtime      double precision NOT NULL DEFAULT 0,
    paused     boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE tenant IS 'Who jobs belong to. Every read and write of a job carries its tenant.';
COMMENT ON COLUMN tenant.id IS 'Small number, part of the key of the queue.';
COMMENT ON COLUMN tenant.name IS 'What people call the tenant.';
COMMENT ON COLUMN tenant.weight IS 'Share of GPU time against other tenants that have work waiting; 1 is normal.';
COMMENT ON COLUMN tenant.max_running IS 'Most leases at one time; exact.';
COMMENT ON COLUMN tenant.max_queued IS 'Most waiting jobs; checked on submit, soft.';
COMMENT ON COLUMN tenant.best_band IS 'Best priority band the tenant may ask for, 0 (first) to 4.';
COMMENT ON COLUMN tenant.gpu_ms_day IS 'Most GPU milliseconds a day; null for no limit.';
COMMENT ON COLUMN tenant.vtime IS 'Virtual GPU seconds used, divided by weight; written by the leader.';
COMMENT ON COLUMN tenant.paused IS 'Nothing of a paused tenant is started.';
INSERT INTO tenant (id, name) VALUES (1, 'default');

CREATE TABLE job_class (
    id              int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    req_hash        bytea NOT NULL UNIQUE,
    pool            text NOT NULL,
    affinity        text NOT NULL,
    required_models text[] NOT NULL,
    required_nodes  text[] NOT NULL,
    min_vram_mb     int NOT NULL DEFAULT 0,
    est_run_ms      int NOT NULL DEFAULT 10000,
    est_load_ms     int NOT NULL DEFAULT 8000
);
COMMENT ON TABLE job_class IS 'What jobs need of a worker. Jobs of one class are alike to the scheduler.';
COMMENT ON COLUMN job_class.id IS 'Small number, part of the key of the queue.';
COMMENT ON COLUMN job_class.req_hash IS 'SHA-256 over pool, affinity, models, nodes and memory.';
COMMENT ON COLUMN job_class.pool IS 'Only workers of this pool run it.';
COMMENT ON COLUMN job_class.affinity IS 'Main model as folder/name, or empty; workers that hold it in memory are preferred.';
COMMENT ON COLUMN job_class.required_models IS 'All model files needed, as folder/name.';
COMMENT ON COLUMN job_class.required_nodes IS 'All node classes needed.';
COMMENT ON COLUMN job_class.min_vram_mb IS 'GPU memory needed in MiB; 0 when unknown.';
COMMENT ON COLUMN job_class.est_run_ms IS 'Expected run time in milliseconds; written by the leader.';
COMMENT ON COLUMN job_class.est_load_ms IS 'Expected time to load the main model in milliseconds; written by the leader.';

CREATE TABLE job (
    id             uuid NOT NULL,
    tenant_id      int NOT NULL,
    class_id       int NOT NULL,
    band           smallint NOT NULL CHECK (band BETWEEN 0 AND 4),
    state          smallint NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 4),
    max_failures   smallint NOT NULL DEFAULT 3 CHECK (max_failures BETWEEN 1 AND 10),
    keep_metadata  boolean NOT NULL DEFAULT false,
    created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    run_timeout_ms int NOT NULL DEFAULT 1800000 CHECK (run_timeout_ms > 0),
    run_after      timestamptz,
    start_by       timestamptz,
    expires_at     timestamptz,
    batch_id       uuid,
    retry_of       uuid,
    webhook_id     int,
    webhook_url    text,
    traceparent    text,
    tags           text[] NOT NULL DEFAULT '{}',
    metadata       jsonb NOT NULL DEFAULT '{}',
    started_at     timestamptz,
    finished_at    timestamptz,
    epoch          int,
    worker_id      bigint,
    gpu_ms         int,
    store_ms       int,
    error_code     text,
    error          jsonb,
    result         jsonb,
    params         jsonb,
    graph          bytea NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT job_finished_at_iff_final CHECK ((finished_at IS NOT NULL) = (state <> 0)),
    CONSTRAINT job_result_iff_succeeded CHECK ((result IS NOT NULL) = (state = 1)),
    CONSTRAINT job_error_iff_failed CHECK ((error_code IS NOT NULL) = (state IN (2, 4)))
) PARTITION BY RANGE (id);
CREATE INDEX job_tenant ON job (tenant_id, id);
CREATE INDEX job_batch ON job (batch_id) WHERE batch_id IS NOT NULL;
COMMENT ON TABLE job IS 'Every accepted job, live or ended. Written twice: inserted on submit, updated once when it ends.';
COMMENT ON COLUMN job.id IS 'UUIDv7, made by the API; its time selects the partition.';
COMMENT ON COLUMN job.tenant_id IS 'Whose job it is.';
COMMENT ON COLUMN job.class_id IS 'What it needs of a worker.';
COMMENT ON COLUMN job.band IS 'Priority band, 0 (first) to 4: 2 minus the priority of the API.';
COMMENT ON COLUMN job.state IS '0 live, 1 succeeded, 2 failed, 3 canceled, 4 expired. Leaves 0 once and never changes again.';
COMMENT ON COLUMN job.max_failures IS 'Failed attempts that end the job; lost workers are counted apart.';
COMMENT ON COLUMN job.keep_metadata IS 'Whether stored PNG files keep the text chunks with prompt and graph.';
COMMENT ON COLUMN job.created_at IS 'When it was accepted, by the database''s clock.';
COMMENT ON COLUMN job.run_timeout_ms IS 'Longest run of one attempt in milliseconds.';
COMMENT ON COLUMN job.run_after IS 'Scheduled start; null for at once.';
COMMENT ON COLUMN job.start_by IS 'Expires when it has not been assigned by then; null for never.';
COMMENT ON COLUMN job.expires_at IS 'When the job and its files may be deleted.';
COMMENT ON COLUMN job.batch_id IS 'The batch it was submitted in.';
COMMENT ON COLUMN job.retry_of IS 'The ended job that this one repeats.';
COMMENT ON COLUMN job.webhook_id IS 'Registered endpoint that is told of the end.';
COMMENT ON COLUMN job.webhook_url IS 'Address given with this job that is told of the end.';
COMMENT ON COLUMN job.traceparent IS 'W3C trace context of the submit.';
COMMENT ON COLUMN job.tags IS 'The client''s words for finding it again.';
COMMENT ON COLUMN job.metadata IS 'The client''s own data, returned as it came.';
COMMENT ON COLUMN job.started_at IS 'When ComfyUI began the attempt that ended the job; null while it lives.';
COMMENT ON COLUMN job.finished_at IS 'When it ended.';
COMMENT ON COLUMN job.epoch IS 'The last assignment; null while it lives.';
COMMENT ON COLUMN job.worker_id IS 'The worker of the last assignment; null while it lives.';
COMMENT ON COLUMN job.gpu_ms IS 'How long ComfyUI ran the attempt that succeeded, in milliseconds.';
COMMENT ON COLUMN job.store_ms IS 'How long fetching and storing its files took, in milliseconds.';
COMMENT ON COLUMN job.error_code IS 'Why it failed or expired: the machine word.';
COMMENT ON COLUMN job.error IS 'Why it failed: message, node, attempt.';
COMMENT ON COLUMN job.result IS 'The artifacts of a succeeded job.';
COMMENT ON COLUMN job.params IS 'The resolved parameters of a prompt request; null for a raw graph.';
COMMENT ON COLUMN job.graph IS 'The ComfyUI graph as UTF-8 JSON. Last: an unchanged tail is not logged again by updates.';

-- Partitions are made ahead, one a day, by make_job_partitions. What falls in no partition is kept in job_default, so
-- that a missing partition never refuses a submit.
CREATE TABLE job_default PARTITION OF job DEFAULT WITH (fillfactor = 85);

CREATE FUNCTION uuid7_floor(day date) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex(extract(epoch FROM day)::bigint * 1000), 12, '0') || '00000000000000000000')::uuid
$$;
COMMENT ON FUNCTION uuid7_floor IS 'The smallest UUID whose time is midnight UTC of this day.';

-- Never waits long for its lock, because everybody else would wait behind it; and one day that cannot be made (it has
-- rows in job_default already) does not keep the others from being made.
CREATE FUNCTION make_job_partitions(first date, days int) RETURNS int LANGUAGE plpgsql SET lock_timeout = '200ms' AS $$
DECLARE
    day date;
    made int := 0;
BEGIN
    FOR i IN 0 .. days - 1 LOOP
        day := first + i;
        IF to_regclass(format('job_%s', to_char(day, 'YYYYMMDD'))) IS NULL THEN
            BEGIN
                EXECUTE format(
                    'CREATE TABLE job_%s PARTITION OF job FOR VALUES FROM (%L) TO (%L) WITH (fillfactor = 85)',
                    to_char(day, 'YYYYMMDD'), uuid7_floor(day), uuid7_floor(day + 1));
                made := made + 1;
            EXCEPTION WHEN check_violation OR lock_not_available THEN
                RAISE WARNING 'partition of % was not made: %', day, SQLERRM;
            END;
        END IF;
    END LOOP;
    RETURN made;
END
$$;
COMMENT ON FUNCTION make_job_partitions IS 'Makes the daily partitions of these days that do not exist; answers how many.';
SELECT make_job_partitions((now() AT TIME ZONE 'UTC')::date, 3);

CREATE TABLE queue (
    tenant_id    int NOT NULL,
    class_id     int NOT NULL,
    band         smallint NOT NULL,
    job_id       uuid NOT NULL,
    epoch        int NOT NULL DEFAULT 0,
    failures     smallint NOT NULL DEFAULT 0,
    losses       smallint NOT NULL DEFAULT 0,
    avoid_worker bigint,
    expire_at    timestamptz,
    PRIMARY KEY (tenant_id, class_id, band, job_id)
);
CREATE INDEX queue_expire ON queue (expire_at) WHERE expire_at IS NOT NULL;
COMMENT ON TABLE queue IS 'Tokens of jobs that wait for a worker; within a group in order of submission.';
COMMENT ON COLUMN queue.tenant_id IS 'The job''s tenant; with class and band the group it waits in.';
COMMENT ON COLUMN queue.class_id IS 'The job''s class.';
COMMENT ON COLUMN queue.band IS 'The job''s band.';
COMMENT ON COLUMN queue.job_id IS 'The job; its order is the order of submission.';
COMMENT ON COLUMN queue.epoch IS 'How many times the job was assigned.';
COMMENT ON COLUMN queue.failures IS 'Attempts that the job itself failed.';
COMMENT ON COLUMN queue.losses IS 'Attempts whose worker vanished.';
COMMENT ON COLUMN queue.avoid_worker IS 'The worker of the last failed attempt, avoided while there are others.';
COMMENT ON COLUMN queue.expire_at IS 'Not assigned after this time; null for never.';

CREATE TABLE delayed (
    job_id       uuid PRIMARY KEY,
    due_at       timestamptz NOT NULL,
    tenant_id    int NOT NULL,
    class_id     int NOT NULL,
    band         smallint NOT NULL,
    epoch        int NOT NULL DEFAULT 0,
    failures     smallint NOT NULL DEFAULT 0,
    losses       smallint NOT NULL DEFAULT 0,
    avoid_worker bigint,
    expire_at    timestamptz
);
CREATE INDEX delayed_due ON delayed (due_at);
CREATE INDEX delayed_expire ON delayed (expire_at) WHERE expire_at IS NOT NULL;
COMMENT ON TABLE delayed IS 'Tokens of jobs that wait for a time: a scheduled start (epoch 0) or another attempt (epoch > 0).';
COMMENT ON COLUMN delayed.job_id IS 'The job.';
COMMENT ON COLUMN delayed.due_at IS 'When it moves to the queue.';
COMMENT ON COLUMN delayed.tenant_id IS 'The job''s tenant.';
COMMENT ON COLUMN delayed.class_id IS 'The job''s class.';
COMMENT ON COLUMN delayed.band IS 'The job''s band.';
COMMENT ON COLUMN delayed.epoch IS 'How many times the job was assigned.';
COMMENT ON COLUMN delayed.failures IS 'Attempts that the job itself failed.';
COMMENT ON COLUMN delayed.losses IS 'Attempts whose worker vanished.';
COMMENT ON COLUMN delayed.avoid_worker IS 'The worker of the last failed attempt.';
COMMENT ON COLUMN delayed.expire_at IS 'Not assigned after this time; null for never.';

CREATE TABLE lease (
    job_id      uuid PRIMARY KEY,
    epoch       int NOT NULL,
    worker_id   bigint NOT NULL,
    tenant_id   int NOT NULL,
    class_id    int NOT NULL,
    band        smallint NOT NULL,
    failures    smallint NOT NULL,
    losses      smallint NOT NULL,
    expire_at   timestamptz,
    assigned_at timestamptz NOT NULL DEFAULT now(),
    stage       smallint NOT NULL DEFAULT 0 CHECK (stage BETWEEN 0 AND 2),
    started_at  timestamptz,
    progress    real,
    eta_ms      int,
    run_until   timestamptz NOT NULL,
    canceled    boolean NOT NULL DEFAULT false
) WITH (fillfactor = 50);
CREATE INDEX lease_worker ON lease (worker_id);
COMMENT ON TABLE lease IS 'Tokens that are given to a worker. A canceled one stays until the worker has stopped: its GPU is busy.';
COMMENT ON COLUMN lease.job_id IS 'The job.';
COMMENT ON COLUMN lease.epoch IS 'Which assignment of the job this is, from 1; part of every write the worker makes.';
COMMENT ON COLUMN lease.worker_id IS 'Who has it.';
COMMENT ON COLUMN lease.tenant_id IS 'The job''s tenant.';
COMMENT ON COLUMN lease.class_id IS 'The job''s class.';
COMMENT ON COLUMN lease.band IS 'The job''s band.';
COMMENT ON COLUMN lease.failures IS 'Attempts that the job itself failed, before this one.';
COMMENT ON COLUMN lease.losses IS 'Attempts whose worker vanished, before this one.';
COMMENT ON COLUMN lease.expire_at IS 'Start deadline, kept for when the job has to wait again.';
COMMENT ON COLUMN lease.assigned_at IS 'When the leader made it.';
COMMENT ON COLUMN lease.stage IS '0 assigned, 1 ComfyUI runs it, 2 files are being stored; by heartbeat.';
COMMENT ON COLUMN lease.started_at IS 'When ComfyUI began; by heartbeat.';
COMMENT ON COLUMN lease.progress IS '0 to 1; by heartbeat.';
COMMENT ON COLUMN lease.eta_ms IS 'Milliseconds of GPU time it still needs, as the worker estimates; by heartbeat.';
COMMENT ON COLUMN lease.run_until IS 'Taken back after this time even if the worker is alive: a backstop.';
COMMENT ON COLUMN lease.canceled IS 'The job is over for its client; the worker is to stop and give the lease back.';

CREATE SEQUENCE worker_id_seq;
CREATE TABLE worker (
    id             bigint PRIMARY KEY,
    name           text NOT NULL,
    pool           text NOT NULL,
    lane           int NOT NULL,
    registered_at  timestamptz NOT NULL DEFAULT now(),
    last_seen      timestamptz NOT NULL DEFAULT now(),
    accepting      boolean NOT NULL DEFAULT true,
    gone           boolean NOT NULL DEFAULT false,
    loaded         text,
    vram_mb        int,
    comfyui        text NOT NULL,
    catalogue_hash bytea NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX worker_live ON worker (name) WHERE NOT gone;
COMMENT ON TABLE worker IS 'One row for each start of a worker process. No index on last_seen, so that heartbeats stay cheap.';
COMMENT ON COLUMN worker.id IS 'New for every start of the process.';
COMMENT ON COLUMN worker.name IS 'Stable over restarts: a newer process of the same name evicts the older.';
COMMENT ON COLUMN worker.pool IS 'Runs only jobs of this pool.';
COMMENT ON COLUMN worker.lane IS 'The partition of generation.lanes it listens to.';
COMMENT ON COLUMN worker.registered_at IS 'When the process registered.';
COMMENT ON COLUMN worker.last_seen IS 'Its newest heartbeat.';
COMMENT ON COLUMN worker.accepting IS 'Whether it takes new jobs; false while it drains or its ComfyUI is away.';
COMMENT ON COLUMN worker.gone IS 'Evicted, ended or silent for too long. Never becomes false again.';
COMMENT ON COLUMN worker.loaded IS 'The main model its ComfyUI ran last, as folder/name.';
COMMENT ON COLUMN worker.vram_mb IS 'GPU memory in MiB; null when unknown.';
COMMENT ON COLUMN worker.comfyui IS 'Version of its ComfyUI.';
COMMENT ON COLUMN worker.catalogue_hash IS 'Which catalogue it has.';

CREATE TABLE catalogue (
    hash       bytea PRIMARY KEY,
    models     text[] NOT NULL,
    nodes      text[] NOT NULL,
    samplers   text[] NOT NULL,
    schedulers text[] NOT NULL,
    seen_at    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE catalogue IS 'What ComfyUI installations have, by content: workers that are alike share a row.';
COMMENT ON COLUMN catalogue.hash IS 'SHA-256 over the lists.';
COMMENT ON COLUMN catalogue.models IS 'Model files as folder/name.';
COMMENT ON COLUMN catalogue.nodes IS 'Node classes.';
COMMENT ON COLUMN catalogue.samplers IS 'Sampler names of KSampler.';
COMMENT ON COLUMN catalogue.schedulers IS 'Scheduler names of KSampler.';
COMMENT ON COLUMN catalogue.seen_at IS 'When a worker last registered with it.';

CREATE TABLE leader (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    name    text NOT NULL,
    pid     int NOT NULL,
    beat_at timestamptz NOT NULL
);
COMMENT ON TABLE leader IS 'Who dispatches. The lock decides; this row lets a standby end a leader that hangs with the lock in its hand.';
COMMENT ON COLUMN leader.one IS 'There is one row.';
COMMENT ON COLUMN leader.name IS 'The API instance.';
COMMENT ON COLUMN leader.pid IS 'Its database session.';
COMMENT ON COLUMN leader.beat_at IS 'Its newest sign of life.';

CREATE TABLE idempotency (
    tenant_id    int NOT NULL,
    route        text NOT NULL,
    key          text NOT NULL,
    resource_id  uuid NOT NULL,
    request_hash bytea NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, route, key)
);
CREATE INDEX idempotency_age ON idempotency (created_at);
COMMENT ON TABLE idempotency IS 'Which request a client''s key stood for; written with what the request created.';
COMMENT ON COLUMN idempotency.tenant_id IS 'Keys of one tenant cannot be seen by another.';
COMMENT ON COLUMN idempotency.route IS 'Method and route of the request.';
COMMENT ON COLUMN idempotency.key IS 'The client''s key.';
COMMENT ON COLUMN idempotency.resource_id IS 'The job or batch that was created.';
COMMENT ON COLUMN idempotency.request_hash IS 'SHA-256 of the canonical body: the same key with another body is refused.';
COMMENT ON COLUMN idempotency.created_at IS 'Forgotten 24 hours later.';

CREATE TABLE webhook (
    id          int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id   int NOT NULL,
    url         text NOT NULL,
    secret      bytea NOT NULL,
    open_until  timestamptz NOT NULL DEFAULT '-infinity',
    fail_streak int NOT NULL DEFAULT 0
);
COMMENT ON TABLE webhook IS 'Registered endpoints that are told when jobs end.';
COMMENT ON COLUMN webhook.id IS 'The endpoint.';
COMMENT ON COLUMN webhook.tenant_id IS 'Whose it is.';
COMMENT ON COLUMN webhook.url IS 'Where deliveries are sent.';
COMMENT ON COLUMN webhook.secret IS 'Key of the signatures.';
COMMENT ON COLUMN webhook.open_until IS 'Nothing is sent before this time: the endpoint failed too often.';
COMMENT ON COLUMN webhook.fail_streak IS 'Failures in a row.';

CREATE TABLE webhook_delivery (
    job_id     uuid NOT NULL,
    event      smallint NOT NULL,
    webhook_id int NOT NULL,
    tries      smallint NOT NULL DEFAULT 0,
    next_at    timestamptz NOT NULL DEFAULT now(),
    last_error text,
    PRIMARY KEY (job_id, event)
);
CREATE INDEX webhook_due ON webhook_delivery (webhook_id, next_at);
COMMENT ON TABLE webhook_delivery IS 'Messages to be delivered; inserted by the statement that ends the job, deleted when delivered.';
COMMENT ON COLUMN webhook_delivery.job_id IS 'The job.';
COMMENT ON COLUMN webhook_delivery.event IS '1: the job has ended.';
COMMENT ON COLUMN webhook_delivery.webhook_id IS 'The endpoint.';
COMMENT ON COLUMN webhook_delivery.tries IS 'Attempts so far.';
COMMENT ON COLUMN webhook_delivery.next_at IS 'When it is tried next.';
COMMENT ON COLUMN webhook_delivery.last_error IS 'What went wrong last.';

CREATE TABLE server_secret (
    name  text PRIMARY KEY,
    value bytea NOT NULL
);
COMMENT ON TABLE server_secret IS 'Random keys that all API instances share; made by the first one that starts.';
COMMENT ON COLUMN server_secret.name IS 'What it is for.';
COMMENT ON COLUMN server_secret.value IS 'The key.';

ALTER TABLE queue SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE delayed SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE lease SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE worker SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE webhook_delivery SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
