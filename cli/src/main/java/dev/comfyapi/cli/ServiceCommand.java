package dev.comfyapi.cli;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

import java.util.concurrent.Callable;

/// A command that talks to the service.
abstract class ServiceCommand implements Callable<Integer> {

    @ParentCommand
    @SuppressWarnings("NullAway.Init")
    private Comfyapi program;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    abstract ExitCode call(Service service) throws ServiceException, InterruptedException;

    @Override
    public final Integer call() throws ServiceException, InterruptedException {
        try (var service = program.connect(spec.commandLine())) {
            return call(service).status();
        }
    }

    final Comfyapi program() {
        return program;
    }

    final Terminal terminal() {
        return program.terminal();
    }
}
