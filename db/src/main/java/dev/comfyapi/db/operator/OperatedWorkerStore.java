package dev.comfyapi.db.operator;

import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.LeaseStage;

import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.UUID;

/// Workers as operators see them, and what they wish of them. Thread-safe; every verb is one
/// statement and safe to repeat.
///
/// A wish is kept by the worker's name. The leader assigns nothing against it from its next look
/// on; the worker hears of it with its next heartbeat.
public final class OperatedWorkerStore {

    /// Of each name the newest process.
    private static final String WORKERS =
            """
            SELECT DISTINCT ON (w.name) w.id, w.name, w.pool, w.labels::text AS labels, w.gone, w.accepting, w.fault,
                   w.gpu, w.vram_mb, w.comfyui, w.loaded, w.can_restart, w.registered_at, w.last_seen,
                   coalesce(x.mode, 0) AS mode, coalesce(x.restart_asked, false) AS restart_asked,
                   coalesce(x.free_asked, false) AS free_asked
            FROM worker w LEFT JOIN worker_wish x ON x.name = w.name
            WHERE NOT w.forgotten AND (NOT w.gone OR x.mode > 0 OR w.last_seen > now() - interval '7 days')
            ORDER BY w.name, w.id DESC
            """;

    private static final String LEASES =
            """
            SELECT worker_id, job_id, epoch, stage, coalesce(progress, 0) AS progress, assigned_at, started_at, canceled
            FROM lease ORDER BY assigned_at, job_id
            """;

    /// Only what no process stands for any more. Its rows stay: leases may have to be taken back
    /// from it, and jobs say who ran them.
    private static final String FORGET =
            """
            WITH n AS (SELECT EXISTS (SELECT FROM worker WHERE name = :name AND NOT gone) AS live),
            f AS (
                UPDATE worker SET forgotten = true FROM n
                WHERE worker.name = :name AND NOT worker.forgotten AND NOT n.live
                RETURNING worker.id),
            x AS (DELETE FROM worker_wish USING n WHERE worker_wish.name = :name AND NOT n.live)
            SELECT NOT live AS forgotten FROM n
            """;

    private final JdbcClient jdbc;

    public OperatedWorkerStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /// What an operator wishes a worker to be.
    public enum Mode {
        WORK(0),
        /// It begins nothing and finishes what runs.
        DRAIN(1),
        /// The same, and it counts as nobody's capacity.
        QUARANTINE(2);

        private final short code;

        Mode(int code) {
            this.code = (short) code;
        }

        public String wire() {
            return name().toLowerCase(Locale.ROOT);
        }

        static Mode ofCode(int code) {
            for (var mode : values()) {
                if (mode.code == code) {
                    return mode;
                }
            }
            throw new IllegalArgumentException("no mode has the code " + code);
        }
    }

    /// How a worker is.
    public enum Status {
        /// It waits for its ComfyUI.
        STARTING,
        IDLE,
        BUSY,
        /// It begins nothing new for now.
        DRAINING,
        /// It begins nothing until an operator, or a restart of ComfyUI, says otherwise.
        QUARANTINED,
        OFFLINE;

        public String wire() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /// A job that a worker has.
    public record Held(
            JobId job,
            int epoch,
            LeaseStage stage,
            double progress,
            Instant assignedAt,
            @Nullable Instant startedAt,
            boolean canceled) {}

