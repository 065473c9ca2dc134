-- Finds the jobs that ended lately, for streams that missed something. BRIN: jobs end about in the order they are stored,
-- it costs a few pages, and it leaves the update that ends a job as cheap as it was (PostgreSQL 16 and newer).
CREATE INDEX job_finished ON job USING brin (finished_at) WITH (pages_per_range = 32, autosummarize = on);

CREATE FUNCTION uuid7_at(moment timestamptz) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid
$$;
COMMENT ON FUNCTION uuid7_at IS 'The smallest UUID whose time is this one.';
