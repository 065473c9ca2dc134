-- What operators see of the fleet, and what they wish.

CREATE TABLE pool (
    name        text PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$'),
    description text,
    created_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE pool IS 'Pools that operators made: jobs may name them while no worker of theirs lives.';
COMMENT ON COLUMN pool.name IS 'What jobs and workers call it.';
COMMENT ON COLUMN pool.description IS 'What it is for, in the operator''s words.';
COMMENT ON COLUMN pool.created_at IS 'When it was made.';

CREATE TABLE queue_pause (
    pool      text PRIMARY KEY,
    paused_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE queue_pause IS 'Pools from which nothing is started; what runs goes on.';
COMMENT ON COLUMN queue_pause.pool IS 'The pool; * stands for all of them, and is no pool''s name.';
COMMENT ON COLUMN queue_pause.paused_at IS 'Since when.';

CREATE TABLE worker_wish (
    name          text PRIMARY KEY,
    mode          smallint NOT NULL DEFAULT 0 CHECK (mode BETWEEN 0 AND 2),
    restart_asked boolean NOT NULL DEFAULT false,
    free_asked    boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE worker_wish IS 'What operators wish of workers. By name, so that it holds for the next process too.';
COMMENT ON COLUMN worker_wish.name IS 'The worker''s name, stable over restarts.';
COMMENT ON COLUMN worker_wish.mode IS '0 work, 1 drain, 2 quarantine: in both it begins nothing and finishes what runs.';
COMMENT ON COLUMN worker_wish.restart_asked IS 'Restart ComfyUI when nothing runs; the worker takes it back just before it does, so that it is done once.';
COMMENT ON COLUMN worker_wish.free_asked IS 'Free ComfyUI''s memory when nothing runs; in the same way.';

ALTER TABLE worker ADD COLUMN labels jsonb NOT NULL DEFAULT '{}';
ALTER TABLE worker ADD COLUMN gpu text;
ALTER TABLE worker ADD COLUMN can_restart boolean NOT NULL DEFAULT false;
ALTER TABLE worker ADD COLUMN fault text;
ALTER TABLE worker ADD COLUMN forgotten boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN worker.labels IS 'What its operator says of it: names to texts.';
COMMENT ON COLUMN worker.gpu IS 'What ComfyUI calls its first device; null when unknown.';
COMMENT ON COLUMN worker.can_restart IS 'Whether it has a command that restarts ComfyUI.';
COMMENT ON COLUMN worker.fault IS 'What is wrong with its ComfyUI, as a word; null when nothing is. By heartbeat.';
COMMENT ON COLUMN worker.forgotten IS 'An operator has deleted it: not shown any more. The row stays for the jobs it ran.';
