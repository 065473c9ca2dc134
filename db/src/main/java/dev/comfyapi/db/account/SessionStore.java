package dev.comfyapi.db.account;

import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

import java.time.Duration;
import java.util.Optional;
import java.util.UUID;

/// Who has signed in, and the refresh tokens by which they stay so. Thread-safe; every call is one
/// statement and takes part in the caller's transaction.
public final class SessionStore {

    private final JdbcClient jdbc;

    public SessionStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /// Begins a session with its first refresh token.
    ///
    /// @param hash of that token
    public void open(int tenant, UUID id, UUID user, byte[] hash, Duration life) {
        jdbc.sql(
                        """
                        WITH s AS (
                            INSERT INTO login_session (id, user_id, tenant_id, expires_at)
                            VALUES (:id, :user, :tenant, now() + :life * interval '1 ms')
                            RETURNING id
                        )
                        INSERT INTO refresh_token (hash, session_id) SELECT :hash, id FROM s
                        """)
                .param("id", id)
                .param("user", user)
                .param("tenant", tenant)
                .param("life", life.toMillis())
                .param("hash", hash)
                .update();
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
                        FROM login_session s
                        JOIN account_user u ON u.id = s.user_id
                        JOIN tenant n ON n.id = s.tenant_id AND NOT n.deleting
                        WHERE s.id = :id AND s.expires_at > now()
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

    /// Exchanges a refresh token for the next one and prolongs its session; answers which session.
    /// Of several who show it at once one succeeds: the others wait for its row and find it used.
    /// Empty when it is not good. Forgets those of the session that were used so long ago.
    public Optional<UUID> refresh(byte[] hash, byte[] next, Duration life) {
        return jdbc.sql(
                        """
                        WITH t AS (
                            UPDATE refresh_token SET used_at = now() WHERE hash = :hash AND used_at IS NULL
                            RETURNING session_id
                        ),
                        s AS (
                            UPDATE login_session s SET expires_at = now() + :life * interval '1 ms'
                            FROM t WHERE s.id = t.session_id AND s.expires_at > now()
                            RETURNING s.id
                        ),
                        d AS (
                            DELETE FROM refresh_token r USING s
                            WHERE r.session_id = s.id AND r.used_at < now() - :life * interval '1 ms'
                        )
                        INSERT INTO refresh_token (hash, session_id) SELECT :next, id FROM s RETURNING session_id
                        """)
                .param("hash", hash)
                .param("next", next)
                .param("life", life.toMillis())
                .query(UUID.class)
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
