package dev.comfyapi.db.account;

import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/// Who has signed in, and the refresh tokens by which they stay so. Thread-safe; every call is one
/// statement and takes part in the caller's transaction.
public final class SessionStore {

    private final JdbcClient jdbc;

    public SessionStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /// Begins a session with its first refresh token; whether the user is still there.
    ///
    /// @param passwordAt of the password that was shown: when it was changed meanwhile, the session
    ///   is worth nothing
    /// @param hash of that token
    public boolean open(
            int tenant, UUID id, UUID user, Instant passwordAt, byte[] hash, Duration life) {
        return jdbc.sql(
                                """
                                WITH s AS (
                                    INSERT INTO login_session (id, user_id, tenant_id, password_at, expires_at)
                                    SELECT :id, u.id, u.tenant_id, :passwordAt::timestamptz, now() + :life * interval '1 ms'
                                    FROM account_user u WHERE u.id = :user AND u.tenant_id = :tenant FOR KEY SHARE
                                    RETURNING id
                                )
                                INSERT INTO refresh_token (hash, session_id) SELECT :hash, id FROM s
                                """)
                        .param("id", id)
                        .param("user", user)
                        .param("tenant", tenant)
                        .param("passwordAt", passwordAt.toString())
                        .param("life", life.toMillis())
                        .param("hash", hash)
                        .update()
                == 1;
    }

    /// Whom a token of a session speaks for.
    ///
    /// @param role a word of the API
    /// @param suspended whether the tenant may start nothing
    /// @param submitsMinute requests a minute that the tenant may make; null for no limit
    /// @param pollsMinute the same of those that only read
    /// @param uploadsMinute the same of those that bring files
    public record Open(
            UUID session,
            UUID user,
            int tenant,
            String role,
            boolean suspended,
            @Nullable Integer submitsMinute,
            @Nullable Integer pollsMinute,
            @Nullable Integer uploadsMinute) {}

    /// Empty when the session is over, its user is gone, or their tenant is being deleted.
    public Optional<Open> find(UUID id) {
        return jdbc.sql(
                        """
                        SELECT s.id, s.user_id, s.tenant_id, u.role, n.suspended, n.submits_minute, n.polls_minute,
                               n.uploads_minute
                        FROM open_session s
                        JOIN account_user u ON u.id = s.user_id
                        JOIN tenant n ON n.id = s.tenant_id
                        WHERE s.id = :id
                        """)
                .param("id", id)
                .query((rs, _) ->
                        new Open(
                                rs.getObject("id", UUID.class),
                                rs.getObject("user_id", UUID.class),
                                rs.getInt("tenant_id"),
                                rs.getString("role"),
                                rs.getBoolean("suspended"),
                                rs.getObject("submits_minute", Integer.class),
                                rs.getObject("polls_minute", Integer.class),
                                rs.getObject("uploads_minute", Integer.class)))
                .optional();
    }

    /// Which of these are not over, of whatever tenants.
    public List<UUID> openAmong(Collection<UUID> ids) {
        return jdbc.sql("SELECT id FROM open_session WHERE id = ANY (:ids::uuid[])")
                .param("ids", ids.stream().map(UUID::toString).toArray(String[]::new))
                .query((rs, _) -> rs.getObject("id", UUID.class))
                .list();
    }

    /// A session that goes on.
    public record Prolonged(UUID session, UUID user) {}

    /// Exchanges a refresh token for the next one and prolongs its session. Of several who show it
    /// at once one succeeds: the others wait for the session and find the token used. Empty when it
    /// is not good; it is then as it was. Forgets those of the session that were used so long ago.
    ///
    /// The session is locked before its tokens, as by whatever deletes it: in the other order the
    /// two could wait for each other.
    public Optional<Prolonged> refresh(byte[] hash, byte[] next, Duration life) {
        return jdbc.sql(
                        """
                        WITH o AS (
                            SELECT s.id, s.user_id FROM login_session s
                            WHERE s.id = (SELECT r.session_id FROM refresh_token r
                                          JOIN open_session p ON p.id = r.session_id
                                          WHERE r.hash = :hash AND r.used_at IS NULL)
                            FOR UPDATE
                        ),
                        t AS (
                            UPDATE refresh_token r SET used_at = now()
                            FROM o
                            WHERE r.hash = :hash AND r.used_at IS NULL AND r.session_id = o.id
                            RETURNING o.id, o.user_id
                        ),
                        s AS (
                            UPDATE login_session s SET expires_at = now() + :life * interval '1 ms'
                            FROM t WHERE s.id = t.id
                            RETURNING s.id
                        ),
                        d AS (
                            DELETE FROM refresh_token r USING s
                            WHERE r.session_id = s.id AND r.used_at < now() - :life * interval '1 ms'
                        ),
                        f AS (INSERT INTO refresh_token (hash, session_id) SELECT :next, id FROM s RETURNING session_id)
                        SELECT t.id, t.user_id FROM t JOIN f ON f.session_id = t.id
                        """)
                .param("hash", hash)
                .param("next", next)
                .param("life", life.toMillis())
                .query((rs, _) ->
                        new Prolonged(
                                rs.getObject("id", UUID.class),
                                rs.getObject("user_id", UUID.class)))
                .optional();
    }

    /// A session that was ended.
    public record Ended(UUID session, UUID user, int tenant) {}

    /// Ends the session of a refresh token that was exchanged before: whoever shows it is not the
    /// one who has the next. Empty when it never was one.
    public Optional<Ended> endReused(byte[] hash) {
        return end(hash, "used_at IS NOT NULL");
    }

    /// Ends the session of any refresh token of it.
    public Optional<Ended> end(byte[] hash) {
        return end(hash, "true");
    }

    private Optional<Ended> end(byte[] hash, String which) {
        return jdbc.sql(
                        """
                        DELETE FROM login_session
                        WHERE id = (SELECT session_id FROM refresh_token WHERE hash = :hash AND %s)
                        RETURNING id, user_id, tenant_id
                        """
                                .formatted(which))
                .param("hash", hash)
                .query((rs, _) ->
                        new Ended(
                                rs.getObject("id", UUID.class),
                                rs.getObject("user_id", UUID.class),
                                rs.getInt("tenant_id")))
                .optional();
    }

    /// Removes sessions that are over, of all tenants.
    public int forgetExpired() {
        return jdbc.sql("DELETE FROM login_session WHERE expires_at < now()").update();
    }
}
