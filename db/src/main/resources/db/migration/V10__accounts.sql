-- Who may use the platform: tenants with limits of their own, their keys, and the record of what was changed by whom.

ALTER TABLE tenant
    ALTER COLUMN weight TYPE double precision,
    ADD COLUMN uid uuid NOT NULL DEFAULT gen_random_uuid(),
    ADD COLUMN tier text NOT NULL DEFAULT 'internal',
    ADD COLUMN overrides jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN created_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN suspended boolean NOT NULL DEFAULT false,
    ADD COLUMN deleting_since timestamptz,
    ADD COLUMN deleted_at timestamptz,
    ADD COLUMN receipt jsonb,
    ADD COLUMN gpu_ms_month bigint CHECK (gpu_ms_month >= 0),
    ADD COLUMN jobs_day int CHECK (jobs_day >= 0),
    ADD COLUMN storage_bytes bigint CHECK (storage_bytes >= 0),
    ADD COLUMN submits_minute int CHECK (submits_minute > 0),
    ADD COLUMN polls_minute int CHECK (polls_minute > 0),
    ADD COLUMN uploads_minute int CHECK (uploads_minute > 0);
ALTER TABLE tenant
    ADD COLUMN deleting boolean NOT NULL GENERATED ALWAYS AS (deleting_since IS NOT NULL) STORED;
UPDATE tenant SET uid = '01980000-0000-7000-8000-000000000001' WHERE id = 1;
ALTER TABLE tenant
    ADD CONSTRAINT tenant_uid UNIQUE (uid),
    ADD CONSTRAINT tenant_deleting_is_suspended CHECK (suspended OR NOT deleting);
CREATE SEQUENCE tenant_id_seq AS int START 2 OWNED BY tenant.id;
COMMENT ON COLUMN tenant.uid IS 'What clients call it, a UUIDv7; the small number stays inside.';
COMMENT ON COLUMN tenant.tier IS 'Whose limits it has, by the configuration of the API, where overrides say nothing else.';
COMMENT ON COLUMN tenant.overrides IS 'Limits that an operator set for this tenant alone, by the name that the API gives them.';
COMMENT ON COLUMN tenant.created_at IS 'When it was made.';
COMMENT ON COLUMN tenant.deleting_since IS 'When its deletion began; null for a tenant that stays.';
COMMENT ON COLUMN tenant.deleting IS 'On its way out: nobody can log in, and housekeeping takes away what it has.';
COMMENT ON COLUMN tenant.deleted_at IS 'When the last of it was gone; this row stays as the proof.';
COMMENT ON COLUMN tenant.receipt IS 'What was deleted with it, counted.';
COMMENT ON COLUMN tenant.suspended IS 'Nothing of it is started and nothing new is accepted; reading goes on.';
COMMENT ON COLUMN tenant.gpu_ms_month IS 'Most GPU milliseconds in a calendar month (UTC); null for no limit.';
COMMENT ON COLUMN tenant.jobs_day IS 'Most jobs accepted a day (UTC); null for no limit.';
COMMENT ON COLUMN tenant.storage_bytes IS 'Most bytes of assets; null for no limit.';
COMMENT ON COLUMN tenant.submits_minute IS 'Most requests a minute that change something; null for no limit.';
COMMENT ON COLUMN tenant.polls_minute IS 'Most requests a minute that only read; null for no limit.';
COMMENT ON COLUMN tenant.uploads_minute IS 'Most uploads and imports a minute; null for no limit.';

