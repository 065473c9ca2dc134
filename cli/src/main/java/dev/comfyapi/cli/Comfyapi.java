package dev.comfyapi.cli;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

import tools.jackson.databind.JsonNode;

import java.io.PrintStream;
import java.io.PrintWriter;
import java.net.URI;
import java.util.Map;

/// `comfyapi`: what all commands share.
@Command(
        name = "comfyapi",
        description = "Pictures from a ComfyUI API Service.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        footer = {
            "",
            "Exit status: 0 done, 1 a job did not succeed, 2 refused, 3 the service is away."
        },
        subcommands = {
            Generate.class,
            RunWorkflow.class,
            RunBatch.class,
            ListJobs.class,
            Watch.class,
            Cancel.class,
            Workers.class,
            Models.class
        })
public final class Comfyapi {

    @Option(
            names = "--url",
            scope = CommandLine.ScopeType.INHERIT,
            description = "Where the service is (COMFYAPI_URL; default http://127.0.0.1:8080).")
    private @Nullable URI url;

    @Option(
            names = "--key",
            scope = CommandLine.ScopeType.INHERIT,
            description = "API key; better set COMFYAPI_KEY, which no process list shows.")
    private @Nullable String key;

    @Option(
            names = "--json",
            scope = CommandLine.ScopeType.INHERIT,
            description = "Print the service's own answers.")
    private boolean json;

    private final Terminal terminal;
    private final Map<String, String> environment;

    private Comfyapi(Terminal terminal, Map<String, String> environment) {
        this.terminal = terminal;
        this.environment = environment;
    }

    public static void main(String[] args) {
        System.exit(run(Terminal.ofProcess(), System.getenv(), args));
    }

    /// One command, as it is typed; answers the exit status.
    static int run(Terminal terminal, Map<String, String> environment, String... args) {
        var line = new CommandLine(new Comfyapi(terminal, environment));
        line.setOut(writer(terminal.out()));
        line.setErr(writer(terminal.err()));
        line.setCaseInsensitiveEnumValuesAllowed(true);
        line.setExecutionExceptionHandler((e, _, _) -> report(terminal, e));
        if (args.length == 0) {
            line.usage(terminal.out());
            return ExitCode.REFUSED.status();
        }
        return line.execute(args);
    }

    private static PrintWriter writer(PrintStream stream) {
        return new PrintWriter(stream, true, stream.charset());
    }

    private static int report(Terminal terminal, Exception e) throws Exception {
        return switch (e) {
            case ServiceException refusal -> {
                terminal.err().println(refusal.getMessage());
                yield refusal.exitCode().status();
            }
            case InterruptedException _ -> {
                Thread.currentThread().interrupt();
                yield ExitCode.UNAVAILABLE.status();
            }
            default -> throw e;
        };
    }

    Terminal terminal() {
        return terminal;
    }

    boolean wantsJson() {
        return json;
    }

    Service connect(CommandLine command) {
        var address = url == null ? environment.get("COMFYAPI_URL") : url.toString();
        var service = URI.create(address == null ? "http://127.0.0.1:8080" : address);
        if (service.getHost() == null) {
            throw new ParameterException(
                    command, "--url must be an address such as http://127.0.0.1:8080");
        }
        return new Service(service, key == null ? environment.get("COMFYAPI_KEY") : key);
    }

    /// Answers of the service, for programs.
    void print(JsonNode answer) {
        terminal.out()
                .println(Service.JSON.writerWithDefaultPrettyPrinter().writeValueAsString(answer));
    }
}
