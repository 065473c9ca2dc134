package dev.comfyapi.db.operator;

import dev.comfyapi.db.queue.Pauses;

import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Optional;

/// Pools that operators made, and what is paused. Thread-safe; every call is one statement.
public final class PoolStore {

    private static final String PUT =
            """
            INSERT INTO pool (name, description) VALUES (:name, :description)
            ON CONFLICT (name) DO UPDATE SET description = excluded.description
            RETURNING name, description, created_at
            """;

    /// A job that is accepted at the same moment stays, and waits in a pool that nobody has made.
    private static final String DELETE =
            """
            WITH p AS (SELECT name FROM pool WHERE name = :name),
            u AS (
                SELECT EXISTS (SELECT FROM worker WHERE pool = :name AND NOT gone)
                    OR EXISTS (SELECT FROM queue t JOIN job_class c ON c.id = t.class_id WHERE c.pool = :name)
                    OR EXISTS (SELECT FROM delayed t JOIN job_class c ON c.id = t.class_id WHERE c.pool = :name)
                    OR EXISTS (SELECT FROM lease t JOIN job_class c ON c.id = t.class_id WHERE c.pool = :name)
                    AS used),
            d AS (DELETE FROM pool USING u WHERE pool.name = :name AND NOT u.used RETURNING pool.name),
            r AS (DELETE FROM queue_pause USING d WHERE queue_pause.pool = d.name)
            SELECT (SELECT count(*) FROM p) AS there, (SELECT count(*) FROM d) AS deleted
            """;

    private final JdbcClient jdbc;

    public PoolStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /// A pool that was made.
    public record Pool(String name, @Nullable String description, Instant createdAt) {}

    /// Makes a pool, or gives the one of this name another description.
    public Pool put(String name, @Nullable String description) {
        return jdbc.sql(PUT)
                .param("name", name)
                .param("description", description)
                .query(PoolStore::pool)
                .single();
    }

    public Optional<Pool> find(String name) {
        return jdbc.sql("SELECT name, description, created_at FROM pool WHERE name = :name")
                .param("name", name)
                .query(PoolStore::pool)
                .optional();
    }

    public List<Pool> all() {
        return jdbc.sql("SELECT name, description, created_at FROM pool ORDER BY name")
                .query(PoolStore::pool)
                .list();
    }

    /// What became of a wish to delete a pool.
    public enum Deletion {
        DELETED,
        /// It has live workers or jobs that have not ended.
        IN_USE,
        UNKNOWN
    }

    /// Deletes a pool that is empty; its pause ends with it.
    public Deletion delete(String name) {
        return jdbc.sql(DELETE)
                .param("name", name)
                .query((rs, _) ->
                        rs.getInt("deleted") > 0
                                ? Deletion.DELETED
                                : rs.getInt("there") > 0 ? Deletion.IN_USE : Deletion.UNKNOWN)
                .single();
    }

    /// Starts nothing more from this pool until [#resume]. Safe to repeat.
    public void pause(String pool) {
        jdbc.sql("INSERT INTO queue_pause (pool) VALUES (:pool) ON CONFLICT DO NOTHING")
                .param("pool", pool)
                .update();
    }

    public void resume(String pool) {
        jdbc.sql("DELETE FROM queue_pause WHERE pool = :pool").param("pool", pool).update();
    }

    /// Starts nothing more at all. The pauses of single pools are kept apart.
    public void pauseEverything() {
        pause(Pauses.EVERY_POOL);
    }

    public void resumeEverything() {
        resume(Pauses.EVERY_POOL);
    }

    private static Pool pool(ResultSet rs, int number) throws SQLException {
        return new Pool(
                rs.getString("name"),
                rs.getString("description"),
                rs.getObject("created_at", OffsetDateTime.class).toInstant());
    }
}
