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
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// What it costs to know who asks, and what the time of an answer tells: the same GET of a job, in
/// random order from a service that is open and from one that asks for keys and counts requests,
/// and from that also of a job of somebody else and of one that is not there; in one process on one
/// database.
@Command(name = "auth-cost", description = "GET of a job with and without a key, foreign, missing.")
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
            var job = aJob(jdbc, 1);
            int another =
                    jdbc.sql(
                                    """
                                    INSERT INTO tenant (id, name) VALUES (nextval('tenant_id_seq'), 'another')
                                    RETURNING id
                                    """)
                            .query(Integer.class)
                            .single();
            var foreign = aJob(jdbc, another);
            var missing = Picture.newId();
            var kinds =
                    List.of(
                            new Kind("open", HttpRequest.newBuilder(uri(open, job)).build(), 200),
                            new Kind("with a key", get(locked, job, key), 200),
                            new Kind("of another tenant", get(locked, foreign, key), 404),
                            new Kind("that is missing", get(locked, missing, key), 404));
            var nanos = new long[kinds.size()][requests];
            var order = IntStream.range(0, kinds.size()).boxed().collect(Collectors.toList());
            var random = new Random(1);
            for (int i = -requests; i < requests; i++) {
                // What comes after what costs something as well.
                Collections.shuffle(order, random);
                for (int kind : order) {
                    long took = nanos(http, kinds.get(kind));
                    if (i >= 0) {
                        nanos[kind][i] = took;
                    }
                }
            }
            print(kinds, nanos);
        }
        return 0;
    }

    /// @param status what it is answered with
    private record Kind(String name, HttpRequest request, int status) {}

    private static HttpRequest get(ConfigurableApplicationContext api, JobId job, String key) {
        return HttpRequest.newBuilder(uri(api, job))
                .header("Authorization", "Bearer " + key)
                .build();
    }

    private void print(List<Kind> kinds, long[][] nanos) {
        var medians = new double[kinds.size()];
        for (int kind = 0; kind < kinds.size(); kind++) {
            Arrays.sort(nanos[kind]);
            medians[kind] = nanos[kind][requests / 2] / 1e6;
            System.out.printf(
                    "GET of a job, %-17s p50 %.3f ms, p90 %.3f ms, p99 %.3f ms (%d)%n",
                    kinds.get(kind).name,
                    medians[kind],
                    nanos[kind][requests * 9 / 10] / 1e6,
                    nanos[kind][requests * 99 / 100] / 1e6,
                    requests);
        }
        System.out.printf(
                "A key costs %.3f ms at the median, a factor of %.2f%n",
                medians[1] - medians[0], medians[1] / medians[0]);
        System.out.printf(
                "404 of another tenant's job takes %.3f of the time of a missing one's at the median%n",
                medians[2] / medians[3]);
    }

    private static JobId aJob(JdbcClient jdbc, int tenant) {
        int classId = new JobClassStore(jdbc).idOf(Needs.of(Picture.GRAPH, JobClass.DEFAULT_POOL));
        var job = Picture.job(classId);
        new JobStore(jdbc).submit(tenant, List.of(job));
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

    private static long nanos(HttpClient http, Kind kind) throws Exception {
        long began = System.nanoTime();
        int status = http.send(kind.request, HttpResponse.BodyHandlers.ofByteArray()).statusCode();
        long took = System.nanoTime() - began;
        if (status != kind.status) {
            throw new IllegalStateException("%s: answered with %d".formatted(kind.name, status));
        }
        return took;
    }
}
