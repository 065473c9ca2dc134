package dev.comfyapi.db.audit;

import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;

/// The record of changes. Thread-safe; [#append] belongs into the transaction of the change.
public final class AuditStore {

    private final JdbcClient jdbc;

    public AuditStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /// One change.
    ///
    /// @param actor who did it
    /// @param action what was done, such as `api_key.created`
    /// @param target the kind of thing
    /// @param beforeHash SHA-256 of what it was, in hex; null when it is new
    /// @param afterHash SHA-256 of what it became, in hex; null when it is gone
    /// @param change what it became, JSON without secrets
    public record Entry(
            String actor,
            String action,
            String target,
            String targetId,
            @Nullable String beforeHash,
            @Nullable String afterHash,
            @Nullable String change,
            @Nullable String ip,
            @Nullable String requestId) {}

    /// An entry as it was written.
    ///
    /// @param number in the order of writing
    public record Written(long number, Instant at, int tenant, Entry entry) {}

    /// @param tenant whose thing was changed
    public void append(int tenant, Entry entry) {
        jdbc.sql(
                        """
                        INSERT INTO audit_log (tenant_id, actor, action, target, target_id, before_hash, after_hash,
                                               change, ip, request_id)
                        VALUES (:tenant, :actor, :action, :target, :target_id, :before, :after, :change::jsonb, :ip,
                                :request)
                        """)
                .param("tenant", tenant)
                .param("actor", entry.actor())
                .param("action", entry.action())
                .param("target", entry.target())
                .param("target_id", entry.targetId())
                .param("before", entry.beforeHash())
                .param("after", entry.afterHash())
                .param("change", entry.change())
                .param("ip", entry.ip())
                .param("request", entry.requestId())
                .update();
    }

    /// Newest first.
    ///
    /// @param before only entries older than this number
    public List<Written> list(int tenant, long before, int limit) {
        return jdbc.sql(
                        """
                        SELECT * FROM audit_log WHERE tenant_id = :tenant AND id < :before ORDER BY id DESC LIMIT :limit
                        """)
                .param("tenant", tenant)
                .param("before", before)
                .param("limit", limit)
                .query(AuditStore::written)
                .list();
    }

    /// The same of all tenants, for operators.
    public List<Written> listAll(long before, int limit) {
        return jdbc.sql("SELECT * FROM audit_log WHERE id < :before ORDER BY id DESC LIMIT :limit")
                .param("before", before)
                .param("limit", limit)
                .query(AuditStore::written)
                .list();
    }

    private static Written written(ResultSet rs, int number) throws SQLException {
        return new Written(
                rs.getLong("id"),
                rs.getObject("at", OffsetDateTime.class).toInstant(),
                rs.getInt("tenant_id"),
                new Entry(
                        rs.getString("actor"),
                        rs.getString("action"),
                        rs.getString("target"),
                        rs.getString("target_id"),
                        rs.getString("before_hash"),
                        rs.getString("after_hash"),
                        rs.getString("change"),
                        rs.getString("ip"),
                        rs.getString("request_id")));
    }
}