    /// A worker, by its newest process.
    ///
    /// @param labels JSON object
    /// @param gone whether that process has ended or was given up
    /// @param fault what is wrong with its ComfyUI, as a word
    public record Worker(
            long id,
            String name,
            String pool,
            String labels,
            boolean gone,
            boolean accepting,
            @Nullable String fault,
            @Nullable String gpu,
            @Nullable Integer vramMb,
            String comfyui,
            @Nullable String loaded,
            boolean canRestart,
            Instant registeredAt,
            Instant lastSeen,
            Mode mode,
            boolean restartAsked,
            boolean freeAsked,
            List<Held> leases) {

        public Worker {
            leases = List.copyOf(leases);
        }

        public Status status() {
            if (gone) {
                return Status.OFFLINE;
            }
            if (mode == Mode.QUARANTINE || "comfyui_quarantined".equals(fault)) {
                return Status.QUARANTINED;
            }
            if ("comfyui_away".equals(fault)) {
                return Status.STARTING;
            }
            if (mode == Mode.DRAIN || restartAsked || freeAsked || !accepting) {
                return Status.DRAINING;
            }
            return leases.isEmpty() ? Status.IDLE : Status.BUSY;
        }
    }

    /// The workers that live or lived in the last seven days, by name.
    public List<Worker> all() {
        var leases = new HashMap<Long, List<Held>>();
        jdbc.sql(LEASES)
                .query(rs -> {
                    leases.computeIfAbsent(rs.getLong("worker_id"), _ -> new ArrayList<>())
                            .add(held(rs));
                });
        return jdbc.sql(WORKERS)
                .query((rs, _) -> worker(rs, leases.getOrDefault(rs.getLong("id"), List.of())))
                .list();
    }

    /// What shall become of the worker's present and future processes.
    public void wish(String name, Mode mode) {
        jdbc.sql(
                        """
                        INSERT INTO worker_wish (name, mode) VALUES (:name, :mode)
                        ON CONFLICT (name) DO UPDATE SET mode = excluded.mode
                        """)
                .param("name", name)
                .param("mode", mode.code)
                .update();
    }

    /// Has ComfyUI restarted once, when nothing runs in it.
    public void askRestart(String name) {
        jdbc.sql(
                        """
                        INSERT INTO worker_wish (name, restart_asked) VALUES (:name, true)
                        ON CONFLICT (name) DO UPDATE SET restart_asked = true
                        """)
                .param("name", name)
                .update();
    }

    /// Has ComfyUI unload its models once, when nothing runs in it.
    public void askFreeMemory(String name) {
        jdbc.sql(
                        """
                        INSERT INTO worker_wish (name, free_asked) VALUES (:name, true)
                        ON CONFLICT (name) DO UPDATE SET free_asked = true
                        """)
                .param("name", name)
                .update();
    }

    /// Shows a worker no more that has no live process, and forgets what was wished of it; answers
    /// false when one lives.
    public boolean forget(String name) {
        return jdbc.sql(FORGET).param("name", name).query(Boolean.class).single();
    }

    private static Worker worker(ResultSet rs, List<Held> leases) throws SQLException {
        return new Worker(
                rs.getLong("id"),
                rs.getString("name"),
                rs.getString("pool"),
                rs.getString("labels"),
                rs.getBoolean("gone"),
                rs.getBoolean("accepting"),
                rs.getString("fault"),
                rs.getString("gpu"),
                rs.getObject("vram_mb", Integer.class),
                rs.getString("comfyui"),
                rs.getString("loaded"),
                rs.getBoolean("can_restart"),
                rs.getObject("registered_at", OffsetDateTime.class).toInstant(),
                rs.getObject("last_seen", OffsetDateTime.class).toInstant(),
                Mode.ofCode(rs.getInt("mode")),
                rs.getBoolean("restart_asked"),
                rs.getBoolean("free_asked"),
                leases);
    }

    private static Held held(ResultSet rs) throws SQLException {
        @Nullable OffsetDateTime started = rs.getObject("started_at", OffsetDateTime.class);
        return new Held(
                new JobId(rs.getObject("job_id", UUID.class)),
                rs.getInt("epoch"),
                LeaseStage.ofCode(rs.getInt("stage")),
                rs.getDouble("progress"),
                rs.getObject("assigned_at", OffsetDateTime.class).toInstant(),
                started == null ? null : started.toInstant(),
                rs.getBoolean("canceled"));
    }
}
