package dev.comfyapi.benchmarks;

import dev.comfyapi.model.generation.GenerationRequest;
import dev.comfyapi.model.generation.PictureGraph;
import dev.comfyapi.model.generation.Seed;
import dev.comfyapi.simulator.ComfyUiSimulator;
import dev.comfyapi.simulator.Execution;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// How long ComfyUI has nothing to do between two jobs while others wait, by the simulator's own
/// clock; and how much of what ComfyUI does by itself, with all prompts in its own queue from the
/// start, it does behind the platform.
@Command(
        name = "gpu-idle",
        description =
                "GPU idle between two jobs of about 200 ms with a backlog, against posting the prompts"
                        + " straight to ComfyUI.")
final class GpuIdle implements Callable<Integer> {

    private static final int BATCH = 10;
    private static final int STEPS = 10;
    private static final Duration STEP = Duration.ofMillis(20);

    @Option(names = "--batches", description = "Batches of ten jobs in a round (${DEFAULT-VALUE})")
    private int batches = 12;

    @Option(names = "--rounds", description = "Rounds of each (${DEFAULT-VALUE})")
    private int rounds = 3;

    @Override
    public Integer call() throws Exception {
        try (var platform = new Platform(STEP);
                var alone = ComfyUiSimulator.builder().stepDelay(STEP).start()) {
            post(platform, 1);
            postStraight(alone, BATCH);
            var behind = new ArrayList<List<Execution>>();
            var straight = new ArrayList<List<Execution>>();
            for (int round = 0; round < rounds; round++) {
                int before = alone.executions().size();
                postStraight(alone, batches * BATCH);
                straight.add(runs(alone, before));
                before = platform.comfyUi().executions().size();
                post(platform, batches);
                behind.add(runs(platform.comfyUi(), before));
            }
            print("behind the platform", behind);
            print("straight to ComfyUI", straight);
            System.out.printf(
                    "jobs a second behind the platform to straight: %.3f%n",
                    perSecond(behind) / perSecond(straight));
        }
        return 0;
    }

    private static void post(Platform platform, int batches) {
        var requests =
                IntStream.range(0, BATCH)
                        .mapToObj(i ->
                                """
                                {"prompt": "backlog %d", "width": 64, "height": 64, "steps": %d}
                                """
                                        .formatted(i, STEPS))
                        .collect(Collectors.joining(","));
        var body = "{\"requests\": [%s]}".formatted(requests);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < batches; i++) {
                threads.submit(() -> platform.post("/api/v1/generate/batch", body));
            }
        }
    }

    private static void postStraight(ComfyUiSimulator comfyUi, int prompts)
            throws IOException, InterruptedException {
        int before = comfyUi.executions().size();
        try (var http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
            for (int i = 0; i < prompts; i++) {
                var body = "{\"prompt\": %s}".formatted(graph(before + i));
                var answer =
                        http.send(
                                HttpRequest.newBuilder(URI.create(comfyUi.uri() + "/prompt"))
                                        .POST(HttpRequest.BodyPublishers.ofString(body))
                                        .build(),
                                HttpResponse.BodyHandlers.ofString());
                if (answer.statusCode() != 200) {
                    throw new IOException(answer.body());
                }
            }
        }
        while (comfyUi.executions().stream().filter(run -> run.endedNanos() > 0).count()
                < before + prompts) {
            Thread.sleep(20);
        }
    }

    private static String graph(long seed) {
        var request =
                new GenerationRequest(
                        "backlog",
                        "",
                        64,
                        64,
                        STEPS,
                        GenerationRequest.DEFAULT_CFG_SCALE,
                        "euler",
                        "normal",
                        new Seed(seed),
                        "sd15.safetensors",
                        1,
                        List.of());
        return new String(PictureGraph.of(request).toBytes(), StandardCharsets.UTF_8);
    }

    private static List<Execution> runs(ComfyUiSimulator comfyUi, int before) {
        return comfyUi.executions().stream()
                .skip(before)
                .sorted(Comparator.comparingLong(Execution::startedNanos))
                .toList();
    }

    private static void print(String how, List<List<Execution>> rounds) {
        System.out.println(how);
        System.out.println("  run           " + Figures.of(lengths(rounds.stream())));
        System.out.println(
                "  idle between  "
                        + Figures.of(
                                rounds.stream()
                                        .flatMapToLong(runs ->
                                                IntStream.range(1, runs.size())
                                                        .mapToLong(i ->
                                                                runs.get(i).startedNanos()
                                                                        - runs.get(i - 1)
                                                                                .endedNanos()))
                                        .toArray()));
        System.out.printf(
                "  busy          %.1f %% of the time, %.3f jobs/s%n",
                100.0 * Arrays.stream(lengths(rounds.stream())).sum() / whole(rounds),
                perSecond(rounds));
    }

    private static long[] lengths(Stream<List<Execution>> rounds) {
        return rounds.flatMap(List::stream)
                .mapToLong(run -> run.endedNanos() - run.startedNanos())
                .toArray();
    }

    private static double perSecond(List<List<Execution>> rounds) {
        return rounds.stream().mapToInt(List::size).sum() / (whole(rounds) / 1e9);
    }

    private static long whole(List<List<Execution>> rounds) {
        return rounds.stream()
                .mapToLong(runs -> runs.getLast().endedNanos() - runs.getFirst().startedNanos())
                .sum();
    }
}
