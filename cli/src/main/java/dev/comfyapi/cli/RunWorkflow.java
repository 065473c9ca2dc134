package dev.comfyapi.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

import java.nio.file.Path;

/// A ComfyUI graph.
@Command(
        name = "run",
        description = "Run a ComfyUI workflow (Workflow → Export (API)).",
        mixinStandardHelpOptions = true)
final class RunWorkflow extends ServiceCommand {

    @Parameters(paramLabel = "FILE", description = "The exported JSON file.")
    @SuppressWarnings("NullAway.Init")
    private Path file;

    @Mixin
    @SuppressWarnings("NullAway.Init")
    private Submitted submitted;

    @Override
    ExitCode call(Service service) throws ServiceException, InterruptedException {
        var body = Service.JSON.createObjectNode();
        body.set("workflow", read(file));
        return submitted.follow(
                service, program(), service.create("/api/v1/jobs", body), "Running");
    }

    private static JsonNode read(Path file) throws ServiceException {
        try {
            return Service.JSON.readTree(file.toFile());
        } catch (JacksonException e) {
            throw new ServiceException(
                    ExitCode.REFUSED,
                    "%s cannot be read as JSON: %s".formatted(file, e.getOriginalMessage()));
        }
    }
}
