package dev.comfyapi.db.catalogue;

import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

import java.sql.Array;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/// What the fleet has and how it stands, for reading. Thread-safe.
public final class FleetStore {

    private final JdbcClient jdbc;

    public FleetStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /// One model file.
    ///
    /// @param folder ComfyUI's model folder, such as `checkpoints`
    /// @param workers live workers that have it
    /// @param loaded live workers that ran it last
    public record Model(String folder, String name, int workers, int loaded) {}

    /// Models of the live workers; of the last known installations when `live` is false.
    public List<Model> models(boolean live) {
        return jdbc.sql(
                        """
                        SELECT split_part(m.path, '/', 1) AS folder,
                               substr(m.path, strpos(m.path, '/') + 1) AS name,
                               count(w.id) AS workers,
                               count(w.id) FILTER (WHERE w.loaded = m.path) AS loaded
                        FROM catalogue c
                        LEFT JOIN worker w ON w.catalogue_hash = c.hash AND NOT w.gone
                        CROSS JOIN LATERAL unnest(c.models) AS m(path)
                        WHERE w.id IS NOT NULL OR (NOT :live AND c.seen_at > now() - interval '7 days')
                        GROUP BY m.path
                        ORDER BY folder, name
                        """)
                .param("live", live)
                .query((rs, _) ->
                        new Model(
                                rs.getString("folder"),
                                rs.getString("name"),
                                rs.getInt("workers"),
                                rs.getInt("loaded")))
                .list();
    }

    /// Names that live workers' samplers and nodes go by.
    public record Names(
            SortedSet<String> nodes, SortedSet<String> samplers, SortedSet<String> schedulers) {}

    /// The union over the live workers; empty sets when there is none.
    public Names names() {
        var nodes = new TreeSet<String>();
        var samplers = new TreeSet<String>();
        var schedulers = new TreeSet<String>();
        jdbc.sql(
                        """
                        SELECT nodes, samplers, schedulers FROM catalogue c
                        WHERE EXISTS (SELECT FROM worker w WHERE w.catalogue_hash = c.hash AND NOT w.gone)
                        """)
                .query(rs -> {
                    nodes.addAll(strings(rs.getArray("nodes")));
                    samplers.addAll(strings(rs.getArray("samplers")));
                    schedulers.addAll(strings(rs.getArray("schedulers")));
                });
        return new Names(nodes, samplers, schedulers);
    }

    /// How the fleet and the queue stand.
    ///
    /// @param oldestWaitSeconds age of the job that waits longest; null when none waits
    public record Summary(
            int idle,
            int busy,
            int draining,
            int offline,
            long queued,
            long delayed,
            long running,
            @Nullable Long oldestWaitSeconds) {}

    /// Counts; the waiting jobs are counted up to 100,000.
    public Summary summary() {
        return jdbc.sql(
                        """
                        WITH w AS (
                            SELECT w.id, w.accepting, EXISTS (SELECT FROM lease l WHERE l.worker_id = w.id) AS busy
                            FROM worker w WHERE NOT w.gone)
                        SELECT (SELECT count(*) FROM w WHERE accepting AND NOT busy) AS idle,
                               (SELECT count(*) FROM w WHERE accepting AND busy) AS busy,
                               (SELECT count(*) FROM w WHERE NOT accepting) AS draining,
                               (SELECT count(DISTINCT name) FROM worker g
                                WHERE gone AND last_seen > now() - interval '1 day'
                                  AND NOT EXISTS (SELECT FROM worker x WHERE x.name = g.name AND NOT x.gone)) AS offline,
                               (SELECT count(*) FROM (SELECT FROM queue LIMIT 100000) q) AS queued,
                               (SELECT count(*) FROM (SELECT FROM delayed LIMIT 100000) d) AS delayed,
                               (SELECT count(*) FROM lease WHERE NOT canceled) AS running,
                               (SELECT extract(epoch FROM now() - min(created_at))::bigint
                                FROM job WHERE id IN (SELECT job_id FROM queue ORDER BY job_id LIMIT 1)) AS oldest
                        """)
                .query((rs, _) ->
                        new Summary(
                                rs.getInt("idle"),
                                rs.getInt("busy"),
                                rs.getInt("draining"),
                                rs.getInt("offline"),
                                rs.getLong("queued"),
                                rs.getLong("delayed"),
                                rs.getLong("running"),
                                rs.getObject("oldest", Long.class)))
                .single();
    }

    private static List<String> strings(Array array) throws SQLException {
        return Arrays.asList((String[]) array.getArray());
    }
}
