package dev.comfyapi.cli;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import tools.jackson.databind.JsonNode;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/// The newest jobs.
@Command(name = "jobs", description = "List jobs, newest first.", mixinStandardHelpOptions = true)
final class ListJobs extends ServiceCommand {

    private static final int LONGEST_PROMPT = 48;

    @Option(
            names = "--status",
            split = ",",
            description = "Only these: scheduled, queued, running, succeeded, failed, ...")
    private @Nullable List<String> status;

    @Option(
            names = {"-n", "--limit"},
            defaultValue = "20",
            description = "How many (default ${DEFAULT-VALUE}).")
    private int limit;

    @Override
    ExitCode call(Service service) throws ServiceException, InterruptedException {
        var path = "/api/v1/jobs?limit=" + limit;
        if (status != null) {
            path +=
                    "&status="
                            + URLEncoder.encode(String.join(",", status), StandardCharsets.UTF_8);
        }
        var page = service.get(path);
        if (program().wantsJson()) {
            program().print(page);
            return ExitCode.DONE;
        }
        var table = new Table("JOB", "STATUS", "", "CREATED", "PROMPT");
        for (var job : page.path("jobs")) {
            table.row(
                    job.path("job_id").asString(""),
                    job.path("status").asString(""),
                    progress(job),
                    job.path("created_at").asString(""),
                    prompt(job));
        }
        table.print(terminal().out());
        return ExitCode.DONE;
    }

    private static String progress(JsonNode job) {
        return job.path("status").asString("").equals("running")
                ? "%d %%".formatted(Math.round(job.path("progress").asDouble(0) * 100))
                : job.path("error").path("code").asString("");
    }

    private static String prompt(JsonNode job) {
        var text = job.path("params").path("prompt").asString("(workflow)");
        // A prompt may contain anything, also what a terminal would obey.
        var plain = text.replaceAll("[\\p{Cntrl}\\s]+", " ");
        return plain.length() <= LONGEST_PROMPT
                ? plain
                : plain.substring(0, LONGEST_PROMPT - 1) + "…";
    }
}
