package dev.comfyapi.db.tenant;

import dev.comfyapi.model.job.Priority;

import org.springframework.jdbc.core.simple.JdbcClient;

import java.util.Optional;
import java.util.UUID;

/// What tenants may do, and how near they are to it. Thread-safe.
public final class TenantStore {

    /// Nobody is counted further: a limit above it is as good as none.
    private static final int MOST_COUNTED = 1_000_000;

    /// Steps through the front of the queue's primary key and an index of delayed, never further
    /// than the limit: what it costs does not grow with what waits beyond it.
    private static final String LIMITS =
            """
            SELECT max_queued, best_band,
                   (SELECT count(*) FROM (
                        SELECT FROM queue WHERE tenant_id = t.id LIMIT least(t.max_queued, :most)) q)
                 + (SELECT count(*) FROM (
                        SELECT FROM delayed WHERE tenant_id = t.id LIMIT least(t.max_queued, :most)) d) AS waiting
            FROM tenant t WHERE id = :tenant
            """;

    private final JdbcClient jdbc;

    public TenantStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /// @param maxQueued most waiting jobs
    /// @param waiting how many wait, scheduled ones and those between two attempts included;
    ///   counted no further than to see that they are too many
    /// @param best the highest priority it may ask for
    public record Limits(int maxQueued, int waiting, Priority best) {}

    public Limits limits(int tenant) {
        return jdbc.sql(LIMITS)
                .param("tenant", tenant)
                .param("most", MOST_COUNTED)
                .query((rs, _) ->
                        new Limits(
                                rs.getInt("max_queued"),
                                rs.getInt("waiting"),
                                Priority.ofBand(rs.getInt("best_band"))))
                .single();
    }

    /// The small number that stands for a tenant in all tables.
    public Optional<Integer> numberOf(UUID uid) {
        return jdbc.sql("SELECT id FROM tenant WHERE uid = :uid")
                .param("uid", uid)
                .query(Integer.class)
                .optional();
    }

    /// Starts nothing more of this tenant until [#resume]; answers whether there is such a tenant.
    public boolean pause(int tenant) {
        return jdbc.sql("UPDATE tenant SET paused = true WHERE id = :tenant")
                        .param("tenant", tenant)
                        .update()
                > 0;
    }

    /// False as well for one that is being deleted: nothing of it is to start again.
    public boolean resume(int tenant) {
        return jdbc.sql("UPDATE tenant SET paused = false WHERE id = :tenant AND NOT deleting")
                        .param("tenant", tenant)
                        .update()
                > 0;
    }
}
