package dev.comfyapi.faults;

import picocli.CommandLine.Command;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/// The short forms of all faults that leave the platform well, one after the other on one platform
/// that was itself started in a strange order.
@Command(
        name = "all",
        description = "The short forms of many faults on one platform, in one table.",
        mixinStandardHelpOptions = true)
final class Combined extends FaultRun {

    @Override
    List<Outcome> run() throws Exception {
        var setting = LateStart.setting(new Random(seed));
        var outcomes = new ArrayList<Outcome>();
        try (var platform = platform(SharedRun.WORKERS, SharedRun.STEP, setting)) {
            outcomes.add(LateStart.outcome(platform, setting, seed));
            for (var run :
                    List.of(
                            new Poison(),
                            new NoisyNeighbour(),
                            new RollingRestart(),
                            new Pauses(),
                            new Partitions(),
                            new CancelRaces(),
                            new ApiKills())) {
                run.seed = seed;
                run.shorten();
                outcomes.add(run.on(platform));
                // A run that is broken off has said as much as it knew.
                System.err.println(outcomes.getLast());
            }
        }
        return outcomes;
    }
}
