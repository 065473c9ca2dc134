package dev.comfyapi.faults;

import dev.comfyapi.simulator.ComfyUiSimulator;

import picocli.CommandLine.Option;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;

/// One fault, on a platform of its own.
abstract class FaultRun implements Callable<Integer> {

    @Option(names = "--seed", description = "Decides who is hit, and when (${DEFAULT-VALUE})")
    long seed = 1;

    /// Where Postgres is unpacked.
    Path programs = Path.of(".data", "programs");

    @Override
    public final Integer call() throws Exception {
        return report() ? 0 : 1;
    }

    /// Runs it and prints what it came to.
    ///
    /// @return whether every promise was kept
    final boolean report() throws Exception {
        boolean kept = true;
        var outcomes = run();
        Outcome.printHead();
        for (var outcome : outcomes) {
            kept &= outcome.print();
        }
        return kept;
    }

    abstract List<Outcome> run() throws Exception;

    /// @param step how long the simulators take for one sampler step
    final Platform platform(
            int workers, Duration step, List<String> apiArguments, List<String> workerArguments)
            throws IOException, InterruptedException {
        return platform(workers, step, new Platform.Setting(1, apiArguments, workerArguments));
    }

    final Platform platform(int workers, Duration step, Platform.Setting setting)
            throws IOException, InterruptedException {
        var comfyUis =
                IntStream.range(0, workers)
                        .mapToObj(_ -> ComfyUiSimulator.builder().stepDelay(step).start())
                        .toList();
        return new Platform(Files.createTempDirectory("faults"), programs, comfyUis, setting);
    }
}
