package dev.comfyapi.faults;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.time.Duration;
import java.util.ArrayList;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

/// A job that kills every worker that runs it: whenever a worker runs it, its process is killed,
/// and started again under its name. After three workers the job is given up, and all others end
/// well.
///
/// Recovery is from the job's acceptance to its end.
@Command(
        name = "poison",
        description = "A job kills every worker that runs it.",
        mixinStandardHelpOptions = true)
final class Poison extends SharedRun {

    private static final int DEADLY = 3;

    @Option(names = "--trials", description = "Such jobs, one after the other (${DEFAULT-VALUE})")
    int trials = 5;

    @Option(names = "--others", description = "Other jobs for each (${DEFAULT-VALUE})")
    int others = 60;

    @Override
    void shorten() {
        trials = 1;
        others = 30;
    }

    @Override
    Outcome on(Platform platform) throws Exception {
        var before = Before.on(platform);
        var ledger = ledger(before);
        var recovery = new ArrayList<Long>();
        int deaths = 0;
        var poisons = new ArrayList<String>();
        try (var client = platform.client()) {
            var submit = new Submit(client, ledger);
            boolean ended = true;
            for (int trial = 0; trial < trials; trial++) {
                for (int i = 0; i < others; i++) {
                    submit.job(Submit.picture("other " + i, 10, Duration.ofSeconds(60)));
                    if (i == others / 4) {
                        var answer =
                                client.post(
                                        "/api/v1/jobs",
                                        Submit.picture("poison", 150, Duration.ofSeconds(60)));
                        var id = answer.json().path("job_id").asString();
                        ledger.accept(id);
                        poisons.add(id);
                    }
                }
                long began = System.nanoTime();
                var poison = UUID.fromString(poisons.getLast());
                int epoch = 0;
                while (lives(platform, poison) && deaths < DEADLY * trials + 2) {
                    int killed = killWhoRuns(platform, poison, epoch);
                    if (killed > epoch) {
                        epoch = killed;
                        deaths++;
                    }
                    TimeUnit.MILLISECONDS.sleep(50);
                }
                recovery.add(System.nanoTime() - began);
                ended &= ledger.awaitAll(client, LONGEST);
            }
            platform.awaitIdle();
            var outcome =
                    Outcome.ofAny(
                                    "F16 poison job, %d workers died".formatted(deaths),
                                    trials,
                                    platform,
                                    client,
                                    ledger,
                                    recovery.stream().mapToLong(Long::longValue).toArray(),
                                    seed)
                            .without(before.executions())
                            .and(ended, "Not every job ended")
                            .and(
                                    deaths <= DEADLY * trials,
                                    "%d workers died of %d jobs".formatted(deaths, trials));
            for (var job : ledger.ended()) {
                boolean deadly = poisons.contains(job.path("job_id").asString());
                var end =
                        job.path("status").asString()
                                + " "
                                + job.path("error").path("code").asString("");
                outcome =
                        outcome.and(
                                end.equals(deadly ? "failed poison_suspected" : "succeeded "),
                                "%s job ended as %s: %s"
                                        .formatted(
                                                deadly ? "The poison" : "An innocent", end, job));
            }
            return outcome;
        }
    }

    private static boolean lives(Platform platform, UUID job) {
        return platform.database()
                .sql("SELECT state = 0 FROM job WHERE id = ?")
                .param(job)
                .query(Boolean.class)
                .single();
    }

    private record Held(String worker, int epoch) {}

    /// @param after a later assignment than this: the lease of a dead worker stays for a while
    /// @return the assignment whose worker died; `after` when none did
    private static int killWhoRuns(Platform platform, UUID job, int after)
            throws InterruptedException {
        var held =
                platform.database()
                        .sql(
                                """
                                SELECT w.name, l.epoch FROM lease l JOIN worker w ON w.id = l.worker_id
                                WHERE l.job_id = ? AND l.epoch > ? AND l.started_at IS NOT NULL AND NOT w.gone
                                """)
                        .params(job, after)
                        .query((rs, _) -> new Held(rs.getString(1), rs.getInt(2)))
                        .optional();
        if (held.isEmpty()) {
            return after;
        }
        platform.kill(held.get().worker());
        for (int i = 0; i < WORKERS; i++) {
            if (Platform.worker(i).equals(held.get().worker())) {
                platform.startWorker(i);
            }
        }
        return held.get().epoch();
    }
}
