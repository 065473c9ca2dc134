package dev.comfyapi.faults;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/// Submits as a client does that does not give up: with a key, again after a 503 or a broken
/// connection, and after nothing else. Thread-safe.
final class Submit {

    private static final Duration LONGEST = Duration.ofMinutes(5);

    private final Client client;
    private final Ledger ledger;
    private final AtomicInteger refusals = new AtomicInteger();
    private volatile @Nullable String failure;

    Submit(Client client, Ledger ledger) {
        this.client = client;
        this.ledger = ledger;
    }

    /// @return the job's id
    /// @throws IllegalStateException when the answer is neither an acceptance nor a 503 with
    ///   `Retry-After`
    String job(String body) throws InterruptedException {
        var key = UUID.randomUUID().toString();
        long until = System.nanoTime() + LONGEST.toNanos();
        while (System.nanoTime() < until) {
            try {
                var answer = client.post("/api/v1/jobs", body, "Idempotency-Key", key);
                if (answer.status() == 202) {
                    var id = answer.json().path("job_id").asString();
                    ledger.accept(id);
                    return id;
                }
                if (answer.status() != 503
                        || answer.header("Retry-After").isEmpty()
                        || !answer.header("Content-Type").startsWith("application/problem+json")) {
                    failure = "A submit was answered " + answer;
                    throw new IllegalStateException(failure);
                }
                refusals.incrementAndGet();
            } catch (IOException _) {
                // The connection broke: nobody knows what became of the job. The key does.
            }
            TimeUnit.MILLISECONDS.sleep(200);
        }
        failure = "A submit was refused for " + LONGEST;
        throw new IllegalStateException(failure);
    }

    /// How often a submit was answered with 503.
    int refusals() {
        return refusals.get();
    }

    /// What a client saw that it must not see; null when nothing.
    @Nullable String failure() {
        return failure;
    }

    /// A small picture.
    ///
    /// @param name told apart by it
    static String picture(String name, int steps, Duration longestRun) {
        return """
        {"prompt": "%s", "width": 64, "height": 64, "steps": %d, "max_execution_s": %d}
        """
                .formatted(name, steps, longestRun.toSeconds());
    }
}
