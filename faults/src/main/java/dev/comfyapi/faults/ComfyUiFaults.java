package dev.comfyapi.faults;

import dev.comfyapi.simulator.ComfyUiSimulator;
import dev.comfyapi.simulator.Execution;
import dev.comfyapi.simulator.Fault;
import dev.comfyapi.simulator.FaultKind;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;

/// Everything that ComfyUI does to its callers, at two of four ComfyUIs, while many jobs run: each
/// job ends in time and for the right reason, and the two healthy ones lose nothing by it.
///
/// First the same load without faults, to know what a healthy ComfyUI does. Then the faults, each
/// kind at least once, in an order that the seed decides. The workers' patience is shortened so
/// that a run takes minutes; the table of docs/comfyui-troubles.md has the bounds as shipped.
@Command(
        name = "comfyui",
        description = "All faults of ComfyUI at two of four, while jobs run.",
        mixinStandardHelpOptions = true)
final class ComfyUiFaults implements Callable<Integer> {

    private static final Duration LONGEST_RUN = Duration.ofSeconds(20);
    private static final Duration STEP = Duration.ofMillis(100);
    private static final int STEPS = 10;
    private static final int SICK = 2;
    private static final int ALL = 4;

    /// Codes of attempts that are tried again: a job may end with one after its last attempt only.
    private static final Set<String> RETRYABLE = Set.of("oom", "cuda_fault", "transient");

    /// What fails a job at once, and the only fault that may.
    private static final Map<String, FaultKind> EXPLAINED_BY =
            Map.of(
                    "node_execution_error", FaultKind.NODE_ERROR,
                    "execution_timeout", FaultKind.ENDLESS_PROGRESS,
                    "no_outputs", FaultKind.FEWER_FILES);

    private static final List<String> IMPATIENT =
            List.of(
                    "--comfyapi.worker.silence=2s",
                    "--comfyapi.worker.stuck=3s",
                    "--comfyapi.worker.stopping=2s",
                    "--comfyapi.worker.rest=2s",
                    "--comfyapi.worker.backoff=1s",
                    "--comfyapi.artifacts.stall=2s",
                    "--comfyapi.worker.restart-command=curl -sf -X POST $COMFYUI_URL/simulator/restart");

    @Option(names = "--jobs", description = "Jobs while faults happen (${DEFAULT-VALUE})")
    int jobs = 500;

    @Option(names = "--seed", description = "Order of the faults (${DEFAULT-VALUE})")
    long seed = 1;

    @Option(names = "--deadline", description = "Seconds a job may take (${DEFAULT-VALUE})")
    int deadline = 300;

    @Option(
            names = "--pause",
            description = "Milliseconds between two faults, on average (${DEFAULT-VALUE})")
    int pause = 2_000;

    /// Where Postgres is unpacked.
    Path programs = Path.of(".data", "programs");

    /// Jobs a second of each healthy ComfyUI while others wait.
    private record Load(double healthyPerSecond) {}

    @Override
    public Integer call() throws Exception {
        return report() ? 0 : 1;
    }

    /// @return whether every promise was kept
    boolean report() throws Exception {
        var comfyUis =
                IntStream.range(0, ALL)
                        .mapToObj(_ -> ComfyUiSimulator.builder().stepDelay(STEP).start())
                        .toList();
        var folder = Files.createTempDirectory("comfyui-faults");
        try (var platform = new Platform(folder, programs, comfyUis, List.of(), IMPATIENT);
                var client = platform.client()) {
            System.out.printf("comfyui: %d jobs, seed %d%n", jobs, seed);
            var ledger = new Ledger();
            var well = load(platform, client, ledger, Math.max(40, jobs / 4));
            boolean allWell = ledger.awaitAll(client, Duration.ofSeconds(deadline));
            int before = ledger.accepted();

            var faults = new Sickness(comfyUis.subList(0, SICK), new Random(seed), pause);
            var sick = new Load[1];
            try (var threads = java.util.concurrent.Executors.newVirtualThreadPerTaskExecutor()) {
                var happening = threads.submit(faults::run);
                sick[0] = load(platform, client, ledger, jobs);
                faults.stopAfterEveryKind();
                happening.get();
            }
            boolean allEnded =
                    ledger.awaitAll(client, Duration.ofSeconds(deadline + 30L)) && allWell;
            return print(platform, client, ledger, before, faults, well, sick[0], allEnded);
        }
    }

    /// Submits jobs and measures what the healthy ones do until none waits any more.
    private static Load load(Platform platform, Client client, Ledger ledger, int count)
            throws InterruptedException {
        var submit = new Submit(client, ledger);
        for (int i = 0; i < count; i++) {
            submit.job(Submit.picture("load " + i, STEPS, LONGEST_RUN));
        }
        long began = System.nanoTime();
        var waiting =
                platform.database().sql("SELECT EXISTS (SELECT FROM queue)").query(Boolean.class);
        while (waiting.single()) {
            TimeUnit.MILLISECONDS.sleep(100);
        }
        long ended = System.nanoTime();
        long done =
                platform.comfyUis().stream()
                        .skip(SICK)
                        .flatMap(comfyUi -> comfyUi.executions().stream())
                        .filter(run -> run.outcome() == Execution.Outcome.SUCCEEDED)
                        .filter(run -> run.endedNanos() > began && run.endedNanos() <= ended)
                        .count();
        return new Load(done / ((ended - began) / 1e9) / (ALL - SICK));
    }

