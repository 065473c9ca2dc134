package dev.comfyapi.db.worker;

import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.LeaseKey;
import dev.comfyapi.model.job.LeaseStage;

import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.core.simple.JdbcClient.StatementSpec;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/// Registration and heartbeat. Thread-safe.
public final class WorkerStore {

    private static final String REGISTER =
            """
            WITH c AS (
                INSERT INTO catalogue (hash, models, nodes, samplers, schedulers, object_info)
                VALUES (:hash, :models, :nodes, :samplers, :schedulers, :object_info)
                ON CONFLICT (hash) DO UPDATE SET seen_at = now()),
            i AS (SELECT nextval('worker_id_seq') AS id),
            n AS (
                INSERT INTO worker (id, name, pool, lane, vram_mb, comfyui, catalogue_hash)
                SELECT id, :name, :pool, id % :lanes, :vram, :comfyui, :hash FROM i
                RETURNING id, lane),
            o AS (UPDATE worker SET gone = true, accepting = false WHERE name = :name AND NOT gone RETURNING id)
            SELECT n.id, n.lane, (SELECT count(*) FROM o) AS evicted FROM n
            """;

    private static final String CHANGE_CATALOGUE =
            """
            WITH c AS (
                INSERT INTO catalogue (hash, models, nodes, samplers, schedulers, object_info)
                VALUES (:hash, :models, :nodes, :samplers, :schedulers, :object_info)
                ON CONFLICT (hash) DO UPDATE SET seen_at = now())
            UPDATE worker SET catalogue_hash = :hash WHERE id = :worker AND NOT gone AND catalogue_hash <> :hash
            """;

    private static final String FORGET_GONE =
            """
            DELETE FROM worker WHERE id IN (
                SELECT id FROM worker w
                WHERE gone AND last_seen < now() - interval '7 days'
                  AND NOT EXISTS (SELECT FROM lease l WHERE l.worker_id = w.id)
                LIMIT :most)
            """;

    /// A row that a worker takes up at the same moment is seen again, and stays.
    private static final String FORGET_CATALOGUES =
            """
            DELETE FROM catalogue c
            WHERE seen_at < now() - interval '7 days'
              AND NOT EXISTS (SELECT FROM worker w WHERE w.catalogue_hash = c.hash
                              AND (NOT w.gone OR w.last_seen > now() - interval '7 days'))
            """;

    private static final String HEARTBEAT =
            """
            WITH w AS (
                UPDATE worker SET last_seen = now(), accepting = :accepting, loaded = :loaded
                WHERE id = :worker AND NOT gone
                RETURNING id),
            r AS (
                SELECT * FROM unnest(:jobs::uuid[], :epochs::int[], :stages::smallint[], :progress::real[],
                                     :etas::int[], :started::int[])
                AS r(job_id, epoch, stage, progress, eta_ms, started_ago_ms)),
            u AS (
                UPDATE lease l SET stage = r.stage, progress = r.progress, eta_ms = r.eta_ms,
                       started_at = coalesce(l.started_at, now() - r.started_ago_ms * interval '1 ms')
                FROM r, w
                WHERE l.job_id = r.job_id AND l.epoch = r.epoch AND l.worker_id = w.id)
            SELECT l.job_id, l.epoch, l.canceled FROM w LEFT JOIN lease l ON l.worker_id = w.id
            """;

    private final JdbcClient jdbc;

    public WorkerStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /// What a worker says of itself when it starts.
    ///
    /// @param name stable over restarts; an older process of the same name is evicted
    /// @param comfyui version of its ComfyUI
    public record Registration(
            String name,
            String pool,
            int lanes,
            @Nullable Integer vramMb,
            String comfyui,
            Catalogue catalogue) {}

    /// Who the worker is from now on.
    ///
    /// @param evicted how many older processes of the name had not ended properly
    public record Registered(long id, int lane, int evicted) {}

