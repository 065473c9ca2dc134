package dev.comfyapi.benchmarks;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;

import dev.comfyapi.api.dispatch.Looks;
import dev.comfyapi.db.job.JobClassStore;
import dev.comfyapi.db.job.JobStore;
import dev.comfyapi.db.lease.LeaseStore;
import dev.comfyapi.db.queue.LeaderStore;
import dev.comfyapi.db.secret.GraphSeal;
import dev.comfyapi.db.secret.SecretStore;
import dev.comfyapi.db.worker.Catalogue;
import dev.comfyapi.db.worker.WorkerStore;
import dev.comfyapi.messaging.MessageSender;
import dev.comfyapi.messaging.Topics;
import dev.comfyapi.model.job.JobClass;

import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.flywaydb.core.Flyway;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;
import org.springframework.kafka.core.DefaultKafkaProducerFactory;
import org.springframework.kafka.core.KafkaTemplate;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.IntStream;

/// A database full of waiting jobs of several tenants and classes, and workers that could run all
/// of them; with the real stores and the leader's real looks. Kafka is not part of it: messages are
/// made and dropped.
final class WaitingJobs implements AutoCloseable {

    private static final int AT_ONCE = 500;

    final HikariDataSource pool;
    final JdbcClient jdbc;
    final LeaseStore leases;
    final WorkerStore workers;
    final Looks looks;
    final List<Long> workerIds = new ArrayList<>();
    private final JobStore jobs;
    private final Connection leader;
    private final List<Integer> classes = new ArrayList<>();
    private final int tenants;
    private int turn;

    /// @param runMs how long the leader expects a job of any class to run
    /// @param settings of `comfyapi.dispatch`
    WaitingJobs(
            String url,
            int connections,
            int tenants,
            int classCount,
            int workerCount,
            int runMs,
            Map<String, String> settings)
            throws SQLException {
        this.tenants = tenants;
        var config = new HikariConfig();
        config.setJdbcUrl(url);
        config.setMaximumPoolSize(connections);
        config.setMinimumIdle(1);
        pool = new HikariDataSource(config);
        Flyway.configure().dataSource(pool).load().migrate();
        jdbc = JdbcClient.create(pool);
        jobs = new JobStore(jdbc);
        leases = new LeaseStore(jdbc, Duration.ofSeconds(5));
        workers = new WorkerStore(jdbc);
        int _ =
                jdbc.sql(
                                """
                                INSERT INTO tenant (id, name)
                                SELECT id, 'tenant ' || id FROM generate_series(2, ?) AS id
                                """)
                        .param(tenants)
                        .update();
        int _ = jdbc.sql("UPDATE tenant SET max_running = 100000").update();
        var classStore = new JobClassStore(jdbc);
        var models = new TreeSet<String>();
        for (int i = 0; i < classCount; i++) {
            var model = "checkpoints/model-%d.safetensors".formatted(i);
            models.add(model);
            classes.add(
                    classStore.idOf(
                            new JobClass(
                                    model,
                                    List.of(model),
                                    List.of("KSampler"),
                                    0,
                                    JobClass.DEFAULT_POOL)));
        }
        int _ =
                jdbc.sql("UPDATE job_class SET est_run_ms = ?, est_load_ms = 1, est_runs = 10")
                        .param(runMs)
                        .update();
        var catalogue =
                new Catalogue(
                        models,
                        new TreeSet<>(List.of("KSampler")),
                        new TreeSet<>(),
                        new TreeSet<>(),
                        "{}");
        for (int i = 0; i < workerCount; i++) {
            workerIds.add(
                    workers.register(
                                    new WorkerStore.Registration(
                                            "gpu-" + i,
                                            JobClass.DEFAULT_POOL,
                                            Topics.LANE_COUNT,
                                            null,
                                            "0.33.0",
                                            catalogue))
                            .id());
        }
        leader = pool.getConnection();
        looks =
                new Looks(
                        new LeaderStore(
                                JdbcClient.create(new SingleConnectionDataSource(leader, true))),
                        new MessageSender(nowhere()),
                        new GraphSeal(new SecretStore(jdbc)),
                        settings);
    }

    /// Never started, so that nothing is ever sent.
    private static KafkaTemplate<byte[], byte[]> nowhere() {
        return new KafkaTemplate<>(
                new DefaultKafkaProducerFactory<>(
                        Map.of(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, "127.0.0.1:1"),
                        new ByteArraySerializer(),
                        new ByteArraySerializer()));
    }

    /// Submits so many more, in turn of every tenant and every class.
    void fill(int count) {
        for (int done = 0; done < count; done += AT_ONCE) {
            int tenant = 1 + turn % tenants;
            int at = turn++ / tenants;
            jobs.submit(
                    tenant,
                    IntStream.range(0, Math.min(AT_ONCE, count - done))
                            .mapToObj(i -> Picture.job(classes.get((at + i) % classes.size())))
                            .toList());
        }
    }

    /// As a vacuum that has had time for it leaves the tables.
    void settle() {
        jdbc.sql("VACUUM ANALYZE").update();
    }

    @Override
    public void close() {
        try {
            leader.close();
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        } finally {
            pool.close();
        }
    }
}
