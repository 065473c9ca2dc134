package dev.comfyapi.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

import java.util.List;

/// Ends jobs.
@Command(name = "cancel", description = "Cancel jobs.", mixinStandardHelpOptions = true)
final class Cancel extends ServiceCommand {

    @Parameters(paramLabel = "JOB", arity = "1..*", description = "Ids of jobs.")
    @SuppressWarnings("NullAway.Init")
    private List<String> jobs;

    @Override
    ExitCode call(Service service) throws ServiceException, InterruptedException {
        for (var job : jobs) {
            var answer = service.post("/api/v1/jobs/" + job + "/cancel");
            if (program().wantsJson()) {
                program().print(answer);
            } else {
                terminal().out().printf("%s  %s%n", job, answer.path("message").asString(""));
            }
        }
        return ExitCode.DONE;
    }
}
