-- How much of its limits each tenant has used, and which key a job came with.

CREATE TABLE rate_window (
    tenant_id  int NOT NULL,
    policy     text NOT NULL,
    started_at timestamptz NOT NULL,
    used       int NOT NULL CHECK (used >= 0),
    granted    int NOT NULL,
    PRIMARY KEY (tenant_id, policy)
) WITH (fillfactor = 50);
COMMENT ON TABLE rate_window IS 'Requests and jobs of the running window. Instances take from it in small lots and count on their own.';
COMMENT ON COLUMN rate_window.tenant_id IS 'Whose window it is.';
COMMENT ON COLUMN rate_window.policy IS 'What is counted.';
COMMENT ON COLUMN rate_window.started_at IS 'When the window began; the first request after its end begins the next.';
COMMENT ON COLUMN rate_window.used IS 'How many were handed out to instances.';
COMMENT ON COLUMN rate_window.granted IS 'How many the newest statement got: its answer.';
ALTER TABLE rate_window SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);

COMMENT ON COLUMN tenant_usage.gpu_ms IS 'GPU time in milliseconds of attempts; of those that did not succeed, as long as they were last seen to run.';

ALTER TABLE job ADD COLUMN api_key uuid;
COMMENT ON COLUMN job.api_key IS 'The key it was submitted with; null without one.';
