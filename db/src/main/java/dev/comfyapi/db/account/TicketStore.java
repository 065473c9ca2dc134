package dev.comfyapi.db.account;

import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Optional;
import java.util.UUID;

/// Tickets for WebSockets that were not used yet. Thread-safe; every call is one statement.
public final class TicketStore {

    private final JdbcClient jdbc;

    public TicketStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /// Who a ticket lets in.
    ///
    /// @param suspended whether the tenant may start nothing
    /// @param key the key it was fetched with; null without one
    /// @param session of the local user who fetched it; null for all others
    /// @param actor who fetched it, as the audit log calls them
    /// @param job the only job it is good for; null for any of the tenant's
    /// @param until when the token it was fetched with expires; null without one
    /// @param pollsMinute requests a minute that the tenant may make to read; null for no limit
    public record Bearer(
            int tenant,
            boolean suspended,
            @Nullable UUID key,
            @Nullable UUID session,
            String actor,
            @Nullable UUID job,
            @Nullable Instant until,
            @Nullable Integer pollsMinute) {}

    /// Keeps a new ticket by its hash; answers when it expires, by the database's clock.
    ///
    /// @param hash SHA-256 of the ticket
    /// @param key null without one
    /// @param session null for all but local users
    /// @param job null for any
    /// @param until null for never
    public Instant add(
            int tenant,
            byte[] hash,
            @Nullable UUID key,
            @Nullable UUID session,
            String actor,
            @Nullable UUID job,
            @Nullable Instant until,
            Duration life) {
        return jdbc.sql(
                        """
                        INSERT INTO ws_ticket (hash, tenant_id, key_id, session_id, actor, job_id, until, expires_at)
                        VALUES (:hash, :tenant, :key::uuid, :session::uuid, :actor, :job::uuid,
                                :until::timestamptz, now() + :life * interval '1 ms')
                        RETURNING expires_at
                        """)
                .param("hash", hash)
                .param("tenant", tenant)
                .param("key", text(key))
                .param("session", text(session))
                .param("actor", actor)
                .param("job", text(job))
                .param("until", text(until))
                .param("life", life.toMillis())
                .query(OffsetDateTime.class)
                .single()
                .toInstant();
    }

    /// Uses a ticket up. Of several who show it at once, on whatever instances, one gets in: the
    /// others find no row to delete. Empty when it was used, has expired, never was, or may not be
    /// used any more because its key, its session, its token or its tenant has ended.
    public Optional<Bearer> redeem(byte[] hash) {
        return jdbc.sql(
                        """
                        WITH t AS (DELETE FROM ws_ticket WHERE hash = :hash RETURNING *)
                        SELECT t.tenant_id, n.suspended, t.key_id, t.session_id, t.actor, t.job_id, t.until,
                               n.polls_minute
                        FROM t
                        JOIN tenant n ON n.id = t.tenant_id
                        LEFT JOIN api_key k ON k.id = t.key_id AND k.tenant_id = t.tenant_id
                        WHERE t.expires_at > now() AND NOT n.deleting AND (t.until IS NULL OR t.until > now())
                          AND (t.key_id IS NULL
                               OR k.id IS NOT NULL AND k.revoked_at IS NULL
                                  AND (k.expires_at IS NULL OR k.expires_at > now()))
                          AND (t.session_id IS NULL
                               OR EXISTS (SELECT FROM open_session s
                                          WHERE s.id = t.session_id AND s.tenant_id = t.tenant_id))
                        """)
                .param("hash", hash)
                .query((rs, _) ->
                        new Bearer(
                                rs.getInt("tenant_id"),
                                rs.getBoolean("suspended"),
                                rs.getObject("key_id", UUID.class),
                                rs.getObject("session_id", UUID.class),
                                rs.getString("actor"),
                                rs.getObject("job_id", UUID.class),
                                instant(rs.getObject("until", OffsetDateTime.class)),
                                rs.getObject("polls_minute", Integer.class)))
                .optional();
    }

    /// Removes expired tickets that nobody used, of all tenants.
    public int forgetExpired() {
        return jdbc.sql("DELETE FROM ws_ticket WHERE expires_at < now()").update();
    }

    private static @Nullable Instant instant(@Nullable OffsetDateTime time) {
        return time == null ? null : time.toInstant();
    }

    /// Times and ids go as text: a null of theirs has no type for the driver.
    private static @Nullable String text(@Nullable Object value) {
        return value == null ? null : value.toString();
    }
}
