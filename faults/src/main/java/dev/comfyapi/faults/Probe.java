package dev.comfyapi.faults;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/// One job, submitted after a fault is over, and waited for.
final class Probe {

    private static final Duration LONGEST = Duration.ofMinutes(3);

    private Probe() {}

    /// @return nanoseconds until its client saw it ended; no more than it waits for
    static long take(Client client, Ledger ledger) throws InterruptedException {
        long began = System.nanoTime();
        var id =
                new Submit(client, ledger)
                        .job(Submit.picture("probe " + began, 1, Duration.ofSeconds(60)));
        while (System.nanoTime() - began < LONGEST.toNanos()) {
            try {
                var job = client.get("/api/v1/jobs/" + id);
                if (job.status() == 200 && !job.json().path("finished_at").asString("").isEmpty()) {
                    break;
                }
            } catch (IOException _) {
                // Asked again.
            }
            TimeUnit.MILLISECONDS.sleep(20);
        }
        return System.nanoTime() - began;
    }
}
