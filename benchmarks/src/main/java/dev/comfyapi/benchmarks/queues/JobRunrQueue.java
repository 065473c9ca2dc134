package dev.comfyapi.benchmarks.queues;

import com.zaxxer.hikari.HikariDataSource;

import org.jobrunr.configuration.JobRunr;
import org.jobrunr.configuration.JobRunrConfiguration;
import org.jobrunr.scheduling.JobScheduler;
import org.jobrunr.server.BackgroundJobServerConfiguration;
import org.jobrunr.storage.sql.postgres.PostgresStorageProvider;
import org.jobrunr.utils.mapper.jackson3.Jackson3JsonMapper;
import org.springframework.jdbc.core.simple.JdbcClient;

import java.time.Duration;
import java.util.stream.Stream;

/// JobRunr's free edition on Postgres with its shortest poll interval for SQL databases and as many
/// workers as were fastest here. It keeps each job as a row that is updated when the job starts and
/// when it has succeeded.
public final class JobRunrQueue implements QueueUnderTest {

    private static final Duration POLL = Duration.ofSeconds(5);

    private final HikariDataSource pool;
    private final String payload;
    private final int workers;
    private final PostgresStorageProvider storage;

    public JobRunrQueue(HikariDataSource pool, String payload, int workers) {
        this.pool = pool;
        this.payload = payload;
        this.workers = workers;
        this.storage = new PostgresStorageProvider(pool);
        this.storage.setJobMapper(new org.jobrunr.jobs.mappers.JobMapper(new Jackson3JsonMapper()));
    }

    @Override
    public String name() {
        return "JobRunr 8.7.0 (%d workers, poll every %d s)".formatted(workers, POLL.toSeconds());
    }

    /// Public, because JobRunr calls it by its name. Does nothing: the jobs have no length.
    public static void run(String payload) {
        if (payload.isEmpty()) {
            throw new IllegalArgumentException("a job lost its payload");
        }
    }

    @Override
    public void fill(int jobs) {
        new JobScheduler(storage)
                .enqueue(
                        Stream.generate(() -> payload).limit(jobs), text -> JobRunrQueue.run(text));
    }

    @Override
    public void drain() throws InterruptedException {
        JobRunrConfiguration configuration =
                JobRunr.configure()
                        .useStorageProvider(storage)
                        .useJsonMapper(new Jackson3JsonMapper())
                        .useBackgroundJobServer(
                                BackgroundJobServerConfiguration
                                        .usingStandardBackgroundJobServerConfiguration()
                                        .andWorkerCount(workers)
                                        .andPollInterval(POLL));
        configuration.initialize();
        try {
            var jdbc = JdbcClient.create(pool);
            var left =
                    jdbc.sql(
                                    "SELECT EXISTS (SELECT FROM jobrunr_jobs WHERE state IN ('ENQUEUED', 'PROCESSING'))")
                            .query(Boolean.class);
            while (left.single()) {
                Thread.sleep(50);
            }
        } finally {
            JobRunr.destroy();
        }
    }

    @Override
    public void close() {
        pool.close();
    }
}
