package dev.comfyapi.db.job;

import org.springframework.jdbc.core.simple.JdbcClient;

import java.security.MessageDigest;
import java.util.UUID;

/// Which request a client's key stood for. Thread-safe; used inside the transaction that creates
/// the resource.
public final class IdempotencyStore {

    /// What a key is found to mean.
    public sealed interface Claim {
        /// The key is new: create the resource under this id, in the same transaction.
        record First() implements Claim {}

        /// The same request came before and made this resource.
        record Replay(UUID resource) implements Claim {}

        /// The key was used for another request.
        record Reused() implements Claim {}
    }

    private final JdbcClient jdbc;

    public IdempotencyStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /// Takes the key, or says what it stands for.
    ///
    /// While another transaction that took the same key is open, this waits for its end: at most
    /// two seconds, then it fails with [org.springframework.dao.CannotAcquireLockException].
    ///
    /// @param route method and route template
    /// @param requestHash of the canonical body
    /// @param resource id of what is about to be created
    public Claim claim(int tenant, String route, String key, byte[] requestHash, UUID resource) {
        jdbc.sql("SET LOCAL lock_timeout = '2s'").update();
        int inserted =
                jdbc.sql(
                                """
                                INSERT INTO idempotency (tenant_id, route, key, resource_id, request_hash)
                                VALUES (:tenant, :route, :key, :resource, :hash)
                                ON CONFLICT (tenant_id, route, key) DO UPDATE
                                SET resource_id = excluded.resource_id, request_hash = excluded.request_hash,
                                    created_at = excluded.created_at
                                WHERE idempotency.created_at < now() - interval '24 hours'
                                """)
                        .param("tenant", tenant)
                        .param("route", route)
                        .param("key", key)
                        .param("resource", resource)
                        .param("hash", requestHash)
                        .update();
        if (inserted == 1) {
            return new Claim.First();
        }
        return jdbc.sql(
                        """
                        SELECT resource_id, request_hash FROM idempotency
                        WHERE tenant_id = :tenant AND route = :route AND key = :key
                        """)
                .param("tenant", tenant)
                .param("route", route)
                .param("key", key)
                .query((rs, _) ->
                        MessageDigest.isEqual(rs.getBytes("request_hash"), requestHash)
                                ? new Claim.Replay(rs.getObject("resource_id", UUID.class))
                                : new Claim.Reused())
                .single();
    }

    /// Forgets keys older than a day, so many at a time.
    ///
    /// @return how many were forgotten
    public int forgetOld(int limit) {
        return jdbc.sql(
                        """
                        DELETE FROM idempotency WHERE (tenant_id, route, key) IN (
                            SELECT tenant_id, route, key FROM idempotency
                            WHERE created_at < now() - interval '24 hours' ORDER BY created_at LIMIT :limit)
                        """)
                .param("limit", limit)
                .update();
    }
}
