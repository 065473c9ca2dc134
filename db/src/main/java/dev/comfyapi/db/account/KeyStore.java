package dev.comfyapi.db.account;

import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;

/// The keys. Thread-safe; every call is one statement and takes part in the caller's transaction.
public final class KeyStore {

    private static final String COLUMNS =
            """
            k.id, k.tenant_id, k.lookup, k.last_four, k.name, k.role, k.scopes, k.ip_allowlist, k.created_at,
            k.created_by, k.expires_at, k.revoked_at, k.rotated_to, k.last_used_at, k.last_used_ip
            """;

    private final JdbcClient jdbc;

    public KeyStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /// What is needed to judge a key that somebody shows.
    ///
    /// @param hash HMAC of the whole key
    /// @param suspended whether its tenant may start nothing
    /// @param tenantGone whether its tenant is being deleted
    /// @param submitsMinute requests a minute that its tenant may make; null for no limit
    /// @param pollsMinute the same of those that only read
    /// @param uploadsMinute the same of those that bring files
    @SuppressWarnings("ArrayRecordComponent")
    public record Judged(
            KeyRow key,
            byte[] hash,
            boolean suspended,
            boolean tenantGone,
            @Nullable Integer submitsMinute,
            @Nullable Integer pollsMinute,
            @Nullable Integer uploadsMinute) {}

    /// Whatever tenant it belongs to: a key is what says who somebody is.
    public Optional<Judged> judge(String lookup) {
        return jdbc.sql(
                        """
                        SELECT %s, k.hash, t.suspended, t.deleting, t.submits_minute, t.polls_minute, t.uploads_minute
                        FROM api_key k JOIN tenant t ON t.id = k.tenant_id WHERE k.lookup = :lookup
                        """
                                .formatted(COLUMNS))
                .param("lookup", lookup)
                .query((rs, number) ->
                        new Judged(
                                row(rs, number),
                                rs.getBytes("hash"),
                                rs.getBoolean("suspended"),
                                rs.getBoolean("deleting"),
                                rs.getObject("submits_minute", Integer.class),
                                rs.getObject("polls_minute", Integer.class),
                                rs.getObject("uploads_minute", Integer.class)))
                .optional();
    }

    public void add(int tenant, NewKey key) {
        jdbc.sql(
                        """
                        INSERT INTO api_key (id, tenant_id, lookup, hash, last_four, name, role, scopes, ip_allowlist,
                                             created_by, expires_at)
                        VALUES (:id, :tenant, :lookup, :hash, :last_four, :name, :role, :scopes::text[],
                                :networks::text[], :created_by, :expires_at::timestamptz)
                        """)
                .param("id", key.id())
                .param("tenant", tenant)
                .param("lookup", key.lookup())
                .param("hash", key.hash())
                .param("last_four", key.lastFour())
                .param("name", key.name())
                .param("role", key.role())
                .param("scopes", key.scopes().toArray(String[]::new))
                .param("networks", key.ipAllowlist().toArray(String[]::new))
                .param("created_by", key.createdBy())
                .param("expires_at", text(key.expiresAt()))
                .update();
    }

    /// Empty when there is no such key, or it is another tenant's.
    public Optional<KeyRow> find(int tenant, UUID id) {
        return jdbc.sql(
                        "SELECT %s FROM api_key k WHERE k.id = :id AND k.tenant_id = :tenant"
                                .formatted(COLUMNS))
                .param("id", id)
                .param("tenant", tenant)
                .query(KeyStore::row)
                .optional();
    }

    /// The same; nobody else changes it until the transaction ends.
    public Optional<KeyRow> lock(int tenant, UUID id) {
        return jdbc.sql(
                        "SELECT %s FROM api_key k WHERE k.id = :id AND k.tenant_id = :tenant FOR UPDATE"
                                .formatted(COLUMNS))
                .param("id", id)
                .param("tenant", tenant)
                .query(KeyStore::row)
                .optional();
    }

    /// Those of these keys that there are, of any tenant: whose streams are open.
    public List<KeyRow> findAll(Collection<UUID> ids) {
        return jdbc.sql(
                        "SELECT %s FROM api_key k WHERE k.id = ANY (:ids::uuid[])"
                                .formatted(COLUMNS))
                .param("ids", ids.stream().map(UUID::toString).toArray(String[]::new))
                .query(KeyStore::row)
                .list();
    }

    /// Newest first.
    ///
    /// @param before only keys older than this one; null from the newest on
    public List<KeyRow> list(int tenant, @Nullable UUID before, int limit) {
        return jdbc.sql(
                        """
                        SELECT %s FROM api_key k
                        WHERE k.tenant_id = :tenant AND (:before::uuid IS NULL OR k.id < :before::uuid)
                        ORDER BY k.id DESC LIMIT :limit
                        """
                                .formatted(COLUMNS))
                .param("tenant", tenant)
                .param("before", text(before))
                .param("limit", limit)
                .query(KeyStore::row)
                .list();
    }

