package dev.comfyapi.faults;

import dev.comfyapi.db.job.JobStore;
import dev.comfyapi.db.job.NewJob;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.Priority;
import dev.comfyapi.model.workflow.Graph;

import org.awaitility.Awaitility;
import org.springframework.jdbc.core.simple.JdbcClient;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;

/// One tenant has thousands of jobs waiting, another submits one: it is started before two jobs of
/// the first could have been. The jobs are put in through the stores, as the API does, because
/// there are no keys yet that would tell tenants apart.
///
/// Recovery is from the submit of the one job until ComfyUI runs it.
@Command(
        name = "noisy-neighbour",
        description = "One tenant has thousands of jobs waiting, another submits one.",
        mixinStandardHelpOptions = true)
final class NoisyNeighbour extends SharedRun {

    /// Longer than the time for which workers are given work ahead, or that would be measured.
    private static final Duration RUN = Duration.ofSeconds(6);

    @Option(names = "--jobs", description = "Jobs of the noisy tenant (${DEFAULT-VALUE})")
    int jobs = 10_000;

    @Option(names = "--trials", description = "Single jobs of the other (${DEFAULT-VALUE})")
    int trials = 20;

    @Override
    void shorten() {
        jobs = 1_000;
        trials = 1;
    }

    @Override
    Outcome on(Platform platform) throws Exception {
        var database = platform.database();
        var store = new JobStore(database);
        int noisy = tenant(database, "noisy");
        int quiet = tenant(database, "quiet");
        int steps = (int) (RUN.toMillis() / STEP.toMillis());
        var model = sample(platform, steps);
        var crowd = IntStream.range(0, jobs).mapToObj(_ -> model.job()).toList();
        for (int i = 0; i < jobs; i += 500) {
            store.submit(noisy, crowd.subList(i, Math.min(jobs, i + 500)));
        }
        // The workers have their hands full, and the leader has seen how long a job takes.
        Awaitility.await("the noisy tenant to be served")
                .atMost(Duration.ofMinutes(2))
                .until(() -> ended(database, noisy) >= WORKERS);
        var waits = new ArrayList<Long>();
        var ended = new ArrayList<String>();
        for (int i = 0; i < trials; i++) {
            var job = model.job();
            store.submit(quiet, List.of(job));
            Awaitility.await("the job of the quiet tenant to end")
                    .atMost(Duration.ofMinutes(2))
                    .until(() -> store.find(quiet, job.id()).orElseThrow().state().isFinal());
            ended.add(store.find(quiet, job.id()).orElseThrow().state().name());
            waits.add((long) (waited(database, job.id()) * 1e9));
        }
        for (var job : crowd) {
            cancel(store, noisy, job.id());
        }
        Awaitility.await("the workers to have stopped")
                .atMost(Duration.ofMinutes(2))
                .until(() ->
                        database.sql("SELECT count(*) FROM lease").query(Integer.class).single()
                                == 0);
        long lost = ended.stream().filter(state -> !state.equals("SUCCEEDED")).count();
        var outcome =
                new Outcome(
                        "F15 one job behind another tenant's %d of %d s"
                                .formatted(jobs, RUN.toSeconds()),
                        trials,
                        jobs + trials,
                        (int) lost,
                        0,
                        Times.of(waits.stream().mapToLong(Long::longValue).toArray()),
                        runsPerJob(database, noisy, quiet),
                        seed,
                        platform.brokenInvariants());
        double longest = 2.0 * RUN.toSeconds();
        return outcome.and(lost == 0, "Ended as " + ended)
                .and(
                        outcome.recovery().max() <= longest,
                        "The quiet tenant waited for more than %.0f s".formatted(longest));
    }

    private static int tenant(JdbcClient database, String name) {
        return database.sql(
                        """
                        INSERT INTO tenant (id, name)
                        SELECT max(id) + 1, ? || '-' || (max(id) + 1) FROM tenant RETURNING id
                        """)
                .param(name)
                .query(Integer.class)
                .single();
    }

    /// What the API made of a request, to be submitted again and again.
    private record Model(int classId, Graph graph, String params) {

        NewJob job() {
            long time = System.currentTimeMillis();
            var random = UUID.randomUUID();
            var id =
                    new UUID(
                            time << 16 | 0x7000 | (random.getMostSignificantBits() & 0xFFF),
                            random.getLeastSignificantBits());
            return new NewJob(
                    new JobId(id),
                    classId,
                    Priority.NORMAL,
                    graph,
                    params,
                    "{}",
                    List.of(),
                    null,
                    null,
                    null,
                    null,
                    null,
                    null,
                    null,
                    3,
                    60_000,
                    false,
                    null);
        }
    }

    private static Model sample(Platform platform, int steps) throws Exception {
        try (var client = platform.client()) {
            var answer =
                    client.post(
                            "/api/v1/jobs",
                            Submit.picture("sample", steps, Duration.ofSeconds(60)));
            var id = UUID.fromString(answer.json().path("job_id").asString());
            var canceled = client.delete("/api/v1/jobs/" + id);
            if (canceled.status() != 202) {
                throw new IllegalStateException("A cancel was answered " + canceled);
            }
            return platform.database()
                    .sql("SELECT class_id, graph, params FROM job WHERE id = ?")
                    .param(id)
                    .query((rs, _) ->
                            new Model(
                                    rs.getInt(1),
                                    Graph.parse(rs.getBytes(2)),
                                    new String(rs.getBytes(3), StandardCharsets.UTF_8)))
                    .single();
        }
    }

    private static int ended(JdbcClient database, int tenant) {
        return database.sql("SELECT count(*) FROM job WHERE tenant_id = ? AND state = 1")
                .param(tenant)
                .query(Integer.class)
                .single();
    }

    /// Seconds until ComfyUI began it, by Postgres' clock.
    private static double waited(JdbcClient database, JobId job) {
        return database.sql(
                        "SELECT extract(epoch FROM started_at - created_at)::float8 FROM job WHERE id = ?")
                .param(job.value())
                .query(Double.class)
                .single();
    }

    private static void cancel(JobStore store, int tenant, JobId job) {
        while (store.cancel(tenant, job) instanceof JobStore.Cancellation.Moving) {
            Thread.onSpinWait();
        }
    }

    private static double runsPerJob(JdbcClient database, int noisy, int quiet) {
        return database.sql("SELECT avg(epoch) FROM job WHERE tenant_id IN (?, ?) AND state = 1")
                .params(noisy, quiet)
                .query(Double.class)
                .single();
    }
}
