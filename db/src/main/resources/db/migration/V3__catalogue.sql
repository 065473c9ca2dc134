-- What each node class takes and gives, so that a client's graph can be checked before it is accepted.

ALTER TABLE catalogue ADD COLUMN object_info text NOT NULL DEFAULT '{}';
COMMENT ON COLUMN catalogue.object_info IS 'ComfyUI''s description of its node classes, as JSON, without lists of uploaded files; {} when not reported.';
COMMENT ON COLUMN catalogue.hash IS 'SHA-256 over the lists and the descriptions.';
COMMENT ON COLUMN catalogue.seen_at IS 'When a worker last registered with it or changed to it.';
