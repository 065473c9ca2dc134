package dev.comfyapi.cli;

import picocli.CommandLine.Command;

import tools.jackson.databind.JsonNode;

import java.util.ArrayList;

/// The GPUs, for operators.
@Command(
        name = "workers",
        description = "List the workers and what they do.",
        mixinStandardHelpOptions = true)
final class Workers extends ServiceCommand {

    @Override
    ExitCode call(Service service) throws ServiceException, InterruptedException {
        var answer = service.get("/api/v1/admin/workers");
        if (program().wantsJson()) {
            program().print(answer);
            return ExitCode.DONE;
        }
        var table = new Table("ID", "NAME", "POOL", "STATUS", "MODEL", "JOBS");
        for (var worker : answer.path("workers")) {
            table.row(
                    worker.path("id").asString(""),
                    worker.path("name").asString(""),
                    worker.path("pool").asString(""),
                    worker.path("status").asString(""),
                    worker.path("loaded_model").asString(""),
                    jobs(worker));
        }
        table.print(terminal().out());
        return ExitCode.DONE;
    }

    private static String jobs(JsonNode worker) {
        var jobs = new ArrayList<String>();
        for (var lease : worker.path("leases")) {
            jobs.add(
                    "%s %d %%"
                            .formatted(
                                    lease.path("job_id").asString(""),
                                    Math.round(lease.path("progress").asDouble(0) * 100)));
        }
        return String.join(", ", jobs);
    }
}
