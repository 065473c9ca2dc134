package dev.comfyapi.benchmarks;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/// `benchmarks/run <name>`: each benchmark is a subcommand, prints a small table and ends by
/// itself.
@Command(
        name = "benchmarks/run",
        description = "Measures what docs/performance.md claims.",
        mixinStandardHelpOptions = true,
        subcommands = {
            SubmitRate.class,
            SubmitToComfyUi.class,
            ReadJob.class,
            GpuIdle.class,
            ScaleOut.class,
            DeepQueue.class,
            TickTime.class,
            OtherQueues.class,
            Waiters.class,
            AuthCost.class,
            Overload.class
        })
public final class Benchmarks {

    private Benchmarks() {}

    public static void main(String[] args) {
        System.exit(new CommandLine(new Benchmarks()).execute(args));
    }
}
