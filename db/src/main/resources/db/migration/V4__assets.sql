-- Files that clients bring, and that jobs use by reference.

CREATE TABLE asset (
    id            uuid PRIMARY KEY,
    tenant_id     int NOT NULL REFERENCES tenant (id),
    state         smallint NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 2),
    purpose       text NOT NULL CHECK (purpose IN ('input', 'mask', 'control')),
    filename      text CHECK (length(filename) BETWEEN 1 AND 255),
    content_type  text NOT NULL,
    key           text NOT NULL,
    size_bytes    bigint NOT NULL CHECK (size_bytes >= 0),
    sha256        text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    source_sha256 text NOT NULL CHECK (source_sha256 ~ '^[0-9a-f]{64}$'),
    width         int NOT NULL CHECK (width > 0),
    height        int NOT NULL CHECK (height > 0),
    tags          text[] NOT NULL DEFAULT '{}',
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at    timestamptz
);
CREATE UNIQUE INDEX asset_once ON asset (tenant_id, purpose, source_sha256) WHERE state = 1;
CREATE INDEX asset_tenant ON asset (tenant_id, id);
CREATE INDEX asset_expiry ON asset (expires_at) WHERE expires_at IS NOT NULL AND state = 1;
CREATE INDEX asset_unsettled ON asset (created_at) WHERE state <> 1;
COMMENT ON TABLE asset IS 'Every file that a client uploaded or imported. Its bytes are in the artifact store.';
COMMENT ON COLUMN asset.id IS 'UUIDv7, made by the API.';
COMMENT ON COLUMN asset.tenant_id IS 'Whose file it is.';
COMMENT ON COLUMN asset.state IS '0 on its way into the store, 1 ready, 2 being deleted. Only ready ones are seen by anybody.';
COMMENT ON COLUMN asset.purpose IS 'What the client wants it for.';
COMMENT ON COLUMN asset.filename IS 'What the client calls it, for display only; never part of a path.';
COMMENT ON COLUMN asset.content_type IS 'What it is, by its bytes.';
COMMENT ON COLUMN asset.key IS 'Its name in the artifact store.';
COMMENT ON COLUMN asset.size_bytes IS 'Size of the stored file.';
COMMENT ON COLUMN asset.sha256 IS 'SHA-256 of the stored file in hex; without metadata it is not what was sent.';
COMMENT ON COLUMN asset.source_sha256 IS 'SHA-256 of what the client sent in hex; the same file is stored once.';
COMMENT ON COLUMN asset.width IS 'Width in pixels.';
COMMENT ON COLUMN asset.height IS 'Height in pixels.';
COMMENT ON COLUMN asset.tags IS 'The client''s words for finding it again.';
COMMENT ON COLUMN asset.created_at IS 'When it arrived, by the database''s clock.';
COMMENT ON COLUMN asset.expires_at IS 'When it is deleted unless a live job names it; null for never.';
