package dev.comfyapi.db.webhook;

import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.transaction.support.TransactionOperations;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.UUID;

/// The keys of signatures. Thread-safe.
public final class WebhookSecretStore {

    /// Signatures of one message: the current key's and those of at most two before it, so that
    /// somebody who rotates every minute does not get a header of any length.
    private static final int MOST_OLD = 2;

    private static final int MOST_LISTED = 1_000;

    private final JdbcClient jdbc;
    private final TransactionOperations transactions;

    public WebhookSecretStore(JdbcClient jdbc, TransactionOperations transactions) {
        this.jdbc = jdbc;
        this.transactions = transactions;
    }

    /// @param kind 1 HMAC-SHA256, 2 Ed25519
    public record StoredSecret(
            UUID id, int kind, String sealed, @Nullable String publicKey, Instant createdAt) {}

    /// The keys that sign now, newest first.
    ///
    /// @param endpoint null for the tenant's own, which sign for addresses that come with jobs
    public List<StoredSecret> live(int tenant, @Nullable UUID endpoint) {
        return jdbc.sql(
                        """
                        SELECT id, kind, secret, public_key, created_at FROM webhook_secret
                        WHERE tenant_id = :tenant AND endpoint_id IS NOT DISTINCT FROM :endpoint::uuid
                          AND (expires_at IS NULL OR expires_at > now())
                        ORDER BY expires_at IS NULL DESC, id DESC
                        """)
                .param("tenant", tenant)
                .param("endpoint", endpoint == null ? null : endpoint.toString())
                .query(WebhookSecretStore::row)
                .list();
    }

    /// Makes this the tenant's default unless there is one.
    public void createDefault(int tenant, NewSecret secret) {
        insert(tenant, null, secret);
    }

    /// Makes this the current key; the one before signs beside it for so long.
    public void rotate(int tenant, @Nullable UUID endpoint, NewSecret next, Duration overlap) {
        transactions.executeWithoutResult(_ -> {
            // Two rotations at once: the second must see the key of the first.
            jdbc.sql("SELECT count(pg_advisory_xact_lock(hashtext('webhook rotation'), :tenant))")
                    .param("tenant", tenant)
                    .query(Integer.class)
                    .single();
            jdbc.sql(
                            """
                            WITH s AS (
                                SELECT id, row_number() OVER (ORDER BY expires_at IS NULL DESC, id DESC) AS age
                                FROM webhook_secret
                                WHERE tenant_id = :tenant AND endpoint_id IS NOT DISTINCT FROM :endpoint::uuid)
                            UPDATE webhook_secret SET expires_at = CASE
                                WHEN s.age > :most THEN now()
                                ELSE least(expires_at, now() + :overlap * interval '1 ms') END
                            FROM s WHERE webhook_secret.id = s.id
                            """)
                    .param("tenant", tenant)
                    .param("endpoint", endpoint == null ? null : endpoint.toString())
                    .param("most", MOST_OLD)
                    .param("overlap", overlap.toMillis())
                    .update();
            int inserted = insert(tenant, endpoint, next);
            if (inserted == 0) {
                throw new IllegalStateException("the default secret was made at this moment");
            }
        });
    }

    private int insert(int tenant, @Nullable UUID endpoint, NewSecret secret) {
        return jdbc.sql(
                        """
                        INSERT INTO webhook_secret (id, tenant_id, endpoint_id, kind, secret, public_key)
                        VALUES (:id, :tenant, :endpoint::uuid, :kind, :secret, :public)
                        ON CONFLICT DO NOTHING
                        """)
                .param("id", secret.id())
                .param("tenant", tenant)
                .param("endpoint", endpoint == null ? null : endpoint.toString())
                .param("kind", secret.kind())
                .param("secret", secret.sealed())
                .param("public", secret.publicKey())
                .update();
    }

    /// A key that anybody may have.
    public record PublicKey(String key, Instant createdAt, @Nullable Instant expiresAt) {}

    /// The Ed25519 keys that sign now, newest first; at most a thousand.
    public List<PublicKey> publicKeys() {
        return jdbc.sql(
                        """
                        SELECT public_key, created_at, expires_at FROM webhook_secret
                        WHERE kind = 2 AND (expires_at IS NULL OR expires_at > now())
                        ORDER BY id DESC LIMIT :most
                        """)
                .param("most", MOST_LISTED)
                .query((rs, _) ->
                        new PublicKey(
                                rs.getString("public_key"),
                                Objects.requireNonNull(WebhookEndpointStore.time(rs, "created_at")),
                                WebhookEndpointStore.time(rs, "expires_at")))
                .list();
    }

    /// Forgets keys that sign no more.
    public int forgetExpired() {
        return jdbc.sql("DELETE FROM webhook_secret WHERE expires_at <= now()").update();
    }

    private static StoredSecret row(ResultSet rs, int number) throws SQLException {
        return new StoredSecret(
                rs.getObject("id", UUID.class),
                rs.getInt("kind"),
                rs.getString("secret"),
                rs.getString("public_key"),
                Objects.requireNonNull(WebhookEndpointStore.time(rs, "created_at")));
    }
}
