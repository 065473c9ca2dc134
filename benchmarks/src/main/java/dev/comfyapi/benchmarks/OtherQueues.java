package dev.comfyapi.benchmarks;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;

import dev.comfyapi.benchmarks.queues.DbScheduler;
import dev.comfyapi.benchmarks.queues.JobRunrQueue;
import dev.comfyapi.benchmarks.queues.OwnQueue;
import dev.comfyapi.benchmarks.queues.QueueUnderTest;
import dev.comfyapi.embedded.PostgresServer;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.function.Function;

/// The same jobs through this project's queue, db-scheduler and JobRunr, in turns on one Postgres:
/// all are stored before the clock starts, have a payload of the same size and no length, and are
/// done when their end is stored.
@Command(
        name = "other-queues",
        description = "The same jobs through this queue, db-scheduler and JobRunr.")
final class OtherQueues implements Callable<Integer> {

    @Option(names = "--jobs", description = "Jobs of each round (${DEFAULT-VALUE})")
    private int jobs = 20_000;

    @Option(names = "--rounds", description = "Rounds after a warm-up (${DEFAULT-VALUE})")
    private int rounds = 3;

    @Option(
            names = "--threads",
            description =
                    "Threads that complete our jobs, and workers of JobRunr (${DEFAULT-VALUE})")
    private int threads = 20;

    @Option(names = "--seed", description = "Decides who goes first (${DEFAULT-VALUE})")
    private long seed = 1;

    @Override
    public Integer call() throws Exception {
        var text = new String(Picture.GRAPH.toBytes(), StandardCharsets.UTF_8) + Picture.PARAMS;
        var payload = text.getBytes(StandardCharsets.UTF_8);
        var kinds = new ArrayList<Function<HikariDataSource, QueueUnderTest>>();
        kinds.add(pool -> new OwnQueue(pool, threads));
        kinds.add(pool -> new DbScheduler(pool, payload, true));
        kinds.add(pool -> new DbScheduler(pool, payload, false));
        kinds.add(pool -> new JobRunrQueue(pool, text, threads));
        var rates = new LinkedHashMap<String, List<Double>>();
        var random = new Random(seed);
        var folder = Files.createTempDirectory("other-queues");
        try (var postgres =
                PostgresServer.start(folder.resolve("data"), Path.of(".data", "programs"))) {
            for (int round = 0; round <= rounds; round++) {
                Collections.shuffle(kinds, random);
                for (var kind : kinds) {
                    int count = round == 0 ? Math.max(1, jobs / 4) : jobs;
                    try (var queue = kind.apply(pool(postgres.newDatabase()))) {
                        double rate = rate(queue, count);
                        System.out.printf(
                                "%-8s %-90s %7.0f jobs/s%n",
                                round == 0 ? "warm-up" : "round " + round, queue.name(), rate);
                        if (round > 0) {
                            rates.computeIfAbsent(queue.name(), _ -> new ArrayList<>()).add(rate);
                        }
                    }
                }
            }
        }
        print(rates, payload.length);
        return 0;
    }

    private static double rate(QueueUnderTest queue, int jobs) throws InterruptedException {
        queue.fill(jobs);
        long began = System.nanoTime();
        queue.drain();
        return jobs / ((System.nanoTime() - began) / 1e9);
    }

    private HikariDataSource pool(String url) {
        var config = new HikariConfig();
        config.setJdbcUrl(url);
        config.setMaximumPoolSize(threads + 5);
        return new HikariDataSource(config);
    }

    private void print(Map<String, List<Double>> rates, int bytes) {
        double own = Double.NaN;
        for (var row : rates.entrySet()) {
            if (row.getKey().startsWith("this")) {
                own = median(row.getValue());
            }
        }
        System.out.printf(
                "%nmedian of %d rounds of %d jobs with %d bytes each, seed %d%n",
                rounds, jobs, bytes, seed);
        for (var row : rates.entrySet()) {
            double rate = median(row.getValue());
            System.out.printf(
                    "%-90s %7.0f jobs/s   this queue is %.1f times as fast%n",
                    row.getKey(), rate, own / rate);
        }
    }

    private static double median(List<Double> values) {
        return values.stream().sorted().skip(values.size() / 2).findFirst().orElseThrow();
    }
}
