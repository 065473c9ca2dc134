package dev.comfyapi.faults;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/// `faults/run <name>`: each run is a subcommand, prints its seed and a table, and ends by itself;
/// with status 1 when a promise was broken.
@Command(
        name = "faults/run",
        description =
                "Runs the platform while things go wrong; docs/guarantees.md has the figures.",
        mixinStandardHelpOptions = true,
        subcommands = {
            ComfyUiFaults.class,
            LostReplies.class,
            WorkerKills.class,
            PostgresKills.class,
            KafkaAway.class,
            Webhooks.class,
            Zombies.class,
            ApiKills.class,
            RollingRestart.class,
            NoisyNeighbour.class,
            Poison.class,
            Partitions.class,
            Pauses.class,
            CancelRaces.class,
            LateStart.class,
            ClockJumps.class,
            Combined.class
        })
public final class FaultRuns {

    private FaultRuns() {}

    public static void main(String[] args) {
        System.exit(new CommandLine(new FaultRuns()).execute(args));
    }
}
