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
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;

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
            description =
                    "Seconds that it works before each measurement, and refuses before the second"
                            + " (${DEFAULT-VALUE})")
    private int warmUp = 60;

    @Option(names = "--factor", description = "How many times too fast (${DEFAULT-VALUE})")
    private int factor = 5;

    @Option(names = "--clients", description = "Most requests at one time (${DEFAULT-VALUE})")
    private int clients = 4_000;

    @Option(names = "--queued", description = "Jobs of the tenant that may wait (${DEFAULT-VALUE})")
    private int queued = 1_000_000;

    @Option(names = "--heap", description = "Heap of the API process (${DEFAULT-VALUE})")
    private String heap = "512m";

    @Override
    public Integer call() throws Exception {
        var folder = Files.createTempDirectory("overload");
        try (var postgres =
                        PostgresServer.start(
                                folder.resolve("data"),
                                Files.createDirectories(Path.of(".data", "programs")));
                var kafka = KafkaServer.start(folder.resolve("kafka"))) {
            var api = ApiProcess.start(folder, postgres, kafka, heap, "--comfyapi.auth.mode=keys");
            try (var client = new Submitter(api, key(postgres), clients)) {
                var jdbc = JdbcClient.create(new DriverManagerDataSource(postgres.jdbcUrl()));
                jdbc.sql("UPDATE tenant SET max_queued = ?").param(queued).update();
                aWorker(jdbc);
                awaitModel(client);
                measure(api, client, jdbc, warmUp, "Before it has refused anything");
                measure(api, client, jdbc, seconds, "After that");
            } finally {
                api.process().destroyForcibly();
            }
        }
        return 0;
    }

    private static String key(PostgresServer postgres) {
        return AdminKeyCommand.make("--spring.datasource.url=" + postgres.jdbcUrl());
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

    /// A process that is still being compiled takes a fraction of what it will take: that is over
    /// before its capacity is measured.
    private void measure(ApiProcess api, Submitter client, JdbcClient jdbc, int length, String what)
            throws Exception {
        var _ = capacity(client, warmUp);
        double capacity = capacity(client, 10);
        System.out.printf("%s: %d clients at a time: %.0f jobs a second%n", what, BUSY, capacity);
        var outcome = storm(client, capacity * factor, length);
        long ended = System.nanoTime();
        print(outcome, length);
        while (!isNormal(client)) {
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
    private void awaitModel(Submitter client) throws Exception {
        while (client.send().get().status() != 202) {
            Thread.sleep(200);
        }
    }

    private double capacity(Submitter client, int length) throws Exception {
        long end = System.nanoTime() + length * 1_000_000_000L;
        var taken = new AtomicLong();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < BUSY; i++) {
                var _ =
                        threads.submit(() -> {
                            while (System.nanoTime() < end) {
                                if (client.send().get().status() == 202) {
                                    taken.incrementAndGet();
                                }
                            }
                            return true;
                        });
            }
        }
        return taken.get() / (double) length;
    }

    /// What came of a storm.
    ///
    /// @param skipped not begun because too many were open
    /// @param broken connections that ended without an answer
    private record Outcome(
            Queue<Submitter.Answered> answers, AtomicLong skipped, AtomicLong broken) {

        Outcome() {
            this(new ConcurrentLinkedQueue<>(), new AtomicLong(), new AtomicLong());
        }
    }

    /// As many as are due are begun, whether earlier ones are answered or not.
    private Outcome storm(Submitter client, double rate, int length) throws InterruptedException {
        var outcome = new Outcome();
        var room = new Semaphore(clients);
        var begun = new AtomicLong();
        long began = System.nanoTime();
        try (var pace = Executors.newSingleThreadScheduledExecutor()) {
            pace.scheduleAtFixedRate(
                    () -> {
                        long due = (long) ((System.nanoTime() - began) / 1e9 * rate);
                        while (begun.get() < due) {
                            begun.incrementAndGet();
                            begin(client, room, outcome);
                        }
                    },
                    0,
                    2,
                    TimeUnit.MILLISECONDS);
            pace.schedule(pace::shutdown, length, TimeUnit.SECONDS);
            pace.awaitTermination(2L * length, TimeUnit.SECONDS);
        }
        room.acquire(clients);
        return outcome;
    }

    private static void begin(Submitter client, Semaphore room, Outcome outcome) {
        if (!room.tryAcquire()) {
            outcome.skipped().incrementAndGet();
            return;
        }
        var _ =
                client.send()
                        .whenComplete((answer, failure) -> {
                            room.release();
                            if (failure == null) {
                                outcome.answers().add(answer);
                            } else {
                                outcome.broken().incrementAndGet();
                            }
                        });
    }

    private void print(Outcome outcome, int length) {
        var answers = outcome.answers();
        Map<Integer, Long> counts = new TreeMap<>();
        answers.forEach(answer -> counts.merge(answer.status(), 1L, Long::sum));
        System.out.printf(
                "%d s at %d times that: answers by status %s, %d connections broken, %d not begun because"
                        + " %d were open%n",
                length, factor, counts, outcome.broken().get(), outcome.skipped().get(), clients);
        print("accepted", answers, true);
        print("refused", answers, false);
        System.out.println(
                "p99 of the accepted in each tenth of the time: " + byTenths(answers, length));
        System.out.printf(
                "asked %.1f times as often as a job was taken; refused without Retry-After: %d%n",
                answers.size() / (double) Math.max(1, counts.getOrDefault(202, 0L)),
                answers.stream().filter(a -> a.status() != 202 && !a.saysWhen()).count());
    }

    private static void print(String what, Queue<Submitter.Answered> answers, boolean accepted) {
        var nanos =
                answers.stream()
                        .filter(answer -> (answer.status() == 202) == accepted)
                        .mapToLong(Submitter.Answered::nanos)
                        .toArray();
        System.out.println(what + ": " + (nanos.length == 0 ? "none" : Figures.of(nanos)));
    }

    private static String byTenths(Queue<Submitter.Answered> answers, int length) {
        long began = answers.stream().mapToLong(Submitter.Answered::at).min().orElse(0);
        long tenth = length * 1_000_000_000L / 10;
        return answers.stream()
                .filter(answer -> answer.status() == 202)
                .collect(
                        Collectors.groupingBy(
                                answer -> (answer.at() - began) / tenth,
                                TreeMap::new,
                                Collectors.mapping(Submitter.Answered::nanos, Collectors.toList())))
                .values()
                .stream()
                .map(part -> Figures.of(part.stream().mapToLong(nanos -> nanos).toArray()))
                .map(figures -> "%.0f".formatted(figures.p99()))
                .collect(Collectors.joining(", ", "", " ms"));
    }

    /// Whether ten in a row are quick.
    private boolean isNormal(Submitter client) throws Exception {
        var nanos = new long[10];
        for (int i = 0; i < nanos.length; i++) {
            nanos[i] = client.send().get().nanos();
        }
        return Arrays.stream(nanos).allMatch(n -> n < NORMAL.toNanos());
    }
}
