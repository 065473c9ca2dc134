package dev.comfyapi.cli;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;

/// What can be named as `--model` and `--lora`.
@Command(
        name = "models",
        description = "List the models that workers have.",
        mixinStandardHelpOptions = true)
final class Models extends ServiceCommand {

    @Option(names = "--kind", description = "Such as checkpoint, lora, vae.")
    private @Nullable String kind;

    @Override
    ExitCode call(Service service) throws ServiceException, InterruptedException {
        var answer =
                service.get(
                        kind == null
                                ? "/api/v1/models"
                                : "/api/v1/models?kind="
                                        + URLEncoder.encode(kind, StandardCharsets.UTF_8));
        if (program().wantsJson()) {
            program().print(answer);
            return ExitCode.DONE;
        }
        var table = new Table("MODEL", "KIND", "WORKERS");
        for (var model : answer.path("models")) {
            table.row(
                    model.path("name").asString(""),
                    model.path("type").asString(""),
                    String.valueOf(model.path("workers_available").asInt(0)));
        }
        table.print(terminal().out());
        return ExitCode.DONE;
    }
}
