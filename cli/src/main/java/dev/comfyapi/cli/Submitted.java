package dev.comfyapi.cli;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Option;

import tools.jackson.databind.JsonNode;

import java.nio.file.Path;

/// What is done with a job after it was accepted; shared by the commands that submit one.
final class Submitted {

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            description =
                    "Save the result here; with several files each gets a number. A folder if it"
                            + " ends with /.")
    private @Nullable String output;

    @Option(names = "--detach", description = "Do not wait: print the job's id and end.")
    private boolean detach;

    /// Waits for the job unless told otherwise. When the person gives up (Ctrl-C), the job is
    /// canceled: nobody waits for it.
    ExitCode follow(Service service, Comfyapi program, JsonNode accepted, String task)
            throws ServiceException, InterruptedException {
        var job = accepted.path("job_id").asString("");
        if (detach) {
            if (program.wantsJson()) {
                program.print(accepted);
            } else {
                program.terminal().out().println(job);
            }
            return ExitCode.DONE;
        }
        var giveUp = new Thread(() -> cancel(service, program, job), "cancel");
        Runtime.getRuntime().addShutdownHook(giveUp);
        JsonNode ended;
        try {
            ended = new Follow(service, program.terminal()).toEnd(job, task);
        } finally {
            removeHook(giveUp);
        }
        return new Results(service, program)
                .of(
                        ended,
                        output == null ? null : Path.of(output),
                        output != null && output.endsWith("/"));
    }

    private static void removeHook(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException _) {
            // The process is ending: the hook runs already.
        }
    }

    private static void cancel(Service service, Comfyapi program, String job) {
        try {
            service.post("/api/v1/jobs/" + job + "/cancel");
            program.terminal().err().println("\nJob " + job + " is canceled.");
        } catch (ServiceException e) {
            program.terminal().err().println("\nJob " + job + " goes on: " + e.getMessage());
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
