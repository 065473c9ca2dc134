package dev.comfyapi.faults;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/// Every process is told to end (SIGTERM) and started again, one after the other, while clients
/// submit and read: no request fails, and no job is run twice.
///
/// Recovery is how long a process takes to end.
@Command(
        name = "rolling-restart",
        description = "All APIs and workers are restarted (SIGTERM) one by one under load.",
        mixinStandardHelpOptions = true)
final class RollingRestart extends SharedRun {

    @Option(names = "--rounds", description = "Restarts of every process (${DEFAULT-VALUE})")
    int rounds = 3;

    @Option(names = "--clients", description = "Clients at the same time (${DEFAULT-VALUE})")
    int clients = 5;

    private final Queue<String> failed = new ConcurrentLinkedQueue<>();
    private final AtomicInteger requests = new AtomicInteger();
    private final AtomicInteger sentAgain = new AtomicInteger();

    @Override
    void shorten() {
        rounds = 1;
    }

    @Override
    Outcome on(Platform platform) throws Exception {
        var before = Before.on(platform);
        var ledger = ledger(before);
        var ends = new ArrayList<Long>();
        var enough = new AtomicBoolean();
        try (var client = platform.client()) {
            try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
                for (int i = 0; i < clients; i++) {
                    threads.submit((Callable<Void>) () -> use(client, ledger, enough));
                }
                for (int round = 0; round < rounds; round++) {
                    for (int api = 0; api < platform.apis(); api++) {
                        TimeUnit.SECONDS.sleep(1);
                        ends.add(end(platform, Platform.api(api)));
                        platform.startApi(api);
                        platform.awaitApi(api);
                    }
                    for (int worker = 0; worker < WORKERS; worker++) {
                        TimeUnit.MILLISECONDS.sleep(500);
                        ends.add(end(platform, Platform.worker(worker)));
                        platform.startWorker(worker);
                    }
                }
                enough.set(true);
            }
            boolean ended = ledger.awaitAll(client, LONGEST);
            platform.awaitIdle();
            var outcome =
                    Outcome.of(
                                    "F11 rolling restart, %d requests, %d failed, %d sent again"
                                            .formatted(
                                                    requests.get(), failed.size(), sentAgain.get()),
                                    ends.size(),
                                    platform,
                                    client,
                                    ledger,
                                    ends.stream().mapToLong(Long::longValue).toArray(),
                                    seed)
                            .without(before.executions());
            outcome =
                    outcome.and(ended, "Not every job ended")
                            .and(outcome.recovery().max() <= 30, "Ended only after 30 s")
                            .and(
                                    sentAgain.get() * 200 <= requests.get(),
                                    "More than 0.5 % of the requests met a closed connection")
                            .and(
                                    outcome.executionsPerJob() == 1,
                                    "Not every job was run exactly once");
            for (var sentence : failed) {
                outcome = outcome.and(false, "A request failed: " + sentence);
            }
            return outcome;
        }
    }

    private static long end(Platform platform, String process) throws InterruptedException {
        long began = System.nanoTime();
        int _ = platform.terminate(process);
        return System.nanoTime() - began;
    }

    /// Sent once more, under the same key, when a kept connection turns out to be closed: HTTP
    /// cannot exclude that a server closes an idle connection just when a request is sent on it,
    /// and HTTP libraries send such a request again (RFC 9112, section 9.3.1).
    private Client.Answer submit(Client client, String body)
            throws IOException, InterruptedException {
        var key = UUID.randomUUID().toString();
        try {
            return client.post("/api/v1/jobs", body, "Idempotency-Key", key);
        } catch (IOException _) {
            sentAgain.incrementAndGet();
            return client.post("/api/v1/jobs", body, "Idempotency-Key", key);
        }
    }

    /// Submits a job, reads it twice, and so on: some ten requests a second.
    private Void use(Client client, Ledger ledger, AtomicBoolean enough)
            throws InterruptedException {
        while (!enough.get()) {
            var body = Submit.picture("rolling " + UUID.randomUUID(), 4, Duration.ofSeconds(60));
            try {
                requests.incrementAndGet();
                var answer = submit(client, body);
                if (answer.status() != 202) {
                    failed.add("POST " + answer);
                    continue;
                }
                var id = answer.json().path("job_id").asString();
                ledger.accept(id);
                for (int i = 0; i < 2; i++) {
                    TimeUnit.MILLISECONDS.sleep(100);
                    requests.incrementAndGet();
                    var job = client.get("/api/v1/jobs/" + id);
                    if (job.status() != 200) {
                        failed.add("GET " + job);
                    }
                }
            } catch (IOException e) {
                failed.add(e.toString());
            }
            TimeUnit.MILLISECONDS.sleep(100);
        }
        return null;
    }
}
