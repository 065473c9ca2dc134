-- Pages in browsers cannot send a key with a WebSocket; they send a ticket that somebody with a key has fetched.

CREATE TABLE ws_ticket (
    hash       bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    tenant_id  int NOT NULL REFERENCES tenant (id),
    key_id     uuid,
    actor      text NOT NULL,
    job_id     uuid,
    until      timestamptz,
    expires_at timestamptz NOT NULL
);
COMMENT ON TABLE ws_ticket IS 'Tickets that were not used yet. Using one deletes it; no row outlives its minute for long.';
COMMENT ON COLUMN ws_ticket.hash IS 'SHA-256 of the ticket, which has 256 random bits and is kept nowhere.';
COMMENT ON COLUMN ws_ticket.tenant_id IS 'Whom it speaks for.';
COMMENT ON COLUMN ws_ticket.key_id IS 'The key it was fetched with: revoked with it; null for a user''s, and on a platform without keys.';
COMMENT ON COLUMN ws_ticket.actor IS 'Who fetched it, as in audit_log.';
COMMENT ON COLUMN ws_ticket.job_id IS 'The only job it lets one follow; null for any of the tenant''s.';
COMMENT ON COLUMN ws_ticket.until IS 'When the token it was fetched with expires, and with it the connection; null without one.';
COMMENT ON COLUMN ws_ticket.expires_at IS 'Worth nothing from then on.';
