-- Webhooks: who is told, with which keys, and every message until a week after its end.
--
-- The tables of V1 were a sketch that nothing used. They make room under another name first, so that the view that
-- other views are made of can be replaced and not dropped.

ALTER TABLE webhook RENAME TO webhook_sketch;
ALTER TABLE webhook_delivery RENAME TO webhook_delivery_sketch;
ALTER INDEX webhook_due RENAME TO webhook_due_sketch;
ALTER INDEX webhook_delivery_pkey RENAME TO webhook_delivery_sketch_pkey;

CREATE TABLE webhook_endpoint (
    id              uuid PRIMARY KEY,
    tenant_id       int NOT NULL,
    url             text NOT NULL,
    events          int NOT NULL CHECK (events > 0),
    tags            text[] NOT NULL DEFAULT '{}',
    description     text NOT NULL DEFAULT '',
    enabled         boolean NOT NULL DEFAULT true,
    disabled_reason text,
    disabled_at     timestamptz,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT webhook_endpoint_reason_iff_at CHECK ((disabled_reason IS NULL) = (disabled_at IS NULL)),
    CONSTRAINT webhook_endpoint_enabled_without_reason CHECK (NOT enabled OR disabled_at IS NULL)
);
CREATE INDEX webhook_endpoint_tenant ON webhook_endpoint (tenant_id, id);
CREATE INDEX webhook_endpoint_told ON webhook_endpoint (tenant_id) WHERE enabled;
COMMENT ON TABLE webhook_endpoint IS 'Addresses that tenants have registered to be told of events.';
COMMENT ON COLUMN webhook_endpoint.id IS 'UUIDv7, made by the API.';
COMMENT ON COLUMN webhook_endpoint.tenant_id IS 'Whose it is; it is told of this tenant''s events only.';
COMMENT ON COLUMN webhook_endpoint.url IS 'Where messages are sent.';
COMMENT ON COLUMN webhook_endpoint.events IS 'What it is told of: one bit for each webhook_delivery.event.';
COMMENT ON COLUMN webhook_endpoint.tags IS 'Told of jobs only that have one of these; empty for all.';
COMMENT ON COLUMN webhook_endpoint.description IS 'The client''s own words.';
COMMENT ON COLUMN webhook_endpoint.enabled IS 'Nothing is recorded for, or sent to, one that is not.';
COMMENT ON COLUMN webhook_endpoint.disabled_reason IS 'Why the service disabled it: gone, unreachable; null when it is enabled or its owner disabled it.';
COMMENT ON COLUMN webhook_endpoint.disabled_at IS 'When the service disabled it.';
COMMENT ON COLUMN webhook_endpoint.created_at IS 'When it was registered.';

CREATE TABLE webhook_secret (
    id          uuid PRIMARY KEY,
    tenant_id   int NOT NULL,
    endpoint_id uuid REFERENCES webhook_endpoint (id) ON DELETE CASCADE,
    kind        smallint NOT NULL CHECK (kind BETWEEN 1 AND 2),
    secret      text NOT NULL,
    public_key  text CHECK (public_key LIKE 'whpk\_%'),
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at  timestamptz,
    CONSTRAINT webhook_secret_public_iff_ed25519 CHECK ((public_key IS NOT NULL) = (kind = 2))
);
CREATE INDEX webhook_secret_endpoint ON webhook_secret (endpoint_id) WHERE endpoint_id IS NOT NULL;
CREATE UNIQUE INDEX webhook_secret_current ON webhook_secret (endpoint_id) WHERE endpoint_id IS NOT NULL AND expires_at IS NULL;
CREATE UNIQUE INDEX webhook_secret_default ON webhook_secret (tenant_id) WHERE endpoint_id IS NULL AND expires_at IS NULL;
CREATE INDEX webhook_secret_old ON webhook_secret (expires_at) WHERE expires_at IS NOT NULL;
COMMENT ON TABLE webhook_secret IS 'Keys of signatures: one current for each endpoint and for each tenant, and those that rotation has not ended yet.';
COMMENT ON COLUMN webhook_secret.id IS 'UUIDv7, made by the API.';
COMMENT ON COLUMN webhook_secret.tenant_id IS 'Whose it is.';
COMMENT ON COLUMN webhook_secret.endpoint_id IS 'What it signs for; null for the addresses that come with the tenant''s jobs.';
COMMENT ON COLUMN webhook_secret.kind IS '1 HMAC-SHA256, 2 Ed25519.';
COMMENT ON COLUMN webhook_secret.secret IS 'The HMAC key or the Ed25519 seed, sealed if the API has a key for that; as text that says how.';
COMMENT ON COLUMN webhook_secret.public_key IS 'The Ed25519 public key, as receivers write it.';
COMMENT ON COLUMN webhook_secret.created_at IS 'When it was made.';
COMMENT ON COLUMN webhook_secret.expires_at IS 'Signs until then, beside its successor; null for the current one.';

