-- People who sign in with an e-mail address and a password that this platform keeps itself.

CREATE TABLE account_user (
    id            uuid PRIMARY KEY,
    tenant_id     int NOT NULL REFERENCES tenant (id),
    email         text NOT NULL UNIQUE CHECK (email = lower(email)),
    role          text NOT NULL,
    password      text NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    invited_by    text NOT NULL,
    password_at   timestamptz NOT NULL DEFAULT now(),
    last_login_at timestamptz
);
CREATE INDEX account_user_tenant ON account_user (tenant_id, id);
COMMENT ON TABLE account_user IS 'Local users. Each belongs to one tenant; deleting one ends what they have open.';
COMMENT ON COLUMN account_user.id IS 'UUIDv7.';
COMMENT ON COLUMN account_user.tenant_id IS 'Whose things they see.';
COMMENT ON COLUMN account_user.email IS 'What they sign in with, in small letters; nobody else on the platform has it.';
COMMENT ON COLUMN account_user.role IS 'What they may do: a word of the API.';
COMMENT ON COLUMN account_user.password IS 'bcrypt, with its own salt and strength.';
COMMENT ON COLUMN account_user.created_at IS 'When they accepted the invitation.';
COMMENT ON COLUMN account_user.invited_by IS 'Who invited them, as in audit_log.';
COMMENT ON COLUMN account_user.password_at IS 'When the password was chosen.';
COMMENT ON COLUMN account_user.last_login_at IS 'When they last signed in with it; null for never.';

CREATE TABLE invitation (
    id         uuid PRIMARY KEY,
    tenant_id  int NOT NULL REFERENCES tenant (id),
    email      text NOT NULL CHECK (email = lower(email)),
    role       text NOT NULL,
    hash       bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    invited_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    UNIQUE (tenant_id, email)
);
COMMENT ON TABLE invitation IS 'Who may become a user. Accepting one deletes it and makes the user, in one statement.';
COMMENT ON COLUMN invitation.id IS 'UUIDv7.';
COMMENT ON COLUMN invitation.tenant_id IS 'Whose user it makes.';
COMMENT ON COLUMN invitation.email IS 'Whom it is for; a newer one of the tenant replaces it.';
COMMENT ON COLUMN invitation.role IS 'What the user may do then.';
COMMENT ON COLUMN invitation.hash IS 'SHA-256 of its token, which has 256 random bits and is kept nowhere.';
COMMENT ON COLUMN invitation.invited_by IS 'Who made it, as in audit_log.';
COMMENT ON COLUMN invitation.created_at IS 'When.';
COMMENT ON COLUMN invitation.expires_at IS 'Worth nothing from then on.';

CREATE TABLE password_reset (
    user_id    uuid PRIMARY KEY REFERENCES account_user (id) ON DELETE CASCADE,
    tenant_id  int NOT NULL REFERENCES tenant (id),
    hash       bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    allowed_by text NOT NULL,
    expires_at timestamptz NOT NULL
);
COMMENT ON TABLE password_reset IS 'Who may choose a new password without the old one. Using one deletes it.';
COMMENT ON COLUMN password_reset.user_id IS 'Whose password; a newer one replaces it.';
COMMENT ON COLUMN password_reset.tenant_id IS 'The user''s.';
COMMENT ON COLUMN password_reset.hash IS 'SHA-256 of its token, which has 256 random bits and is kept nowhere.';
COMMENT ON COLUMN password_reset.allowed_by IS 'Who made it, as in audit_log.';
COMMENT ON COLUMN password_reset.expires_at IS 'Worth nothing from then on.';

CREATE TABLE login_session (
    id         uuid PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES account_user (id) ON DELETE CASCADE,
    tenant_id  int NOT NULL REFERENCES tenant (id),
    password_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX login_session_user ON login_session (user_id);
CREATE INDEX login_session_expires ON login_session (expires_at);
COMMENT ON TABLE login_session IS 'Somebody has signed in. Access tokens name one, and are good as long as it is there.';
COMMENT ON COLUMN login_session.id IS 'UUIDv7.';
COMMENT ON COLUMN login_session.user_id IS 'Who.';
COMMENT ON COLUMN login_session.tenant_id IS 'The user''s.';
COMMENT ON COLUMN login_session.password_at IS 'That of the password it was opened with; a session of another is worth nothing.';
COMMENT ON COLUMN login_session.created_at IS 'When they signed in.';
COMMENT ON COLUMN login_session.expires_at IS 'Over from then on; each refresh moves it.';

CREATE TABLE refresh_token (
    hash       bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    session_id uuid NOT NULL REFERENCES login_session (id) ON DELETE CASCADE,
    used_at    timestamptz
);
CREATE INDEX refresh_token_session ON refresh_token (session_id, used_at);
COMMENT ON TABLE refresh_token IS 'All refresh tokens of sessions that are not over. Showing a used one ends its session: two have it.';
COMMENT ON COLUMN refresh_token.hash IS 'SHA-256 of the token, which has 256 random bits and is kept nowhere.';
COMMENT ON COLUMN refresh_token.session_id IS 'Of which session.';
COMMENT ON COLUMN refresh_token.used_at IS 'When it was exchanged for the next one; null while it is good.';

COMMENT ON COLUMN audit_log.actor IS 'Who did it: key:ID, account:ID for a local user, user:SUBJECT for one of a provider, local for a platform without keys, or command.';
