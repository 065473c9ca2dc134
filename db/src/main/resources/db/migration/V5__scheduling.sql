-- What the leader needs to be fair: how long jobs wait and run, and what each tenant has used.

ALTER TABLE queue ADD COLUMN queued_at timestamptz NOT NULL DEFAULT now();
COMMENT ON COLUMN queue.queued_at IS 'Since when it waits; after another attempt or a release it waits anew.';

ALTER TABLE job_class ADD COLUMN est_runs int NOT NULL DEFAULT 0;
COMMENT ON COLUMN job_class.est_runs IS 'How many runs est_run_ms has learned from, counted to 10.';

CREATE TABLE tenant_usage (
    tenant_id int NOT NULL,
    day       date NOT NULL,
    gpu_ms    bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, day)
);
COMMENT ON TABLE tenant_usage IS 'GPU time by tenant and day (UTC); written by the leader, a second late at most.';
COMMENT ON COLUMN tenant_usage.tenant_id IS 'The tenant.';
COMMENT ON COLUMN tenant_usage.day IS 'The day in UTC on which the leader saw the jobs end.';
COMMENT ON COLUMN tenant_usage.gpu_ms IS 'GPU time in milliseconds of the attempts that succeeded.';
