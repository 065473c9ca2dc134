-- What must hold at every moment, as views that are empty when it does. Each is one statement, so it sees one moment.

CREATE VIEW broken_one_token AS
SELECT j.id AS job_id, j.state, count(t.job_id) AS tokens
FROM job j
LEFT JOIN (
    SELECT job_id FROM queue
    UNION ALL SELECT job_id FROM delayed
    UNION ALL SELECT job_id FROM lease WHERE NOT canceled
) t ON t.job_id = j.id
WHERE j.state = 0
GROUP BY j.id, j.state
HAVING count(t.job_id) <> 1;
COMMENT ON VIEW broken_one_token IS 'OneToken, NoLostJob: live jobs that do not have exactly one token.';

CREATE VIEW broken_token_without_live_job AS
SELECT t.job_id, t.place, j.state
FROM (
    SELECT job_id, 'queue' AS place FROM queue
    UNION ALL SELECT job_id, 'delayed' FROM delayed
    UNION ALL SELECT job_id, 'lease' FROM lease WHERE NOT canceled
) t
LEFT JOIN job j ON j.id = t.job_id
WHERE j.id IS NULL OR j.state <> 0;
COMMENT ON VIEW broken_token_without_live_job IS 'OneToken: tokens of jobs that have ended or never were.';

CREATE VIEW broken_canceled_lease AS
SELECT l.job_id, j.state
FROM lease l
LEFT JOIN job j ON j.id = l.job_id
WHERE l.canceled AND j.state IS DISTINCT FROM 3;
COMMENT ON VIEW broken_canceled_lease IS 'CancelFinal: leases flagged as canceled whose job is not.';

CREATE VIEW broken_hook_iff_terminal AS
SELECT d.job_id, j.state
FROM webhook_delivery d
LEFT JOIN job j ON j.id = d.job_id
WHERE j.id IS NULL OR j.state = 0 OR j.webhook_id IS DISTINCT FROM d.webhook_id;
COMMENT ON VIEW broken_hook_iff_terminal IS 'HookIffTerminal: deliveries of jobs that have not ended.';

CREATE VIEW broken_invariant AS
SELECT 'one_token' AS rule, job_id FROM broken_one_token
UNION ALL SELECT 'token_without_live_job', job_id FROM broken_token_without_live_job
UNION ALL SELECT 'canceled_lease', job_id FROM broken_canceled_lease
UNION ALL SELECT 'hook_iff_terminal', job_id FROM broken_hook_iff_terminal;
COMMENT ON VIEW broken_invariant IS 'All rules together: empty, or something is wrong with the queue itself.';
