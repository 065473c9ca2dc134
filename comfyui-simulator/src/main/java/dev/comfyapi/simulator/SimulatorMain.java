package dev.comfyapi.simulator;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.regex.Pattern;

/// Runs the simulator from the command line until it is told to stop.
@Command(
        name = "comfyui-simulator",
        mixinStandardHelpOptions = true,
        version = "ComfyUI 0.33.0 (simulated)",
        description = "Speaks ComfyUI's dialect without a GPU.")
public final class SimulatorMain implements Callable<Integer> {

    @Option(
            names = "--port",
            description = "Port to listen on; 0 takes a free one (default: ${DEFAULT-VALUE})")
    private int port = 8188;

    @Option(names = "--host", description = "Address to listen on (default: ${DEFAULT-VALUE})")
    private String host = "127.0.0.1";

    @Option(
            names = "--folder",
            description = "Holds output, input and temp (default: a temporary folder)")
    private @Nullable Path folder;

    @Option(
            names = "--step-delay",
            description = "Time of one sampler step, such as 25ms (default: 25ms)")
    private Duration stepDelay = Duration.ofMillis(25);

    @Option(
            names = "--model-load-time",
            description = "Time of the first use of a checkpoint, such as 2s (default: 0s)")
    private Duration modelLoadTime = Duration.ZERO;

    @Option(
            names = "--load-time",
            description = "Time of the first use of one model, such as sd15.safetensors=3s")
    private Map<String, Duration> loadTimes = new LinkedHashMap<>();

    @Option(
            names = "--models-in-memory",
            description = "How many models fit into memory (default: all)")
    private int modelsInMemory = Integer.MAX_VALUE;

    @Option(
            names = "--faults",
            defaultValue = "${env:SIMULATOR_FAULTS}",
            description =
                    "Faults by chance, such as seed=42,rate=0.1,lost-reply=0.5 (default: $SIMULATOR_FAULTS)")
    private @Nullable FaultSchedule faults;

    @Option(names = "--previews", description = "Send previews while sampling")
    private boolean previews;

    @Option(names = "--verbose", description = "Print a line for each prompt")
    private boolean verbose;

    private SimulatorMain() {}

    public static void main(String[] arguments) {
        System.exit(
                new CommandLine(new SimulatorMain())
                        .registerConverter(Duration.class, SimulatorMain::duration)
                        .registerConverter(FaultSchedule.class, SimulatorMain::schedule)
                        .execute(arguments));
    }

    @Override
    public Integer call() throws InterruptedException {
        var builder =
                ComfyUiSimulator.builder()
                        .port(port)
                        .host(host)
                        .stepDelay(stepDelay)
                        .modelLoadTime(modelLoadTime)
                        .modelsInMemory(modelsInMemory)
                        .previews(previews);
        if (folder != null) {
            builder.folder(folder);
        }
        loadTimes.forEach(builder::modelLoadTime);
        ComfyUiSimulator simulator;
        try {
            simulator = builder.start();
        } catch (IllegalStateException e) {
            System.err.println(e.getMessage());
            return 1;
        }
        var stopped = new CountDownLatch(1);
        Runtime.getRuntime()
                .addShutdownHook(
                        new Thread(() -> {
                            simulator.close();
                            stopped.countDown();
                        }));
        System.out.printf(
                "ComfyUI 0.33.0 (simulated) listens on %s, files in %s%n",
                simulator.uri(), simulator.folder());
        if (faults != null && !faults.rates().isEmpty()) {
            simulator.faults().random(faults);
            System.out.printf("Faults by chance: %s%n", faults);
        }
        if (verbose) {
            Thread.ofVirtual().start(new PromptLog(simulator));
        }
        stopped.await();
        return 0;
    }

    private static FaultSchedule schedule(String text) {
        try {
            return FaultSchedule.parse(text);
        } catch (IllegalArgumentException e) {
            throw new CommandLine.TypeConversionException(String.valueOf(e.getMessage()));
        }
    }

    /// `25ms`, `2s`, `1m`, or ISO 8601.
    static Duration duration(String text) {
        var simple = Pattern.compile("(\\d+)\\s*(ms|s|m)").matcher(text.strip());
        if (!simple.matches()) {
            return Duration.parse(text);
        }
        var amount = Long.parseLong(simple.group(1));
        return switch (simple.group(2)) {
            case "ms" -> Duration.ofMillis(amount);
            case "s" -> Duration.ofSeconds(amount);
            default -> Duration.ofMinutes(amount);
        };
    }
}
