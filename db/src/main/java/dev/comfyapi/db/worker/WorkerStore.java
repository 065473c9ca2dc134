package dev.comfyapi.db.worker;

import dev.comfyapi.db.webhook.Hooks;
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
                INSERT INTO worker (id, name, pool, lane, vram_mb, comfyui, catalogue_hash, labels, gpu,
                                    can_restart)
                SELECT id, :name, :pool, id % :lanes, :vram, :comfyui, :hash, :labels::jsonb, :gpu, :can_restart
                FROM i
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
                UPDATE worker SET last_seen = now(), accepting = :accepting, loaded = :loaded, fault = :fault
                WHERE id = :worker AND NOT gone
                RETURNING id, name),
            r AS (
                SELECT * FROM unnest(:jobs::uuid[], :epochs::int[], :stages::smallint[], :progress::real[],
                                     :etas::int[], :started::int[])
                AS r(job_id, epoch, stage, progress, eta_ms, started_ago_ms)),
            u AS (
                UPDATE lease l SET stage = r.stage, progress = r.progress, eta_ms = r.eta_ms,
                       started_at = coalesce(l.started_at, now() - r.started_ago_ms * interval '1 ms')
                FROM r, w
                WHERE l.job_id = r.job_id AND l.epoch = r.epoch AND l.worker_id = w.id
                RETURNING l.job_id, old.started_at IS NULL AND new.started_at IS NOT NULL AS begun, new.started_at),
            j AS (
                SELECT j.id, j.tenant_id, j.tags, j.webhook_url, j.webhook_events, u.started_at
                FROM u JOIN job j ON j.id = u.job_id
                WHERE u.begun AND j.state = 0),
            h AS (%s)
            SELECT l.job_id, l.epoch, l.canceled, coalesce(x.mode > 0, false) AS out_of_use,
                   coalesce(x.restart_asked, false) AS restart_asked, coalesce(x.free_asked, false) AS free_asked
            FROM w LEFT JOIN worker_wish x ON x.name = w.name LEFT JOIN lease l ON l.worker_id = w.id
            """
                    .formatted(Hooks.STARTED);

    private static final String TAKE_RESTART =
            """
            UPDATE worker_wish x SET restart_asked = false FROM worker w
            WHERE w.id = :worker AND NOT w.gone AND x.name = w.name AND x.restart_asked
            """;

    private static final String TAKE_FREE_MEMORY =
            """
            UPDATE worker_wish x SET free_asked = false FROM worker w
            WHERE w.id = :worker AND NOT w.gone AND x.name = w.name AND x.free_asked
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
            Catalogue catalogue,
            Traits traits) {

        /// One of which nothing more is known.
        public Registration(
                String name,
                String pool,
                int lanes,
                @Nullable Integer vramMb,
                String comfyui,
                Catalogue catalogue) {
            this(name, pool, lanes, vramMb, comfyui, catalogue, Traits.NONE);
        }
    }

    /// What operators like to know of a worker; nothing depends on it.
    ///
    /// @param labels what its operator says of it, JSON object
    /// @param gpu what ComfyUI calls its first device
    /// @param canRestart whether it has a command that restarts ComfyUI
    public record Traits(String labels, @Nullable String gpu, boolean canRestart) {

        public static final Traits NONE = new Traits("{}", null, false);
    }

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
                .param("labels", registration.traits().labels())
                .param("gpu", registration.traits().gpu())
                .param("can_restart", registration.traits().canRestart())
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

    /// How a worker is.
    ///
    /// @param accepting whether new jobs are wanted
    /// @param loaded the main model ComfyUI ran last
    /// @param fault what is wrong with its ComfyUI, as a word; null when nothing is
    public record Standing(boolean accepting, @Nullable String loaded, @Nullable String fault) {}

    /// What operators wish of the worker of this name.
    ///
    /// @param outOfUse begin nothing new
    /// @param restart restart ComfyUI when nothing runs
    /// @param freeMemory free ComfyUI's memory when nothing runs
    public record Wishes(boolean outOfUse, boolean restart, boolean freeMemory) {}

    /// The answer to a heartbeat.
    ///
    /// @param held the leases that the worker really has
    public record Answer(List<Held> held, Wishes wishes) {
        public Answer {
            held = List.copyOf(held);
        }
    }

    /// Says that the worker lives and how its leases stand; answers which leases it really has, and
    /// what operators wish.
    ///
    /// The answer is the truth: a lease the worker does not know is an assignment it missed, one
    /// that is not in it was lost. Empty means that the worker itself is gone: it must stop
    /// everything and register again. Written without waiting for the disk: a lost heartbeat is
    /// repeated.
    public Optional<Answer> heartbeat(
            long worker, Standing standing, Collection<LeaseReport> reports) {
        var held = new ArrayList<Held>();
        var wishes = new ArrayList<Wishes>();
        jdbc.sql(HEARTBEAT)
                .param("worker", worker)
                .param("accepting", standing.accepting())
                .param("loaded", standing.loaded())
                .param("fault", standing.fault())
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
                    wishes.add(
                            new Wishes(
                                    rs.getBoolean("out_of_use"),
                                    rs.getBoolean("restart_asked"),
                                    rs.getBoolean("free_asked")));
                    @Nullable UUID job = rs.getObject("job_id", UUID.class);
                    if (job != null) {
                        held.add(
                                new Held(
                                        new LeaseKey(new JobId(job), rs.getInt("epoch"), worker),
                                        rs.getBoolean("canceled")));
                    }
                });
        return wishes.stream().findFirst().map(first -> new Answer(held, first));
    }

    /// Takes the wish back that this worker's ComfyUI be restarted; answers whether it still stood.
    /// Who gets true does it: a wish is fulfilled once at most, whoever dies in between.
    public boolean takeRestart(long worker) {
        return jdbc.sql(TAKE_RESTART).param("worker", worker).update() > 0;
    }

    /// The same for the wish that its memory be freed.
    public boolean takeFreeMemory(long worker) {
        return jdbc.sql(TAKE_FREE_MEMORY).param("worker", worker).update() > 0;
    }

    /// Ends this worker's registration: whatever it still holds is taken back at once.
    public void leave(long worker) {
        jdbc.sql("UPDATE worker SET gone = true, accepting = false WHERE id = :worker")
                .param("worker", worker)
                .update();
    }
}
