package dev.comfyapi.benchmarks;

import com.sun.management.OperatingSystemMXBean;

import dev.comfyapi.simulator.Execution;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// How much more is done with more workers: as many waiting jobs for each, of about 200 ms and the
/// smallest pictures. Everything, simulators included, is in this one process, so that the
/// processors are what ends it; how busy they are is told with each line.
@Command(
        name = "scale-out",
        description = "Jobs a second of each worker with 1 to 32 of them, to those of one alone.")
final class ScaleOut implements Callable<Integer> {

    private static final int STEPS = 10;
    private static final Duration STEP = Duration.ofMillis(20);
    private static final int BATCH = 10;

    @Option(
            names = "--workers",
            split = ",",
            description = "How many workers, in turn (${DEFAULT-VALUE})")
    private List<Integer> fleets = List.of(1, 2, 4, 8, 16, 32);

    @Option(names = "--jobs", description = "Jobs for each worker (${DEFAULT-VALUE})")
    private int jobs = 50;

    @Override
    public Integer call() throws Exception {
        System.out.println(
                "workers   jobs/s   of each   to one alone   GPUs busy   processors busy, all and this process");
        double alone = 0;
        for (int workers : fleets) {
            try (var platform = new Platform(STEP, workers)) {
                run(platform, 1);
                double each = run(platform, workers, alone);
                if (alone == 0) {
                    alone = each;
                }
            }
        }
        return 0;
    }

    /// Wakes everything up.
    private static void run(Platform platform, int batches) throws InterruptedException {
        post(platform, batches);
        awaitEnds(platform, batches * BATCH);
    }

    /// @return jobs a second of each worker
    private double run(Platform platform, int workers, double alone) throws InterruptedException {
        int before = ended(platform).size();
        int count = workers * jobs / BATCH * BATCH;
        var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        double _ = system.getCpuLoad();
        long processor = system.getProcessCpuTime();
        long began = System.nanoTime();
        post(platform, count / BATCH);
        awaitEnds(platform, before + count);
        double took = System.nanoTime() - began;
        double all = system.getCpuLoad();
        double own =
                (system.getProcessCpuTime() - processor) / took / system.getAvailableProcessors();
        var runs = ended(platform).stream().filter(run -> run.startedNanos() >= began).toList();
        long first = runs.stream().mapToLong(Execution::startedNanos).min().orElseThrow();
        long last = runs.stream().mapToLong(Execution::endedNanos).max().orElseThrow();
        long busy = runs.stream().mapToLong(run -> run.endedNanos() - run.startedNanos()).sum();
        double perSecond = runs.size() / ((last - first) / 1e9);
        double each = perSecond / workers;
        System.out.printf(
                "%7d %8.1f %9.3f %14.3f %9.1f %% %13.0f %%, %.0f %%%n",
                workers,
                perSecond,
                each,
                alone == 0 ? 1 : each / alone,
                100.0 * busy / workers / (last - first),
                100 * all,
                100 * own);
        return each;
    }

    private static void post(Platform platform, int batches) {
        var requests =
                IntStream.range(0, BATCH)
                        .mapToObj(i ->
                                """
                                {"prompt": "one of many %d", "width": 64, "height": 64, "steps": %d}
                                """
                                        .formatted(i, STEPS))
                        .collect(Collectors.joining(","));
        var body = "{\"requests\": [%s]}".formatted(requests);
        try (var threads = Executors.newFixedThreadPool(4)) {
            for (int i = 0; i < batches; i++) {
                threads.submit(() -> platform.post("/api/v1/generate/batch", body));
            }
        }
    }

    private static List<Execution> ended(Platform platform) {
        return platform.comfyUis().stream()
                .flatMap(comfyUi -> comfyUi.executions().stream())
                .filter(run -> run.outcome() == Execution.Outcome.SUCCEEDED)
                .toList();
    }

    private static void awaitEnds(Platform platform, int count) throws InterruptedException {
        while (ended(platform).size() < count) {
            Thread.sleep(20);
        }
    }
}