    public Registered register(Registration registration) {
        return with(registration.catalogue(), jdbc.sql(REGISTER))
                .param("name", registration.name())
                .param("pool", registration.pool())
                .param("lanes", registration.lanes())
                .param("vram", registration.vramMb())
                .param("comfyui", registration.comfyui())
                .query((rs, _) ->
                        new Registered(rs.getLong("id"), rs.getInt("lane"), rs.getInt("evicted")))
                .single();
    }

    /// Says that the worker's ComfyUI has something else now; answers whether that was news.
    ///
    /// Safe to repeat.
    public boolean changeCatalogue(long worker, Catalogue catalogue) {
        return with(catalogue, jdbc.sql(CHANGE_CATALOGUE)).param("worker", worker).update() > 0;
    }

    /// Forgets catalogues that nobody has had for a week; answers how many.
    public int forgetCatalogues() {
        return jdbc.sql(FORGET_CATALOGUES).update();
    }

    /// Forgets processes that ended a week ago, so many at a time; answers how many.
    public int forgetGone(int most) {
        return jdbc.sql(FORGET_GONE).param("most", most).update();
    }

    private static StatementSpec with(Catalogue catalogue, StatementSpec statement) {
        return statement
                .param("hash", catalogue.hash())
                .param("models", catalogue.models().toArray(String[]::new))
                .param("nodes", catalogue.nodes().toArray(String[]::new))
                .param("samplers", catalogue.samplers().toArray(String[]::new))
                .param("schedulers", catalogue.schedulers().toArray(String[]::new))
                .param("object_info", catalogue.objectInfo());
    }

    /// How one lease of the worker stands.
    ///
    /// @param etaMs GPU time it still needs; null when not known
    /// @param startedAgoMs how long ago ComfyUI began it; null when it has not
    public record LeaseReport(
            LeaseKey lease,
            LeaseStage stage,
            double progress,
            @Nullable Integer etaMs,
            @Nullable Integer startedAgoMs) {}

    /// A lease that this worker holds, by the database.
    public record Held(LeaseKey lease, boolean canceled) {}

    /// Says that the worker lives and how its leases stand; answers which leases it really has.
    ///
    /// The answer is the truth: a lease the worker does not know is an assignment it missed, one
    /// that is not in it was lost. Empty means that the worker itself is gone: it must stop
    /// everything and register again. Written without waiting for the disk: a lost heartbeat is
    /// repeated.
    ///
    /// @param accepting whether new jobs are wanted
    /// @param loaded the main model ComfyUI ran last
    public Optional<List<Held>> heartbeat(
            long worker,
            boolean accepting,
            @Nullable String loaded,
            Collection<LeaseReport> reports) {
        var held = new ArrayList<Held>();
        var alive = new boolean[1];
        jdbc.sql(HEARTBEAT)
                .param("worker", worker)
                .param("accepting", accepting)
                .param("loaded", loaded)
                .param(
                        "jobs",
                        reports.stream()
                                .map(r -> r.lease().job().toString())
                                .toArray(String[]::new))
                .param(
                        "epochs",
                        reports.stream().map(r -> r.lease().epoch()).toArray(Integer[]::new))
                .param("stages", reports.stream().map(r -> r.stage().code()).toArray(Short[]::new))
                .param(
                        "progress",
                        reports.stream().map(r -> (float) r.progress()).toArray(Float[]::new))
                .param("etas", reports.stream().map(LeaseReport::etaMs).toArray(Integer[]::new))
                .param(
                        "started",
                        reports.stream().map(LeaseReport::startedAgoMs).toArray(Integer[]::new))
                .query(rs -> {
                    alive[0] = true;
                    @Nullable UUID job = rs.getObject("job_id", UUID.class);
                    if (job != null) {
                        held.add(
                                new Held(
                                        new LeaseKey(new JobId(job), rs.getInt("epoch"), worker),
                                        rs.getBoolean("canceled")));
                    }
                });
        return alive[0] ? Optional.of(List.copyOf(held)) : Optional.empty();
    }

    /// Ends this worker's registration: whatever it still holds is taken back at once.
    public void leave(long worker) {
        jdbc.sql("UPDATE worker SET gone = true, accepting = false WHERE id = :worker")
                .param("worker", worker)
                .update();
    }
}
