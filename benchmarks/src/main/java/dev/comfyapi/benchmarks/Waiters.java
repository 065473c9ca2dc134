package dev.comfyapi.benchmarks;

import dev.comfyapi.db.job.JobClassStore;
import dev.comfyapi.db.job.JobStore;
import dev.comfyapi.db.lease.LeaseStore;
import dev.comfyapi.db.queue.Assigning;
import dev.comfyapi.db.queue.Group;
import dev.comfyapi.db.queue.LeaderStore;
import dev.comfyapi.db.worker.Catalogue;
import dev.comfyapi.db.worker.WorkerStore;
import dev.comfyapi.embedded.KafkaServer;
import dev.comfyapi.embedded.PostgresServer;
import dev.comfyapi.messaging.MessageSender;
import dev.comfyapi.messaging.Topics;
import dev.comfyapi.model.job.JobClass;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.JobState;
import dev.comfyapi.model.job.Priority;
import dev.comfyapi.model.message.JobEvent;
import dev.comfyapi.model.workflow.Needs;

import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;
import org.springframework.kafka.core.DefaultKafkaProducerFactory;
import org.springframework.kafka.core.KafkaTemplate;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/// Thousands of clients that wait for jobs at one API process with a small heap: what that costs,
/// and how soon they are told of an end.
///
/// The part of the workers is played here: a job's end is stored, then said over Kafka. The clock
/// runs from the moment it is stored to the moment the client has the answer, or `done`.
@Command(name = "waiters", description = "Waiting requests and streams at one API process.")
final class Waiters implements Callable<Integer> {

    @Option(names = "--waiters", description = "Long-polls (${DEFAULT-VALUE})")
    private int waiters = 5_000;

    @Option(names = "--streams", description = "Server-sent events (${DEFAULT-VALUE})")
    private int streams = 2_000;

    @Option(names = "--ends", description = "Jobs that end, of both in turn (${DEFAULT-VALUE})")
    private int ends = 1_000;

    @Option(names = "--rate", description = "Ends a second (${DEFAULT-VALUE})")
    private int rate = 20;

    @Option(names = "--heap", description = "Heap of the API process (${DEFAULT-VALUE})")
    private String heap = "512m";

    private final Map<JobId, Long> told = new ConcurrentHashMap<>();
    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private int port;

    @Override
    public Integer call() throws Exception {
        var folder = Files.createTempDirectory("waiters");
        try (var postgres =
                        PostgresServer.start(
                                folder.resolve("data"),
                                Files.createDirectories(Path.of(".data", "programs")));
                var kafka = KafkaServer.start(folder.resolve("kafka"))) {
            var started =
                    ApiProcess.start(
                            folder,
                            postgres,
                            kafka,
                            heap,
                            "--comfyapi.auth.mode=open",
                            "--comfyapi.max-streams=100000",
                            "--comfyapi.max-all-streams=100000",
                            "--comfyapi.max-wait=30m");
            port = started.port();
            var api = started.process();
            try {
                measure(api, postgres, kafka);
            } finally {
                api.destroy();
                System.out.printf(
                        "SIGTERM with everybody still waiting: exit %s%n",
                        api.waitFor(30, TimeUnit.SECONDS)
                                ? Integer.toString(api.exitValue())
                                : "not within 30 s");
                api.destroyForcibly();
            }
        }
        return 0;
    }

    private String get(String path) throws IOException, InterruptedException {
        return http.send(HttpRequest.newBuilder(uri(path)).build(), BodyHandlers.ofString()).body();
    }

    private URI uri(String path) {
        return URI.create("http://127.0.0.1:%d%s".formatted(port, path));
    }

