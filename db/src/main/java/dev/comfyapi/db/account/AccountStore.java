package dev.comfyapi.db.account;

import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;

/// The tenants, for operators. Thread-safe; every call is one statement and takes part in the
/// caller's transaction.
public final class AccountStore {

    private static final String COLUMNS =
            """
            id, uid, name, tier, overrides, weight, max_running, max_queued, best_band, gpu_ms_day, gpu_ms_month,
            jobs_day, storage_bytes, submits_minute, polls_minute, uploads_minute, suspended, deleting, created_at,
            deleted_at, receipt
            """;

    private final JdbcClient jdbc;

    public AccountStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /// Makes a tenant; answers its number.
    ///
    /// @param overrides JSON
    /// @throws org.springframework.dao.DuplicateKeyException when the name is taken
    public int add(UUID uid, String name, String tier, Limits limits, String overrides) {
        return set(
                        jdbc.sql(
                                """
                                INSERT INTO tenant (id, uid, name, tier, overrides, weight, max_running, max_queued,
                                                    best_band, gpu_ms_day, gpu_ms_month, jobs_day, storage_bytes,
                                                    submits_minute, polls_minute, uploads_minute)
                                VALUES (nextval('tenant_id_seq'), :uid, :name, :tier, :overrides::jsonb, :weight,
                                        :max_running, :max_queued, :best_band, :gpu_ms_day::bigint,
                                        :gpu_ms_month::bigint, :jobs_day::int, :storage_bytes::bigint,
                                        :submits_minute::int, :polls_minute::int, :uploads_minute::int)
                                RETURNING id
                                """),
                        limits)
                .param("uid", uid)
                .param("name", name)
                .param("tier", tier)
                .param("overrides", overrides)
                .query(Integer.class)
                .single();
    }

    public Optional<Tenant> find(UUID uid) {
        return jdbc.sql("SELECT %s FROM tenant WHERE uid = :uid".formatted(COLUMNS))
                .param("uid", uid)
                .query(AccountStore::row)
                .optional();
    }

    public Optional<Tenant> find(int tenant) {
        return jdbc.sql("SELECT %s FROM tenant WHERE id = :tenant".formatted(COLUMNS))
                .param("tenant", tenant)
                .query(AccountStore::row)
                .optional();
    }

    /// The same; nobody else changes it until the transaction ends.
    public Optional<Tenant> lock(UUID uid) {
        return jdbc.sql(
                        "SELECT %s FROM tenant WHERE uid = :uid FOR NO KEY UPDATE"
                                .formatted(COLUMNS))
                .param("uid", uid)
                .query(AccountStore::row)
                .optional();
    }

    public Optional<Tenant> findByName(String name) {
        return jdbc.sql("SELECT %s FROM tenant WHERE name = :name".formatted(COLUMNS))
                .param("name", name)
                .query(AccountStore::row)
                .optional();
    }

    /// Newest first.
    ///
    /// @param before only tenants younger in number than this; null from the newest on
    public List<Tenant> list(@Nullable Integer before, int limit) {
        return jdbc.sql(
                        """
                        SELECT %s FROM tenant WHERE :before::int IS NULL OR id < :before::int
                        ORDER BY id DESC LIMIT :limit
                        """
                                .formatted(COLUMNS))
                .param("before", before)
                .param("limit", limit)
                .query(AccountStore::row)
                .list();
    }

    /// Sets name, tier and limits of a tenant that is not being deleted, and whether it is
    /// suspended.
    ///
    /// @throws org.springframework.dao.DuplicateKeyException when the name is taken
    public void change(Tenant to) {
        set(
                        jdbc.sql(
                                """
                                UPDATE tenant
                                SET name = :name, tier = :tier, overrides = :overrides::jsonb, suspended = :suspended,
                                    weight = :weight, max_running = :max_running, max_queued = :max_queued,
                                    best_band = :best_band, gpu_ms_day = :gpu_ms_day::bigint,
                                    gpu_ms_month = :gpu_ms_month::bigint, jobs_day = :jobs_day::int,
                                    storage_bytes = :storage_bytes::bigint, submits_minute = :submits_minute::int,
                                    polls_minute = :polls_minute::int, uploads_minute = :uploads_minute::int
                                WHERE id = :tenant AND NOT deleting
                                """),
                        to.limits())
                .param("tenant", to.id())
                .param("name", to.name())
                .param("tier", to.tier())
                .param("overrides", to.overrides())
                .param("suspended", to.suspended())
                .update();
    }

    /// Nothing of it is started any more and nobody can log in: [RemovalStore] ends what begins
    /// here.
    public void doom(int tenant) {
        jdbc.sql("UPDATE tenant SET suspended = true, deleting_since = now() WHERE id = :tenant")
                .param("tenant", tenant)
                .update();
    }

    /// Tenants that are being deleted and are not gone yet. Those of the last seconds are left
    /// alone: an instance may still believe in one of their keys.
    public List<Integer> doomed() {
        return jdbc.sql(
                        """
                        SELECT id FROM tenant
                        WHERE deleting_since < now() - interval '10 seconds' AND deleted_at IS NULL ORDER BY id
                        """)
                .query((rs, _) -> rs.getInt("id"))
                .list();
    }

    /// Those of these tenants that are being deleted, or are gone.
    public List<Integer> goneAmong(Collection<Integer> tenants) {
        return jdbc.sql("SELECT id FROM tenant WHERE id = ANY (:ids) AND deleting")
                .param("ids", tenants.toArray(Integer[]::new))
                .query((rs, _) -> rs.getInt("id"))
                .list();
    }

    private static JdbcClient.StatementSpec set(JdbcClient.StatementSpec statement, Limits limits) {
        return statement
                .param("weight", limits.weight())
                .param("max_running", limits.maxRunning())
                .param("max_queued", limits.maxQueued())
                .param("best_band", limits.bestBand())
                .param("gpu_ms_day", limits.gpuMsDay())
                .param("gpu_ms_month", limits.gpuMsMonth())
                .param("jobs_day", limits.jobsDay())
                .param("storage_bytes", limits.storageBytes())
                .param("submits_minute", limits.submitsMinute())
                .param("polls_minute", limits.pollsMinute())
                .param("uploads_minute", limits.uploadsMinute());
    }

    private static Tenant row(ResultSet rs, int number) throws SQLException {
        return new Tenant(
                rs.getInt("id"),
                rs.getObject("uid", UUID.class),
                rs.getString("name"),
                rs.getString("tier"),
                new Limits(
                        rs.getDouble("weight"),
                        rs.getInt("max_running"),
                        rs.getInt("max_queued"),
                        rs.getInt("best_band"),
                        rs.getObject("gpu_ms_day", Long.class),
                        rs.getObject("gpu_ms_month", Long.class),
                        rs.getObject("jobs_day", Integer.class),
                        rs.getObject("storage_bytes", Long.class),
                        rs.getObject("submits_minute", Integer.class),
                        rs.getObject("polls_minute", Integer.class),
                        rs.getObject("uploads_minute", Integer.class)),
                rs.getString("overrides"),
                rs.getBoolean("suspended"),
                rs.getBoolean("deleting"),
                Objects.requireNonNull(time(rs, "created_at")),
                time(rs, "deleted_at"),
                rs.getString("receipt"));
    }

    private static @Nullable Instant time(ResultSet rs, String column) throws SQLException {
        @Nullable OffsetDateTime time = rs.getObject(column, OffsetDateTime.class);
        return time == null ? null : time.toInstant();
    }
}