    /// How many keys of the tenant are neither revoked nor expired.
    public int countLive(int tenant) {
        return jdbc.sql(
                        """
                        SELECT count(*) FROM api_key
                        WHERE tenant_id = :tenant AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
                        """)
                .param("tenant", tenant)
                .query(Integer.class)
                .single();
    }

    /// Sets what may be changed of a key that is not revoked; nothing happens to a revoked one.
    public void change(int tenant, KeyRow to) {
        jdbc.sql(
                        """
                        UPDATE api_key
                        SET name = :name, role = :role, scopes = :scopes::text[], ip_allowlist = :networks::text[],
                            expires_at = :expires_at::timestamptz, rotated_to = :rotated_to
                        WHERE id = :id AND tenant_id = :tenant AND revoked_at IS NULL
                        """)
                .param("id", to.id())
                .param("tenant", tenant)
                .param("name", to.name())
                .param("role", to.role())
                .param("scopes", to.scopes().toArray(String[]::new))
                .param("networks", to.ipAllowlist().toArray(String[]::new))
                .param("expires_at", text(to.expiresAt()))
                .param("rotated_to", to.rotatedTo())
                .update();
    }

    /// Ends a key for ever. A key that was revoked stays as it is.
    public void revoke(int tenant, UUID id) {
        jdbc.sql(
                        """
                        UPDATE api_key SET revoked_at = now()
                        WHERE id = :id AND tenant_id = :tenant AND revoked_at IS NULL
                        """)
                .param("id", id)
                .param("tenant", tenant)
                .update();
    }

    /// Ends all keys of a tenant; answers how many.
    public int revokeAll(int tenant) {
        return jdbc.sql(
                        "UPDATE api_key SET revoked_at = now() WHERE tenant_id = :tenant AND revoked_at IS NULL")
                .param("tenant", tenant)
                .update();
    }

    /// When and from where a key was used.
    public record Use(Instant at, String ip) {}

    /// Notes uses, of keys of any tenant; a later one that is noted already stays.
    public void noteUses(Map<UUID, Use> uses) {
        var ids = List.copyOf(uses.keySet());
        jdbc.sql(
                        """
                        UPDATE api_key SET last_used_at = u.at, last_used_ip = u.ip
                        FROM unnest(:ids::uuid[], :times::timestamptz[], :ips::text[]) AS u(id, at, ip)
                        WHERE api_key.id = u.id AND (last_used_at IS NULL OR last_used_at < u.at)
                        """)
                .param("ids", ids.stream().map(UUID::toString).toArray(String[]::new))
                .param("times", texts(ids, uses, use -> use.at().toString()))
                .param("ips", texts(ids, uses, Use::ip))
                .update();
    }

    private static String[] texts(
            Collection<UUID> ids,
            Map<UUID, Use> uses,
            java.util.function.Function<Use, String> member) {
        return ids.stream()
                .map(id -> member.apply(Objects.requireNonNull(uses.get(id))))
                .toArray(String[]::new);
    }

    /// Removes revoked and expired keys that nobody asks about any more, of all tenants.
    public int forget(Duration age, int most) {
        return jdbc.sql(
                        """
                        DELETE FROM api_key WHERE id IN (
                            SELECT id FROM api_key
                            WHERE least(revoked_at, expires_at) < now() - :age * interval '1 ms' LIMIT :most)
                        """)
                .param("age", age.toMillis())
                .param("most", most)
                .update();
    }

    /// Times and ids go as text: a null of theirs has no type for the driver.
    private static @Nullable String text(@Nullable Object value) {
        return value == null ? null : value.toString();
    }

    private static KeyRow row(ResultSet rs, int number) throws SQLException {
        return new KeyRow(
                rs.getObject("id", UUID.class),
                rs.getInt("tenant_id"),
                rs.getString("lookup"),
                rs.getString("last_four"),
                rs.getString("name"),
                rs.getString("role"),
                strings(rs.getArray("scopes")),
                strings(rs.getArray("ip_allowlist")),
                Objects.requireNonNull(time(rs, "created_at")),
                rs.getObject("created_by", UUID.class),
                time(rs, "expires_at"),
                time(rs, "revoked_at"),
                rs.getObject("rotated_to", UUID.class),
                time(rs, "last_used_at"),
                rs.getString("last_used_ip"));
    }

    private static @Nullable Instant time(ResultSet rs, String column) throws SQLException {
        @Nullable OffsetDateTime time = rs.getObject(column, OffsetDateTime.class);
        return time == null ? null : time.toInstant();
    }

    private static List<String> strings(Array array) throws SQLException {
        return Arrays.asList((String[]) array.getArray());
    }
}
