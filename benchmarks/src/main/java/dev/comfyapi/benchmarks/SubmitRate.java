package dev.comfyapi.benchmarks;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;

import dev.comfyapi.db.job.JobClassStore;
import dev.comfyapi.db.job.JobStore;
import dev.comfyapi.embedded.PostgresServer;
import dev.comfyapi.model.job.JobClass;
import dev.comfyapi.model.workflow.Needs;

import org.flywaydb.core.Flyway;
import org.springframework.jdbc.core.simple.JdbcClient;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;

/// Submits per second against raw one-row inserts of the same size, alternating on one Postgres.
///
/// The raw insert is the least that durably accepts a request: one row, one index, one commit. Both
/// are limited by the flush of the log at commit, which concurrent commits share.
@Command(name = "submit-rate", description = "Submits against raw inserts of the same size.")
final class SubmitRate implements Callable<Integer> {

    @Option(names = "--clients", description = "Connections at the same time (${DEFAULT-VALUE})")
    private int clients = 8;

    @Option(names = "--seconds", description = "Length of each round (${DEFAULT-VALUE})")
    private int seconds = 5;

    @Option(names = "--rounds", description = "Rounds of each (${DEFAULT-VALUE})")
    private int rounds = 5;

    @Override
    public Integer call() throws Exception {
        var folder = Files.createTempDirectory("submit-rate");
        try (var postgres =
                PostgresServer.start(folder.resolve("data"), Path.of(".data", "programs"))) {
            Flyway.configure().dataSource(postgres.jdbcUrl(), null, null).load().migrate();
            var config = new HikariConfig();
            config.setJdbcUrl(postgres.jdbcUrl());
            config.setMaximumPoolSize(clients);
            try (var pool = new HikariDataSource(config)) {
                measure(JdbcClient.create(pool));
            }
        }
        return 0;
    }

    private void measure(JdbcClient jdbc) throws Exception {
        var jobs = new JobStore(jdbc);
        int classId = new JobClassStore(jdbc).idOf(Needs.of(Picture.GRAPH, JobClass.DEFAULT_POOL));
        jdbc.sql("CREATE TABLE raw (id uuid PRIMARY KEY, tenant_id int, body bytea)").update();
        var graph = Picture.GRAPH.toBytes();
        var params = Picture.PARAMS.getBytes(java.nio.charset.StandardCharsets.UTF_8);
        var body = Arrays.copyOf(graph, graph.length + params.length);
        Runnable raw =
                () ->
                        jdbc.sql("INSERT INTO raw VALUES (?, 1, ?)")
                                .params(Picture.newId().value(), body)
                                .update();
        Runnable submit = () -> jobs.submit(1, List.of(Picture.job(classId)));
        Runnable batch =
                () ->
                        jobs.submit(
                                1,
                                IntStream.range(0, 100)
                                        .mapToObj(_ -> Picture.job(classId))
                                        .toList());

        perSecond(raw);
        perSecond(submit);
        var rawRates = new ArrayList<Double>();
        var submitRates = new ArrayList<Double>();
        var batchRates = new ArrayList<Double>();
        System.out.println(
                "round   raw inserts/s   submits/s   ratio   in batches of 100/s   ratio");
        for (int round = 1; round <= rounds; round++) {
            rawRates.add(perSecond(raw));
            submitRates.add(perSecond(submit));
            batchRates.add(100 * perSecond(batch));
            System.out.printf(
                    "%5d %15.0f %11.0f %7.2f %21.0f %7.2f%n",
                    round,
                    rawRates.getLast(),
                    submitRates.getLast(),
                    submitRates.getLast() / rawRates.getLast(),
                    batchRates.getLast(),
                    batchRates.getLast() / rawRates.getLast());
        }
        System.out.printf(
                "median %14.0f %11.0f %7.2f %21.0f %7.2f   (body of %d bytes, %d clients)%n",
                median(rawRates),
                median(submitRates),
                median(submitRates) / median(rawRates),
                median(batchRates),
                median(batchRates) / median(rawRates),
                body.length,
                clients);
    }

    private double perSecond(Runnable work) throws Exception {
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        long began = System.nanoTime();
        long count = 0;
        try (var threads = Executors.newFixedThreadPool(clients)) {
            var counts = new ArrayList<Future<Long>>();
            for (int i = 0; i < clients; i++) {
                counts.add(
                        threads.submit(() -> {
                            long done = 0;
                            while (System.nanoTime() < end) {
                                work.run();
                                done++;
                            }
                            return done;
                        }));
            }
            for (var done : counts) {
                count += done.get();
            }
        }
        return count / ((System.nanoTime() - began) / 1e9);
    }

    private static double median(List<Double> values) {
        return values.stream().sorted().skip(values.size() / 2).findFirst().orElseThrow();
    }
}