    private void measure(Process api, PostgresServer postgres, KafkaServer kafka) throws Exception {
        try (var connection = new SingleConnectionDataSource(postgres.jdbcUrl(), true)) {
            var jdbc = JdbcClient.create(connection);
            var sender = new MessageSender(kafka(kafka));
            sender.start();
            // The first message waits for the producer to find its brokers.
            sender.publish(new JobEvent.Requeued(Picture.newId()));
            var jobs = new JobStore(jdbc);
            int classId =
                    new JobClassStore(jdbc).idOf(Needs.of(Picture.GRAPH, JobClass.DEFAULT_POOL));
            var all = submit(jobs, classId, waiters + streams);
            var waiting = all.subList(0, waiters);
            var following = all.subList(waiters, all.size());

            long began = System.nanoTime();
            open(waiting, 0, this::await);
            open(following, waiters, this::follow);
            System.out.printf(
                    "%d waits and %d streams open after %.1f s%n",
                    waiters, streams, (System.nanoTime() - began) / 1e9);
            print(api, jdbc);

            var worker =
                    new WorkerStore(jdbc)
                            .register(
                                    new WorkerStore.Registration(
                                            "worker",
                                            JobClass.DEFAULT_POOL,
                                            Topics.LANE_COUNT,
                                            null,
                                            "0.33.0",
                                            new Catalogue(
                                                    new TreeSet<>(),
                                                    new TreeSet<>(),
                                                    new TreeSet<>(),
                                                    new TreeSet<>(),
                                                    "{}")));
            var endOfWaits = new ArrayList<JobId>();
            var endOfStreams = new ArrayList<JobId>();
            var ended = new ConcurrentHashMap<JobId, Long>();
            long next = System.nanoTime();
            for (int i = 0; i < ends; i++) {
                var list = i % 2 == 0 ? waiting : following;
                if (i / 2 >= list.size()) {
                    continue;
                }
                var job = list.get(i / 2);
                (i % 2 == 0 ? endOfWaits : endOfStreams).add(job);
                end(jdbc, classId, job, worker.id(), ended);
                sender.publish(new JobEvent.Finished(job, JobState.SUCCEEDED));
                next += 1_000_000_000L / rate;
                TimeUnit.NANOSECONDS.sleep(next - System.nanoTime());
            }
            long until = System.nanoTime() + Duration.ofSeconds(30).toNanos();
            while (!told.keySet().containsAll(ended.keySet()) && System.nanoTime() < until) {
                Thread.sleep(50);
            }
            System.out.println("end stored → wait answered   " + figures(endOfWaits, ended));
            System.out.println("end stored → stream told     " + figures(endOfStreams, ended));
            print(api, jdbc);
            sender.stop();
        }
    }

    private static void end(
            JdbcClient jdbc, int classId, JobId job, long worker, Map<JobId, Long> ended) {
        var group = new Group(1, classId, Priority.NORMAL.band());
        var lease =
                new LeaderStore(jdbc)
                        .assign(List.of(new Assigning(group, job, worker)))
                        .getFirst()
                        .lease();
        var _ =
                new LeaseStore(jdbc, Duration.ofSeconds(1))
                        .complete(
                                lease,
                                new LeaseStore.Result(1_000, 900, 10, "{\"artifacts\": []}"));
        ended.put(job, System.nanoTime());
    }

    private String figures(List<JobId> jobs, Map<JobId, Long> ended) {
        var times =
                jobs.stream()
                        .filter(told::containsKey)
                        .mapToLong(job -> told.getOrDefault(job, 0L) - ended.getOrDefault(job, 0L))
                        .toArray();
        return Figures.of(times)
                + (times.length < jobs.size()
                        ? ", and %d were not told".formatted(jobs.size() - times.length)
                        : "");
    }

    private static KafkaTemplate<byte[], byte[]> kafka(KafkaServer kafka) {
        return new KafkaTemplate<>(
                new DefaultKafkaProducerFactory<>(
                        Map.of(
                                ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
                                kafka.address(),
                                ProducerConfig.LINGER_MS_CONFIG,
                                0),
                        new ByteArraySerializer(),
                        new ByteArraySerializer()));
    }

