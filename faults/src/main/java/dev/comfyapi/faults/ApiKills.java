package dev.comfyapi.faults;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Queue;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/// An instance of the API is killed again and again while clients submit with keys, and repeat
/// whatever they had no answer for: each key makes one job, and stands for it ever after.
///
/// Recovery is from the kill until the instance that was started again takes requests.
@Command(
        name = "api-kills",
        description = "An API is killed (SIGKILL) again and again during keyed submits.",
        mixinStandardHelpOptions = true)
final class ApiKills extends SharedRun {

    @Option(names = "--jobs", description = "Jobs (${DEFAULT-VALUE})")
    int jobs = 10_000;

    @Option(names = "--clients", description = "Clients at the same time (${DEFAULT-VALUE})")
    int clients = 32;

    @Option(names = "--every", description = "Seconds between two kills (${DEFAULT-VALUE})")
    int every = 10;

    private final Queue<String> wrong = new ConcurrentLinkedQueue<>();
    private final AtomicInteger left = new AtomicInteger();
    private final AtomicInteger unanswered = new AtomicInteger();

    @Override
    void shorten() {
        jobs = 300;
        every = 2;
    }

    @Override
    Outcome on(Platform platform) throws Exception {
        var before = Before.on(platform);
        var ledger = ledger(before);
        var recovery = new ArrayList<Long>();
        left.set(jobs);
        try (var client = platform.client();
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var submitting = new ArrayList<Future<Void>>();
            for (int i = 0; i < clients; i++) {
                submitting.add(threads.submit((Callable<Void>) () -> submit(client, ledger)));
            }
            var random = new Random(seed);
            do {
                TimeUnit.SECONDS.sleep(every);
                int victim = random.nextInt(platform.apis());
                long killed = System.nanoTime();
                platform.kill(Platform.api(victim));
                platform.startApi(victim);
                platform.awaitApi(victim);
                recovery.add(System.nanoTime() - killed);
            } while (submitting.stream().anyMatch(done -> !done.isDone()));
            for (var done : submitting) {
                done.get();
            }
            boolean ended = ledger.awaitAll(client, LONGEST);
            var outcome =
                    Outcome.of(
                                    "F3 API killed, %d submits unanswered"
                                            .formatted(unanswered.get()),
                                    recovery.size(),
                                    platform,
                                    client,
                                    ledger,
                                    recovery.stream().mapToLong(Long::longValue).toArray(),
                                    seed)
                            .without(before.executions())
                            .and(ended, "Not every job ended");
            for (var sentence : wrong) {
                outcome = outcome.and(false, sentence);
            }
            return outcome;
        }
    }

    private Void submit(Client client, Ledger ledger) throws InterruptedException {
        while (left.getAndDecrement() > 0) {
            var key = UUID.randomUUID().toString();
            var body = Submit.picture("keyed " + key, 1, java.time.Duration.ofSeconds(60));
            var job = until202(client, body, key);
            var id = job.path("job_id").asString();
            ledger.accept(id);
            // Whoever asks again is told of the same job.
            var again = until202(client, body, key);
            if (!again.path("job_id").asString().equals(id)
                    || !again.path("created_at").equals(job.path("created_at"))) {
                wrong.add("The key %s stood for %s, and then for %s".formatted(key, job, again));
            }
        }
        return null;
    }

    private JsonNode until202(Client client, String body, String key) throws InterruptedException {
        long until = System.nanoTime() + LONGEST.toNanos();
        while (System.nanoTime() < until) {
            try {
                var answer = client.post("/api/v1/jobs", body, "Idempotency-Key", key);
                if (answer.status() == 202) {
                    return answer.json();
                }
                // Still on its way in another instance, or the instance is about to be gone.
                if ((answer.status() != 409 && answer.status() != 503)
                        || answer.header("Retry-After").isEmpty()) {
                    wrong.add("A submit was answered " + answer);
                }
            } catch (IOException _) {
                unanswered.incrementAndGet();
            }
            TimeUnit.MILLISECONDS.sleep(100);
        }
        throw new IllegalStateException("A submit was refused for " + LONGEST);
    }
}
