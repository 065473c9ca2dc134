package dev.comfyapi.cli;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.nio.file.Path;

/// A job that was submitted before.
@Command(name = "watch", description = "Follow a job to its end.", mixinStandardHelpOptions = true)
final class Watch extends ServiceCommand {

    @Parameters(paramLabel = "JOB", description = "The job's id.")
    @SuppressWarnings("NullAway.Init")
    private String job;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            description = "Save the result here. A folder if it ends with /.")
    private @Nullable String output;

    @Override
    ExitCode call(Service service) throws ServiceException, InterruptedException {
        var ended = new Follow(service, terminal()).toEnd(job, "Job");
        return new Results(service, program())
                .of(
                        ended,
                        output == null ? null : Path.of(output),
                        output != null && output.endsWith("/"));
    }
}
