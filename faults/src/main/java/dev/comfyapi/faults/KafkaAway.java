package dev.comfyapi.faults;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// Kafka is stopped for the whole of a run, comes back, and comes back once more without anything
/// it knew.
///
/// Recovery is from a job's acceptance until its client sees it ended; each job is waited for
/// before the next.
@Command(
        name = "kafka-away",
        description = "Kafka is stopped, returns, and returns with its data wiped.",
        mixinStandardHelpOptions = true)
final class KafkaAway extends FaultRun {

    @Option(names = "--jobs", description = "Jobs in each of four parts (${DEFAULT-VALUE})")
    int jobs = 50;

    @Override
    List<Outcome> run() throws Exception {
        try (var platform = platform(2, Duration.ofMillis(20), List.of(), List.of());
                var client = platform.client()) {
            var with = part("Kafka there", platform, client);
            platform.stopKafka();
            var without = part("F4 Kafka away", platform, client);
            platform.startKafka(false);
            var again = part("F4 Kafka back", platform, client);
            platform.stopKafka();
            platform.startKafka(true);
            var wiped = part("F4 Kafka back, its data wiped", platform, client);
            return List.of(with, without, again, wiped);
        }
    }

    private Outcome part(String name, Platform platform, Client client) throws Exception {
        var ledger = new Ledger();
        var submit = new Submit(client, ledger);
        long earlier = Outcome.executions(platform);
        boolean ended = true;
        int before = platform.storedJobs();
        for (int i = 0; i < jobs; i++) {
            submit.job(Submit.picture("%s %d".formatted(name, i), 4, Duration.ofSeconds(60)));
            // Some alone, some with others behind them.
            if (i % 5 == 4) {
                ended &= ledger.awaitAll(client, Duration.ofMinutes(5));
                TimeUnit.MILLISECONDS.sleep(50);
            }
        }
        ended &= ledger.awaitAll(client, Duration.ofMinutes(5));
        ledger.knowsNothingOf(before);
        return Outcome.of(name, 1, platform, client, ledger, ledger.took(), seed)
                .without(earlier)
                .and(ended, "Not every job ended")
                .and(submit.refusals() == 0, submit.refusals() + " submits were refused");
    }
}