CREATE TABLE api_key (
    id           uuid PRIMARY KEY,
    tenant_id    int NOT NULL REFERENCES tenant (id),
    lookup       text NOT NULL UNIQUE CHECK (lookup ~ '^[0-9A-Za-z]{10}$'),
    hash         bytea NOT NULL CHECK (octet_length(hash) = 32),
    last_four    text NOT NULL CHECK (length(last_four) = 4),
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    role         text,
    scopes       text[] NOT NULL DEFAULT '{}',
    ip_allowlist text[] NOT NULL DEFAULT '{}',
    created_at   timestamptz NOT NULL DEFAULT now(),
    created_by   uuid,
    expires_at   timestamptz,
    revoked_at   timestamptz,
    rotated_to   uuid,
    last_used_at timestamptz,
    last_used_ip text,
    CONSTRAINT api_key_role_or_scopes CHECK ((role IS NULL) = (cardinality(scopes) > 0))
);
CREATE INDEX api_key_tenant ON api_key (tenant_id, id);
COMMENT ON TABLE api_key IS 'Keys of tenants. Nothing here lets anybody log in: the key itself is shown once and kept nowhere.';
COMMENT ON COLUMN api_key.id IS 'UUIDv7, made by the API.';
COMMENT ON COLUMN api_key.tenant_id IS 'Whom it speaks for.';
COMMENT ON COLUMN api_key.lookup IS 'The ten characters of the key that find this row; no secret.';
COMMENT ON COLUMN api_key.hash IS 'HMAC-SHA256 of the whole key under the server''s pepper.';
COMMENT ON COLUMN api_key.last_four IS 'The last four characters of the secret, to tell keys apart.';
COMMENT ON COLUMN api_key.name IS 'What people call it.';
COMMENT ON COLUMN api_key.role IS 'A named set of scopes; null when the scopes are listed.';
COMMENT ON COLUMN api_key.scopes IS 'What it may do, when it has no role.';
COMMENT ON COLUMN api_key.ip_allowlist IS 'Networks it may be used from; empty for everywhere.';
COMMENT ON COLUMN api_key.created_at IS 'When it was made.';
COMMENT ON COLUMN api_key.created_by IS 'The key that made it; null for the bootstrap command.';
COMMENT ON COLUMN api_key.expires_at IS 'Not valid from then on; null for never.';
COMMENT ON COLUMN api_key.revoked_at IS 'When it was revoked.';
COMMENT ON COLUMN api_key.rotated_to IS 'The key that follows it.';
COMMENT ON COLUMN api_key.last_used_at IS 'About when it was last used, a minute or so late.';
COMMENT ON COLUMN api_key.last_used_ip IS 'From where.';

CREATE TABLE audit_log (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    tenant_id   int NOT NULL,
    actor       text NOT NULL,
    action      text NOT NULL,
    target      text NOT NULL,
    target_id   text NOT NULL,
    before_hash text,
    after_hash  text,
    change      jsonb,
    ip          text,
    request_id  text
);
CREATE INDEX audit_log_tenant ON audit_log (tenant_id, id);
COMMENT ON TABLE audit_log IS 'Who changed what; written in the transaction of the change. Rows are only added.';
COMMENT ON COLUMN audit_log.id IS 'In the order of writing.';
COMMENT ON COLUMN audit_log.at IS 'When.';
COMMENT ON COLUMN audit_log.tenant_id IS 'Whose thing was changed; survives the tenant.';
COMMENT ON COLUMN audit_log.actor IS 'Who did it: key:ID, user:SUBJECT, local for a platform without keys, or command.';
COMMENT ON COLUMN audit_log.action IS 'What was done, such as api_key.created.';
COMMENT ON COLUMN audit_log.target IS 'The kind of thing.';
COMMENT ON COLUMN audit_log.target_id IS 'Which one.';
COMMENT ON COLUMN audit_log.before_hash IS 'SHA-256 in hex of what it was; null when it is new.';
COMMENT ON COLUMN audit_log.after_hash IS 'SHA-256 in hex of what it became; null when it is gone.';
COMMENT ON COLUMN audit_log.change IS 'What it became, without secrets.';
COMMENT ON COLUMN audit_log.ip IS 'From where.';
COMMENT ON COLUMN audit_log.request_id IS 'The request.';

CREATE FUNCTION audit_log_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log only grows' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_log_only_grows BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_only_grows();
CREATE TRIGGER audit_log_is_never_emptied BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_only_grows();
