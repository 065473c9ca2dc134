package dev.comfyapi.db.catalogue;

import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// What the fleet has and how it stands, for reading. Thread-safe.
public final class FleetStore {

    private final JdbcClient jdbc;

    public FleetStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /// One worker.
    ///
    /// @param loaded the main model its ComfyUI ran last, as `folder/name`
    /// @param catalogue which catalogue it has: the hash, in hex
    public record Worker(String name, String pool, @Nullable String loaded, String catalogue) {}

    /// The workers that live.
    public List<Worker> live() {
        return jdbc.sql(
                        """
                        SELECT name, pool, loaded, encode(catalogue_hash, 'hex') AS catalogue
                        FROM worker WHERE NOT gone ORDER BY name, id
                        """)
                .query(FleetStore::worker)
                .list();
    }

    /// The workers of the last seven days as they were when last seen, whether they live or not.
    public List<Worker> remembered() {
        return jdbc.sql(
                        """
                        SELECT DISTINCT ON (name) name, pool, loaded, encode(catalogue_hash, 'hex') AS catalogue
                        FROM worker WHERE last_seen > now() - interval '7 days' AND NOT forgotten
                        ORDER BY name, id DESC
                        """)
                .query(FleetStore::worker)
                .list();
    }

    private static Worker worker(ResultSet rs, int number) throws SQLException {
        return new Worker(
                rs.getString("name"),
                rs.getString("pool"),
                rs.getString("loaded"),
                rs.getString("catalogue"));
    }

    /// What an installation has.
    ///
    /// @param models files as `folder/name`
    /// @param nodes node classes
    /// @param objectInfo ComfyUI's description of the node classes, JSON
    public record Installation(
            Set<String> models,
            Set<String> nodes,
            Set<String> samplers,
            Set<String> schedulers,
            String objectInfo) {}

    /// The installation with this catalogue. Never changes for one hash: keep it.
    ///
    /// @param hash hex
    public Optional<Installation> installation(String hash) {
        return jdbc.sql(
                        """
                        SELECT models, nodes, samplers, schedulers, object_info FROM catalogue WHERE hash = :hash
                        """)
                .param("hash", HexFormat.of().parseHex(hash))
                .query((rs, _) ->
                        new Installation(
                                strings(rs.getArray("models")),
                                strings(rs.getArray("nodes")),
                                strings(rs.getArray("samplers")),
                                strings(rs.getArray("schedulers")),
                                rs.getString("object_info")))
                .optional();
    }

    /// Milliseconds of GPU time that half of the newest jobs of each model needed at most; by
    /// `folder/name`. Looks at the newest 5,000 jobs.
    public Map<String, Integer> medianExecutionMs() {
        var medians = new HashMap<String, Integer>();
        jdbc.sql(
                        """
                        SELECT m.path, round(percentile_cont(0.5) WITHIN GROUP (ORDER BY j.gpu_ms))::int AS median
                        FROM (SELECT class_id, state, gpu_ms FROM job ORDER BY id DESC LIMIT 5000) j
                        JOIN job_class c ON c.id = j.class_id
                        CROSS JOIN LATERAL unnest(c.required_models) AS m(path)
                        WHERE j.state = 1 AND j.gpu_ms IS NOT NULL
                        GROUP BY m.path
                        """)
                .query(rs -> {
                    medians.put(rs.getString("path"), rs.getInt("median"));
                });
        return medians;
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
                                WHERE gone AND NOT forgotten AND last_seen > now() - interval '1 day'
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

    private static Set<String> strings(Array array) throws SQLException {
        return Set.copyOf(Arrays.asList((String[]) array.getArray()));
    }
}