CREATE TABLE webhook_delivery (
    id          uuid PRIMARY KEY DEFAULT uuidv7(),
    tenant_id   int NOT NULL,
    endpoint_id uuid,
    lane        uuid NOT NULL,
    url         text,
    event       smallint NOT NULL CHECK (event BETWEEN 1 AND 30),
    subject_id  uuid NOT NULL,
    happened_at timestamptz NOT NULL,
    state       smallint NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 2),
    since       timestamptz NOT NULL DEFAULT now(),
    next_at     timestamptz NOT NULL DEFAULT now(),
    sending     boolean NOT NULL DEFAULT false,
    claims      int NOT NULL DEFAULT 0,
    tries       smallint NOT NULL DEFAULT 0,
    attempts    int NOT NULL DEFAULT 0,
    failure     text,
    ended_at    timestamptz,
    body        bytea,
    CONSTRAINT webhook_delivery_url_iff_no_endpoint CHECK ((url IS NULL) = (endpoint_id IS NOT NULL)),
    CONSTRAINT webhook_delivery_ended_iff_final CHECK ((ended_at IS NOT NULL) = (state <> 0)),
    CONSTRAINT webhook_delivery_sending_only_pending CHECK (NOT sending OR state = 0)
);
CREATE UNIQUE INDEX webhook_delivery_once ON webhook_delivery (subject_id, event, lane) WHERE event NOT IN (6, 7);
CREATE INDEX webhook_due ON webhook_delivery (lane, next_at) WHERE state = 0;
CREATE INDEX webhook_sending ON webhook_delivery (lane) WHERE sending;
CREATE INDEX webhook_delivery_endpoint ON webhook_delivery (endpoint_id, id) WHERE endpoint_id IS NOT NULL;
CREATE INDEX webhook_delivery_ended ON webhook_delivery (ended_at) WHERE ended_at IS NOT NULL;
COMMENT ON TABLE webhook_delivery IS 'One message for each event and address. Inserted by the very statement that ends the job; kept for a week after its end.';
COMMENT ON COLUMN webhook_delivery.id IS 'UUIDv7; as msg_ and 32 hex digits it is the webhook-id, the same on every try and replay.';
COMMENT ON COLUMN webhook_delivery.tenant_id IS 'Whose event it is.';
COMMENT ON COLUMN webhook_delivery.endpoint_id IS 'The endpoint; null when the address came with the job. No foreign key: ending a job must not fail because an endpoint goes.';
COMMENT ON COLUMN webhook_delivery.lane IS 'What is limited and paused together: the endpoint, or tenant and origin of the address.';
COMMENT ON COLUMN webhook_delivery.url IS 'The address that came with the job.';
COMMENT ON COLUMN webhook_delivery.event IS '1 to 4 the job has this state, 5 it was started, 6 an endpoint was disabled, 7 a test.';
COMMENT ON COLUMN webhook_delivery.subject_id IS 'The job, or the endpoint for 6 and 7.';
COMMENT ON COLUMN webhook_delivery.happened_at IS 'When the event happened.';
COMMENT ON COLUMN webhook_delivery.state IS '0 pending, 1 delivered, 2 failed. A replay makes it pending again.';
COMMENT ON COLUMN webhook_delivery.since IS 'When this round of tries began: with the event, or the newest replay.';
COMMENT ON COLUMN webhook_delivery.next_at IS 'When it may be claimed next; while it is being sent, when the claim is over.';
COMMENT ON COLUMN webhook_delivery.sending IS 'Claimed by a sender. One that died leaves it so until next_at.';
COMMENT ON COLUMN webhook_delivery.claims IS 'Number of the newest claim; part of what its sender writes.';
COMMENT ON COLUMN webhook_delivery.tries IS 'Failed tries of this round.';
COMMENT ON COLUMN webhook_delivery.attempts IS 'All tries ever; the number of the newest webhook_attempt.';
COMMENT ON COLUMN webhook_delivery.failure IS 'Why it failed in the end; null otherwise.';
COMMENT ON COLUMN webhook_delivery.ended_at IS 'When it was delivered or given up.';
COMMENT ON COLUMN webhook_delivery.body IS 'The exact bytes that are signed and sent; made before the first try.';