    private static List<JobId> submit(JobStore jobs, int classId, int count) {
        var ids = new ArrayList<JobId>();
        for (int done = 0; done < count; done += 500) {
            var some =
                    IntStream.range(0, Math.min(500, count - done))
                            .mapToObj(_ -> Picture.job(classId))
                            .toList();
            jobs.submit(1, some);
            some.forEach(job -> ids.add(job.id()));
        }
        return ids;
    }

    /// A hundred at a time, so that it is waiting that is measured and not coming.
    private void open(List<JobId> jobs, int before, Consumer<JobId> client) throws Exception {
        long until = System.nanoTime() + Duration.ofMinutes(10).toNanos();
        for (int i = 0; i < jobs.size(); i += 100) {
            var some = jobs.subList(i, Math.min(jobs.size(), i + 100));
            some.forEach(client);
            while (metric("comfyapi_jobs_waiters ") < before + i + some.size()) {
                if (System.nanoTime() > until) {
                    throw new IllegalStateException(
                            "only %.0f are open".formatted(metric("comfyapi_jobs_waiters ")));
                }
                Thread.sleep(20);
            }
        }
    }

    private void await(JobId job) {
        var request =
                HttpRequest.newBuilder(uri("/api/v1/jobs/%s?wait_s=1800".formatted(job))).build();
        var _ =
                http.sendAsync(request, BodyHandlers.ofString())
                        .thenAccept(response -> {
                            if (response.body().contains("\"succeeded\"")) {
                                told.put(job, System.nanoTime());
                            } else if (response.statusCode() == 503) {
                                later(() -> await(job));
                            }
                        });
    }

    private void follow(JobId job) {
        var request = HttpRequest.newBuilder(uri("/api/v1/jobs/%s/events".formatted(job))).build();
        var lines =
                new Lines(line -> {
                    if (line.equals("event: done")) {
                        told.put(job, System.nanoTime());
                    }
                });
        var _ =
                http.sendAsync(request, BodyHandlers.fromLineSubscriber(lines))
                        .thenAccept(response -> {
                            if (response.statusCode() == 503) {
                                later(() -> follow(job));
                            }
                        });
    }

    /// A busy database is no waiting client.
    private static void later(Runnable again) {
        CompletableFuture.delayedExecutor(1, TimeUnit.SECONDS).execute(again);
    }

    private double metric(String name) throws IOException, InterruptedException {
        return get("/metrics")
                .lines()
                .filter(line -> line.startsWith(name))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    /// What it costs while ten seconds pass.
    private void print(Process api, JdbcClient jdbc) throws Exception {
        long before = commits(jdbc);
        new CountDownLatch(1).await(10, TimeUnit.SECONDS);
        double statements = (commits(jdbc) - before) / 10.0;
        var status = Files.readString(Path.of("/proc/%d/status".formatted(api.pid())));
        System.out.printf(
                "  open %.0f, threads of the process %s, resident %s%n",
                metric("comfyapi_jobs_waiters "), field(status, "Threads"), field(status, "VmRSS"));
        System.out.printf(
                "  heap %.0f MB after the last collection (%s), connections to Postgres %d, transactions/s %.1f%n",
                metric("jvm_gc_live_data_size_bytes ") / 1e6,
                heap,
                jdbc.sql(
                                """
                                SELECT count(*) FROM pg_stat_activity WHERE application_name = 'comfyapi-api'
                                """)
                        .query(Long.class)
                        .single(),
                statements);
    }

    private static String field(String status, String name) {
        return status.lines()
                .filter(line -> line.startsWith(name + ":"))
                .map(line -> line.substring(name.length() + 1).strip())
                .findFirst()
                .orElse("?");
    }

    private static long commits(JdbcClient jdbc) {
        return jdbc.sql(
                        "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
                .query(Long.class)
                .single();
    }
}
