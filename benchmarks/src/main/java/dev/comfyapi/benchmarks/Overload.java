package dev.comfyapi.benchmarks;

import dev.comfyapi.api.account.AdminKeyCommand;
import dev.comfyapi.db.worker.Catalogue;
import dev.comfyapi.db.worker.WorkerStore;
import dev.comfyapi.embedded.KafkaServer;
import dev.comfyapi.embedded.PostgresServer;
import dev.comfyapi.messaging.Topics;
import dev.comfyapi.model.job.JobClass;

import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DriverManagerDataSource;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;

/// Jobs are submitted several times as fast as one API process with a small heap can take them:
/// what it takes it takes quickly, the rest it refuses, and afterwards it is as before.
@Command(name = "overload", description = "Submits several times faster than the API can take.")
final class Overload implements Callable<Integer> {

    private static final Duration NORMAL = Duration.ofMillis(100);

    /// Enough to keep the API busy at all times; with more only the answers come later.
    private static final int BUSY = 64;

    @Option(names = "--seconds", description = "How long (${DEFAULT-VALUE})")
    private int seconds = 60;

    @Option(
            names = "--warm-up",
            description = "Seconds before its capacity is measured (${DEFAULT-VALUE})")
    private int warmUp = 60;

    @Option(names = "--factor", description = "How many times too fast (${DEFAULT-VALUE})")
    private int factor = 5;

    @Option(names = "--clients", description = "Most requests at one time (${DEFAULT-VALUE})")
    private int clients = 4_000;

    @Option(names = "--queued", description = "Jobs of the tenant that may wait (${DEFAULT-VALUE})")
    private int queued = 1_000_000;

    @Option(names = "--heap", description = "Heap of the API process (${DEFAULT-VALUE})")
    private String heap = "512m";

    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    /// @param nanos until the answer; what was refused has its status
    private record Answered(int status, long nanos, boolean saysWhen) {}

    @Override
    public Integer call() throws Exception {
        var folder = Files.createTempDirectory("overload");
        try (var postgres =
                        PostgresServer.start(
                                folder.resolve("data"),
                                Files.createDirectories(Path.of(".data", "programs")));
                var kafka = KafkaServer.start(folder.resolve("kafka"))) {
            var api = ApiProcess.start(folder, postgres, kafka, heap, "--comfyapi.auth.mode=keys");
            try {
                var jdbc = JdbcClient.create(new DriverManagerDataSource(postgres.jdbcUrl()));
                jdbc.sql("UPDATE tenant SET max_queued = ?").param(queued).update();
                aWorker(jdbc);
                measure(api, submit(api, postgres), jdbc);
            } finally {
                api.process().destroyForcibly();
            }
        }
        return 0;
    }

    private static void aWorker(JdbcClient jdbc) {
        new WorkerStore(jdbc)
                .register(
                        new WorkerStore.Registration(
                                "gpu",
                                JobClass.DEFAULT_POOL,
                                Topics.LANE_COUNT,
                                null,
                                "0.33.0",
                                new Catalogue(
                                        new TreeSet<>(List.of("checkpoints/sd15.safetensors")),
                                        new TreeSet<>(Picture.GRAPH.classes().values()),
                                        new TreeSet<>(List.of("euler")),
                                        new TreeSet<>(List.of("normal")),
                                        "{}")));
    }

    private static HttpRequest submit(ApiProcess api, PostgresServer postgres) {
        var key = AdminKeyCommand.make("--spring.datasource.url=" + postgres.jdbcUrl());
        return HttpRequest.newBuilder(api.uri("/api/v1/jobs"))
                .header("Content-Type", "application/json")
                .header("Authorization", "Bearer " + key)
                .timeout(Duration.ofSeconds(60))
                .POST(
                        BodyPublishers.ofString(
                                "{\"prompt\": \"a red bicycle\", \"model\": \"sd15.safetensors\"}"))
                .build();
    }

