package dev.comfyapi.faults;

import org.awaitility.Awaitility;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/// Jobs are canceled at a random moment of their life, from before they are assigned until after
/// they have ended: whoever was told that a job is canceled never sees anything else of it, and the
/// GPU is free soon afterwards.
///
/// Recovery is from the answer to a cancel until no worker has the job any more.
@Command(
        name = "cancel-races",
        description = "Jobs are canceled at random moments of their life.",
        mixinStandardHelpOptions = true)
final class CancelRaces extends SharedRun {

    /// How long a job takes alone: 10 steps, and what is before and after them.
    private static final int LIFE_MS = 700;

    @Option(names = "--jobs", description = "Jobs (${DEFAULT-VALUE})")
    int jobs = 500;

    private final Queue<String> wrong = new ConcurrentLinkedQueue<>();
    private final Set<String> canceled = ConcurrentHashMap.newKeySet();
    private final Queue<Long> freed = new ConcurrentLinkedQueue<>();
    private final AtomicInteger left = new AtomicInteger();

    @Override
    void shorten() {
        jobs = 60;
    }

    @Override
    Outcome on(Platform platform) throws Exception {
        var before = Before.on(platform);
        var ledger = ledger(before);
        left.set(jobs);
        try (var client = platform.client()) {
            try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
                for (int i = 0; i < WORKERS; i++) {
                    var random = new Random(seed + i);
                    threads.submit(
                            (Callable<Void>) () -> cancelMany(platform, client, ledger, random));
                }
            }
            boolean ended = ledger.awaitAll(client, LONGEST);
            Awaitility.await("the workers to have stopped")
                    .atMost(Duration.ofMinutes(1))
                    .until(() -> leases(platform) == 0);
            var outcome =
                    Outcome.ofAny(
                                    "F21 canceled at any moment, %d in time"
                                            .formatted(canceled.size()),
                                    jobs,
                                    platform,
                                    client,
                                    ledger,
                                    freed.stream().mapToLong(Long::longValue).toArray(),
                                    seed)
                            .without(before.executions())
                            .and(ended, "Not every job ended")
                            .and(!canceled.isEmpty(), "Every cancel came too late")
                            .and(canceled.size() < jobs, "No cancel came too late");
            for (var job : ledger.ended()) {
                var id = job.path("job_id").asString();
                var status = job.path("status").asString();
                outcome =
                        outcome.and(
                                status.equals(canceled.contains(id) ? "canceled" : "succeeded"),
                                "%s was %s for who canceled it, and is %s"
                                        .formatted(
                                                id,
                                                canceled.contains(id) ? "canceled" : "over",
                                                status));
            }
            for (var sentence : wrong) {
                outcome = outcome.and(false, sentence);
            }
            return outcome;
        }
    }

    private Void cancelMany(Platform platform, Client client, Ledger ledger, Random random)
            throws InterruptedException, IOException {
        var submit = new Submit(client, ledger);
        var told = new ArrayList<String>();
        while (left.getAndDecrement() > 0) {
            var id = submit.job(Submit.picture("race " + left, 10, Duration.ofSeconds(60)));
            TimeUnit.MILLISECONDS.sleep(random.nextInt(LIFE_MS * 3 / 2));
            var answer = client.delete("/api/v1/jobs/" + id);
            switch (answer.status()) {
                case 202 -> {
                    // One that had ended stays as it was, and the answer says so.
                    if (answer.json().path("status").asString().equals("canceled")) {
                        canceled.add(id);
                        told.add(id);
                        awaitFree(platform, id);
                    }
                }
                case 409 -> {
                    // It had ended.
                }
                default -> wrong.add("A cancel was answered " + answer);
            }
            see(client, told);
        }
        return null;
    }

    /// Whoever was told sees nothing else, now and at the end.
    private void see(Client client, List<String> told) throws IOException, InterruptedException {
        if (told.isEmpty()) {
            return;
        }
        var job = client.get("/api/v1/jobs/" + told.getLast());
        var result = job.json().path("result");
        if (!job.json().path("status").asString().equals("canceled")
                || !(result.isMissingNode() || result.isNull())) {
            wrong.add("It was canceled, and now it is " + job);
        }
    }

    private void awaitFree(Platform platform, String id) {
        long told = System.nanoTime();
        Awaitility.await("the worker to stop")
                .atMost(Duration.ofMinutes(1))
                .pollInterval(Duration.ofMillis(20))
                .until(() ->
                        platform.database()
                                .sql("SELECT NOT EXISTS (SELECT FROM lease WHERE job_id = ?::uuid)")
                                .param(id)
                                .query(Boolean.class)
                                .single());
        freed.add(System.nanoTime() - told);
    }

    private static int leases(Platform platform) {
        return platform.database().sql("SELECT count(*) FROM lease").query(Integer.class).single();
    }
}
