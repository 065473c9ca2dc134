package dev.comfyapi.benchmarks;

import dev.comfyapi.api.ApiApplication;
import dev.comfyapi.api.account.AdminKeyCommand;
import dev.comfyapi.db.job.JobClassStore;
import dev.comfyapi.db.job.JobStore;
import dev.comfyapi.embedded.KafkaServer;
import dev.comfyapi.embedded.PostgresServer;
import dev.comfyapi.model.job.JobClass;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.workflow.Needs;

import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DriverManagerDataSource;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;

/// What it costs to know who asks: the same GET of a job, in turns from a service that is open and
/// from one that asks for keys and counts requests, in one process on one database.
@Command(name = "auth-cost", description = "GET of a job with and without a key.")
final class AuthCost implements Callable<Integer> {

    @Option(names = "--requests", description = "Of each kind (${DEFAULT-VALUE})")
    private int requests = 10_000;

    @Override
    public Integer call() throws Exception {
        var folder = Files.createTempDirectory("auth-cost");
        try (var postgres =
                        PostgresServer.start(folder.resolve("data"), Path.of(".data", "programs"));
                var kafka = KafkaServer.start(folder.resolve("kafka"));
                var open = api(postgres, kafka, folder, "open");
                var locked = api(postgres, kafka, folder, "keys");
                var http = HttpClient.newHttpClient()) {
            var jdbc = JdbcClient.create(new DriverManagerDataSource(postgres.jdbcUrl()));
            // With a limit, so that counting is part of the cost.
            jdbc.sql("UPDATE tenant SET polls_minute = 100000000, submits_minute = 1000").update();
            var key = AdminKeyCommand.make("--spring.datasource.url=" + postgres.jdbcUrl());
            var job = aJob(jdbc);
            var without = HttpRequest.newBuilder(uri(open, job)).build();
            var with =
                    HttpRequest.newBuilder(uri(locked, job))
                            .header("Authorization", "Bearer " + key)
                            .build();
            for (int i = 0; i < requests; i++) {
                nanos(http, without);
                nanos(http, with);
            }
            var openNanos = new long[requests];
            var keyNanos = new long[requests];
            for (int i = 0; i < requests; i++) {
                openNanos[i] = nanos(http, without);
                keyNanos[i] = nanos(http, with);
            }
            print(openNanos, keyNanos);
        }
        return 0;
    }

    private void print(long[] open, long[] keys) {
        Arrays.sort(open);
        Arrays.sort(keys);
        double without = open[requests / 2] / 1e6;
        double with = keys[requests / 2] / 1e6;
        System.out.printf(
                "GET of a job, open       p50 %.3f ms, p99 %.3f ms (%d)%n",
                without, open[requests * 99 / 100] / 1e6, requests);
        System.out.printf(
                "GET of a job, with a key p50 %.3f ms, p99 %.3f ms%n",
                with, keys[requests * 99 / 100] / 1e6);
        System.out.printf(
                "A key costs %.3f ms at the median, a factor of %.2f%n",
                with - without, with / without);
    }

    private static JobId aJob(JdbcClient jdbc) {
        int classId = new JobClassStore(jdbc).idOf(Needs.of(Picture.GRAPH, JobClass.DEFAULT_POOL));
        var job = Picture.job(classId);
        new JobStore(jdbc).submit(1, List.of(job));
        return job.id();
    }

    private static ConfigurableApplicationContext api(
            PostgresServer postgres, KafkaServer kafka, Path folder, String mode) {
        return new SpringApplicationBuilder(ApiApplication.class)
                .web(WebApplicationType.SERVLET)
                .registerShutdownHook(false)
                .run(
                        "--server.port=0",
                        "--spring.jmx.enabled=false",
                        "--spring.datasource.url=" + postgres.jdbcUrl(),
                        "--comfyapi.kafka.servers=" + kafka.address(),
                        "--comfyapi.artifacts.folder=" + folder.resolve("artifacts"),
                        "--comfyapi.dispatch.enabled=false",
                        "--comfyapi.auth.mode=" + mode);
    }

    private static URI uri(ConfigurableApplicationContext api, JobId job) {
        return URI.create(
                "http://127.0.0.1:%s/api/v1/jobs/%s"
                        .formatted(
                                api.getEnvironment().getRequiredProperty("local.server.port"),
                                job));
    }

    private static long nanos(HttpClient http, HttpRequest request) throws Exception {
        long began = System.nanoTime();
        int status = http.send(request, HttpResponse.BodyHandlers.ofByteArray()).statusCode();
        long took = System.nanoTime() - began;
        if (status != 200) {
            throw new IllegalStateException("answered with " + status);
        }
        return took;
    }
}
