package dev.comfyapi.faults;

import dev.comfyapi.simulator.ComfyUiSimulator;
import dev.comfyapi.simulator.Fault;
import dev.comfyapi.simulator.FaultKind;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;

/// ComfyUI accepts every prompt, and every answer is lost: each is found again by its id instead of
/// being run twice.
@Command(
        name = "lost-replies",
        description = "ComfyUI's answer to every submit is lost.",
        mixinStandardHelpOptions = true)
final class LostReplies implements Callable<Integer> {

    @Option(names = "--jobs", description = "Jobs (${DEFAULT-VALUE})")
    int jobs = 500;

    /// Where Postgres is unpacked.
    Path programs = Path.of(".data", "programs");

    @Override
    public Integer call() throws Exception {
        return report() ? 0 : 1;
    }

    /// @return whether at least 99 of 100 were run once
    boolean report() throws Exception {
        var comfyUi = ComfyUiSimulator.builder().stepDelay(Duration.ofMillis(5)).start();
        var folder = Files.createTempDirectory("lost-replies");
        try (var platform = new Platform(folder, programs, List.of(comfyUi), List.of(), List.of());
                var client = platform.client()) {
            comfyUi.faults().cause(Fault.of(FaultKind.LOST_REPLY).with("count", jobs * 3));
            var ledger = new Ledger();
            var submit = new Submit(client, ledger);
            for (int i = 0; i < jobs; i++) {
                submit.job(Submit.picture("lost reply " + i, 1, Duration.ofSeconds(60)));
            }
            boolean ended = ledger.awaitAll(client, Duration.ofMinutes(10));
            int executions = comfyUi.executions().size();
            long succeeded =
                    ledger.ended().stream()
                            .filter(job -> job.path("status").asString().equals("succeeded"))
                            .count();
            double found = (2.0 * jobs - executions) / jobs;
            System.out.printf(
                    "lost-replies: %d jobs, %d succeeded, %d executions: %.1f %% were found again%n",
                    jobs, succeeded, executions, 100 * found);
            var broken = ledger.broken(client, platform.database());
            broken.forEach(what -> System.out.println("BROKEN: " + what));
            return ended && succeeded == jobs && found >= 0.99 && broken.isEmpty();
        }
    }
}
