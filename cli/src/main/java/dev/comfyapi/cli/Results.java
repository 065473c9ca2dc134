package dev.comfyapi.cli;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;

import java.nio.file.Files;
import java.nio.file.Path;

/// What came of a job: its files saved, or why there are none.
final class Results {

    private final Service service;
    private final Comfyapi program;

    Results(Service service, Comfyapi program) {
        this.service = service;
        this.program = program;
    }

    /// @param to a file, or a folder if it ends with a slash or is one; null prints the links
    ExitCode of(JsonNode job, @Nullable Path to, boolean toFolder)
            throws ServiceException, InterruptedException {
        if (program.wantsJson()) {
            program.print(job);
        }
        var status = job.path("status").asString("");
        if (!status.equals("succeeded")) {
            var error = job.path("error");
            program.terminal()
                    .err()
                    .printf(
                            "Job %s: %s%s%n",
                            job.path("job_id").asString(""),
                            status,
                            error.isObject()
                                    ? ", %s: %s"
                                            .formatted(
                                                    error.path("code").asString(""),
                                                    error.path("message").asString(""))
                                    : "");
            return ExitCode.JOB_NOT_SUCCEEDED;
        }
        save(job, to, toFolder);
        return ExitCode.DONE;
    }

    private void save(JsonNode job, @Nullable Path to, boolean toFolder)
            throws ServiceException, InterruptedException {
        var artifacts = job.path("result").path("artifacts");
        for (var artifact : artifacts) {
            var url = artifact.path("url").asString("");
            if (to == null) {
                if (!program.wantsJson()) {
                    program.terminal().out().println(url);
                }
                continue;
            }
            var file = file(job, artifact, artifacts.size(), to, toFolder);
            service.download(url, file);
            if (!program.wantsJson()) {
                program.terminal().out().println(file);
            }
        }
    }

    /// One file gets the name that was asked for; of several each gets its number behind it.
    private static Path file(
            JsonNode job, JsonNode artifact, int count, Path to, boolean toFolder) {
        int index = artifact.path("index").asInt(0);
        if (toFolder || Files.isDirectory(to)) {
            return to.resolve("%s-%d.%s".formatted(name(job), index, extension(artifact)));
        }
        if (count == 1) {
            return to;
        }
        var name = String.valueOf(to.getFileName());
        int dot = name.lastIndexOf('.');
        return to.resolveSibling(
                dot <= 0
                        ? "%s-%d".formatted(name, index)
                        : "%s-%d%s".formatted(name.substring(0, dot), index, name.substring(dot)));
    }

    /// The client's own name if it has one that can be a file's.
    private static String name(JsonNode job) {
        var own = job.path("custom_id").asString("");
        return own.matches("[A-Za-z0-9][A-Za-z0-9._-]*") ? own : job.path("job_id").asString("job");
    }

    /// As the service stores it: the last part of the link's path, which is the server's own.
    private static String extension(JsonNode artifact) {
        var path = java.net.URI.create(artifact.path("url").asString("")).getPath();
        var extension = path.substring(path.lastIndexOf('.') + 1);
        return extension.matches("[a-z0-9]{1,12}") ? extension : "bin";
    }
}