    private void measure(ApiProcess api, HttpRequest submit, JdbcClient jdbc) throws Exception {
        awaitModel(submit);
        // A process that is still being compiled takes a fraction of what it will take.
        var _ = capacity(submit, warmUp);
        double capacity = capacity(submit, 10);
        System.out.printf("%d clients at a time: %.0f jobs a second%n", BUSY, capacity);

        var skipped = new AtomicLong();
        var broken = new AtomicLong();
        var answers = storm(submit, capacity * factor, skipped, broken);
        long ended = System.nanoTime();
        print(answers, skipped.get(), broken.get());
        while (!isNormal(submit)) {
            // Once more.
        }
        System.out.printf(
                "As before after %.1f s; waiting jobs %d; the process lives: %s, had %d MiB at most%n",
                (System.nanoTime() - ended) / 1e9,
                jdbc.sql("SELECT count(*) FROM queue").query(Long.class).single(),
                api.process().isAlive(),
                api.peakMib());
    }

    /// The API learns of the worker within seconds.
    private void awaitModel(HttpRequest submit) throws Exception {
        while (send(submit).status() != 202) {
            Thread.sleep(200);
        }
    }

    private Answered send(HttpRequest request) throws IOException, InterruptedException {
        long began = System.nanoTime();
        var answer = http.send(request, HttpResponse.BodyHandlers.ofString());
        return new Answered(
                answer.statusCode(),
                System.nanoTime() - began,
                answer.headers().firstValue("Retry-After").isPresent());
    }

    private double capacity(HttpRequest submit, int length) throws Exception {
        long end = System.nanoTime() + length * 1_000_000_000L;
        var taken = new AtomicLong();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < BUSY; i++) {
                var _ =
                        threads.submit(() -> {
                            while (System.nanoTime() < end) {
                                if (send(submit).status() == 202) {
                                    taken.incrementAndGet();
                                }
                            }
                            return true;
                        });
            }
        }
        return taken.get() / (double) length;
    }

    /// As many as are due are begun, whether earlier ones are answered or not.
    private Queue<Answered> storm(
            HttpRequest submit, double rate, AtomicLong skipped, AtomicLong broken)
            throws InterruptedException {
        var answers = new ConcurrentLinkedQueue<Answered>();
        var room = new Semaphore(clients);
        long began = System.nanoTime();
        long begun = 0;
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            while (System.nanoTime() - began < seconds * 1_000_000_000L) {
                long due = (long) ((System.nanoTime() - began) / 1e9 * rate);
                for (; begun < due; begun++) {
                    if (!room.tryAcquire()) {
                        skipped.incrementAndGet();
                        continue;
                    }
                    var _ =
                            threads.submit(() -> {
                                try {
                                    answers.add(send(submit));
                                } catch (IOException _) {
                                    broken.incrementAndGet();
                                } finally {
                                    room.release();
                                }
                                return true;
                            });
                }
                Thread.sleep(2);
            }
        }
        return answers;
    }

    private void print(Queue<Answered> answers, long skipped, long broken) {
        Map<Integer, Long> counts = new TreeMap<>();
        answers.forEach(answer -> counts.merge(answer.status(), 1L, Long::sum));
        System.out.printf(
                "%d s at %d times that: answers by status %s, %d connections broken, %d not begun because"
                        + " %d were open%n",
                seconds, factor, counts, broken, skipped, clients);
        print("accepted", answers, true);
        print("refused", answers, false);
        System.out.printf(
                "asked %.1f times as often as a job was taken; refused without Retry-After: %d%n",
                answers.size() / (double) Math.max(1, counts.getOrDefault(202, 0L)),
                answers.stream().filter(a -> a.status() != 202 && !a.saysWhen()).count());
    }

    private static void print(String what, Queue<Answered> answers, boolean accepted) {
        var nanos =
                answers.stream()
                        .filter(answer -> (answer.status() == 202) == accepted)
                        .mapToLong(Answered::nanos)
                        .toArray();
        System.out.println(what + ": " + (nanos.length == 0 ? "none" : Figures.of(nanos)));
    }

    /// Whether ten in a row are quick.
    private boolean isNormal(HttpRequest submit) throws Exception {
        var nanos = new long[10];
        for (int i = 0; i < nanos.length; i++) {
            nanos[i] = send(submit).nanos();
        }
        return Arrays.stream(nanos).allMatch(n -> n < NORMAL.toNanos());
    }
}