CREATE TABLE webhook_attempt (
    delivery_id uuid NOT NULL REFERENCES webhook_delivery (id) ON DELETE CASCADE,
    number      int NOT NULL,
    at          timestamptz NOT NULL,
    duration_ms int NOT NULL,
    status      int,
    error       text,
    headers     jsonb NOT NULL,
    answer      text,
    PRIMARY KEY (delivery_id, number)
);
COMMENT ON TABLE webhook_attempt IS 'What happened each time a message was sent.';
COMMENT ON COLUMN webhook_attempt.delivery_id IS 'The message.';
COMMENT ON COLUMN webhook_attempt.number IS 'From 1.';
COMMENT ON COLUMN webhook_attempt.at IS 'When it was sent, by the sender''s clock.';
COMMENT ON COLUMN webhook_attempt.duration_ms IS 'How long it took.';
COMMENT ON COLUMN webhook_attempt.status IS 'HTTP status of the answer; null when there was none.';
COMMENT ON COLUMN webhook_attempt.error IS 'What went wrong; null for a delivery.';
COMMENT ON COLUMN webhook_attempt.headers IS 'The headers that were sent.';
COMMENT ON COLUMN webhook_attempt.answer IS 'The first 2 KiB of the answer.';

CREATE TABLE webhook_lane (
    lane          uuid PRIMARY KEY,
    streak        int NOT NULL,
    failing_since timestamptz NOT NULL DEFAULT now(),
    open_until    timestamptz NOT NULL
);
COMMENT ON TABLE webhook_lane IS 'Where the newest try failed. A success deletes the row.';
COMMENT ON COLUMN webhook_lane.lane IS 'As in webhook_delivery.';
COMMENT ON COLUMN webhook_lane.streak IS 'Failures in a row, those while it was paused not counted.';
COMMENT ON COLUMN webhook_lane.failing_since IS 'The first of them.';
COMMENT ON COLUMN webhook_lane.open_until IS 'Nothing is sent before: it failed too often. After it one probe at a time.';

ALTER TABLE webhook_delivery SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);

CREATE OR REPLACE VIEW broken_hook_iff_terminal AS
SELECT d.subject_id AS job_id, j.state
FROM webhook_delivery d
JOIN job j ON j.id = d.subject_id
WHERE d.event BETWEEN 1 AND 4 AND j.state <> d.event;
COMMENT ON VIEW broken_hook_iff_terminal IS 'HookIffTerminal: messages of an end that jobs have not come to.';

CREATE OR REPLACE VIEW broken_retention AS
SELECT id AS job_id, expires_at
FROM job
WHERE expires_at < now() - interval '1 hour' AND state <> 0
  AND job_leaves_at(created_at, run_after, expires_at, finished_at) < now() - interval '1 hour'
  AND (finished_at < now() - interval '4 days'
       OR NOT EXISTS (SELECT FROM webhook_delivery d
                      WHERE d.subject_id = job.id AND d.event NOT IN (6, 7) AND d.state = 0));

DROP TABLE webhook_delivery_sketch;
DROP TABLE webhook_sketch;
ALTER TABLE job DROP COLUMN webhook_id;
ALTER TABLE job ADD COLUMN webhook_events int;
COMMENT ON COLUMN job.webhook_events IS 'What the address that came with the job is told of, as webhook_endpoint.events; null without one.';
COMMENT ON COLUMN job.webhook_url IS 'Address that came with this job.';
