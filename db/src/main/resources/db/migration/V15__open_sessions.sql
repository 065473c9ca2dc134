-- What a local user has open ends with their session, tickets too.

CREATE VIEW open_session AS
SELECT s.id, s.user_id, s.tenant_id
FROM login_session s
JOIN account_user u ON u.id = s.user_id AND u.password_at = s.password_at
JOIN tenant n ON n.id = s.tenant_id AND NOT n.deleting
WHERE s.expires_at > now();
COMMENT ON VIEW open_session IS 'Sessions that are not over: in time, of the password that the user still has, of a tenant that stays.';

ALTER TABLE ws_ticket ADD COLUMN session_id uuid;
COMMENT ON COLUMN ws_ticket.session_id IS 'In which session it was fetched, and ends; null for all but local users.';