    private boolean print(
            Platform platform,
            Client client,
            Ledger ledger,
            int before,
            Sickness faults,
            Load well,
            Load sick,
            boolean allEnded)
            throws IOException, InterruptedException {
        System.out.printf("%n%-22s %s%n", "fault", "times");
        faults.caused()
                .forEach((kind, times) -> System.out.printf("%-22s %5d%n", kind.word(), times));
        var ends = new TreeMap<String, Integer>();
        var wrong = new ArrayList<String>();
        for (var job : ledger.ended()) {
            var code = job.path("error").path("code").asString("");
            ends.merge(job.path("status").asString() + " " + code, 1, Integer::sum);
            if (!isRight(job, code)) {
                wrong.add(
                        "%s ended %s %s after %s attempts"
                                .formatted(
                                        job.path("job_id"),
                                        job.path("status"),
                                        code,
                                        job.path("attempt").path("number")));
            }
        }
        System.out.printf("%n%-36s %s%n", "end", "jobs");
        ends.forEach((end, count) -> System.out.printf("%-36s %5d%n", end, count));
        EXPLAINED_BY.forEach((code, kind) -> {
            int failed = ends.getOrDefault("failed " + code, 0);
            if (failed > faults.caused().getOrDefault(kind, 0)) {
                wrong.add(
                        "%d jobs failed with %s, more than %s explains"
                                .formatted(failed, code, kind.word()));
            }
        });
        wrong.addAll(ledger.broken(client, platform.database()));
        platform.brokenInvariants().forEach(rule -> wrong.add("invariant " + rule));
        double kept = sick.healthyPerSecond() / well.healthyPerSecond();
        long executions = platform.comfyUis().stream().mapToLong(c -> c.executions().size()).sum();
        System.out.printf(
                """

                jobs                       %d without faults, %d with
                lost, ended twice          %d, %d
                ended within               %s (deadline %d s)
                executions per job         %.2f
                healthy, jobs/s each       %.3f without faults elsewhere, %.3f with: %.1f %%
                seed                       %d
                """,
                before,
                ledger.accepted() - before,
                ledger.lost(),
                ledger.duplicated(),
                Times.of(ledger.took()),
                deadline,
                (double) executions / ledger.accepted(),
                well.healthyPerSecond(),
                sick.healthyPerSecond(),
                100 * kept,
                seed);
        if (!allEnded) {
            wrong.add("Not every job ended within %d + 30 s".formatted(deadline));
        }
        if (kept < 0.95) {
            wrong.add("The healthy ComfyUIs kept only %.1f %%".formatted(100 * kept));
        }
        wrong.forEach(what -> System.out.println("BROKEN: " + what));
        return wrong.isEmpty();
    }

    /// Whether a job ended as something that happened to it explains.
    private static boolean isRight(JsonNode job, String code) {
        return switch (job.path("status").asString()) {
            case "succeeded" -> true;
            case "failed" ->
                    EXPLAINED_BY.containsKey(code)
                            || (RETRYABLE.contains(code)
                                    && job.path("attempt").path("number").intValue()
                                            >= job.path("attempt").path("max").intValue());
            default -> false;
        };
    }

    /// Makes some ComfyUIs misbehave, one fault after the other.
    private static final class Sickness {

        private final List<ComfyUiSimulator> victims;
        private final Random random;
        private final int pause;
        private final Map<FaultKind, Integer> caused = new EnumMap<>(FaultKind.class);
        private final AtomicBoolean enough = new AtomicBoolean();

        Sickness(List<ComfyUiSimulator> victims, Random random, int pause) {
            this.victims = victims;
            this.random = random;
            this.pause = pause;
        }

        Map<FaultKind, Integer> caused() {
            return caused;
        }

        void stopAfterEveryKind() {
            enough.set(true);
        }

        Void run() throws InterruptedException {
            do {
                var kinds = new ArrayList<>(Arrays.asList(FaultKind.values()));
                Collections.shuffle(kinds, random);
                for (var kind : kinds) {
                    if (enough.get() && caused.size() == FaultKind.values().length) {
                        break;
                    }
                    var victim = victims.get(random.nextInt(victims.size()));
                    cause(victim, kind);
                    TimeUnit.MILLISECONDS.sleep(pause / 2 + random.nextInt(pause));
                }
            } while (!enough.get());
            victims.forEach(victim -> victim.faults().clear());
            return null;
        }

        private void cause(ComfyUiSimulator victim, FaultKind kind) {
            var fault = Fault.of(kind);
            switch (kind) {
                case IGNORED_CANCEL,
                        SILENT_SOCKETS,
                        STALLED_SOCKETS,
                        TWIN_SOCKETS,
                        CUT_HTTP,
                        NAN_JSON,
                        SLOW_HTTP ->
                        fault = fault.with("lasting", "2s");
                case HTTP_500, GARBAGE_JSON -> fault = fault.with("count", 5);
                case SLOW_DOWNLOAD ->
                        fault = fault.with("bytesPerSecond", 10).with("lasting", "2s");
                case MODEL_LOAD_TIME -> fault = fault.with("delay", "3s").with("lasting", "5s");
                case DELETED_OUTPUTS -> {
                    var finished =
                            victim.executions().reversed().stream()
                                    .filter(r -> r.outcome() == Execution.Outcome.SUCCEEDED)
                                    .findFirst();
                    if (finished.isEmpty()) {
                        return;
                    }
                    fault = fault.with("promptId", finished.get().promptId());
                }
                default -> {
                    // As it comes.
                }
            }
            victim.faults().cause(fault);
            caused.merge(kind, 1, Integer::sum);
        }
    }
}
