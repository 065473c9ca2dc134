package dev.comfyapi.benchmarks.queues;

import com.github.kagkarlsson.scheduler.Scheduler;
import com.github.kagkarlsson.scheduler.SchedulerClient;
import com.github.kagkarlsson.scheduler.serializer.Serializer;
import com.github.kagkarlsson.scheduler.task.TaskInstance;
import com.github.kagkarlsson.scheduler.task.helper.OneTimeTask;
import com.github.kagkarlsson.scheduler.task.helper.Tasks;
import com.zaxxer.hikari.HikariDataSource;

import org.springframework.jdbc.core.simple.JdbcClient;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// db-scheduler with its fastest polling on Postgres, lock-and-fetch, in the settings of the first
/// row of its own benchmark: 20 threads, fetch again below 4 times the threads, up to 20 times (its
/// docs/performance.md, version 16).
public final class DbScheduler implements QueueUnderTest {

    private static final int THREADS = 20;

    /// Bytes as they are: what another serializer would cost is not the queue's.
    private static final Serializer PLAIN =
            new Serializer() {
                @Override
                public byte[] serialize(Object data) {
                    return (byte[]) data;
                }

                @Override
                public <T> T deserialize(Class<T> type, byte[] data) {
                    return type.cast(data);
                }
            };

    private final HikariDataSource pool;
    private final byte[] payload;
    private final boolean keepsResult;
    private final JdbcClient jdbc;
    private CountDownLatch left = new CountDownLatch(0);

    /// @param keepsResult whether each job stores its result in a table, as one who wants to read
    ///   it later has to; otherwise nothing is left of a job when it is done
    public DbScheduler(HikariDataSource pool, byte[] payload, boolean keepsResult) {
        this.pool = pool;
        this.payload = payload;
        this.keepsResult = keepsResult;
        jdbc = JdbcClient.create(pool);
        // The columns and indexes that its documentation asks for, less the one for priorities.
        jdbc.sql(
                        """
                        CREATE TABLE scheduled_tasks (
                            task_name text NOT NULL, task_instance text NOT NULL, task_data bytea,
                            execution_time timestamptz, picked boolean NOT NULL, picked_by text,
                            last_success timestamptz, last_failure timestamptz, consecutive_failures int,
                            last_heartbeat timestamptz, version bigint NOT NULL, priority smallint, state text,
                            PRIMARY KEY (task_name, task_instance));
                        CREATE INDEX ON scheduled_tasks (execution_time);
                        CREATE INDEX ON scheduled_tasks (last_heartbeat);
                        CREATE TABLE result (id uuid PRIMARY KEY, finished_at timestamptz NOT NULL, result jsonb)
                        """)
                .update();
    }

    @Override
    public String name() {
        return "db-scheduler 16.12.0 (lock-and-fetch, 20 threads, 4 to 20 times ahead), "
                + (keepsResult ? "result kept" : "nothing kept");
    }

    @Override
    public void fill(int jobs) {
        var client = SchedulerClient.Builder.create(pool, task()).serializer(PLAIN).build();
        var due = Instant.now();
        for (int done = 0; done < jobs; done += 500) {
            var batch = new ArrayList<TaskInstance<?>>();
            for (int i = done; i < Math.min(jobs, done + 500); i++) {
                batch.add(task().instance(UUID.randomUUID().toString(), payload));
            }
            client.scheduleBatch(batch, due);
        }
        left = new CountDownLatch(jobs);
    }

    private OneTimeTask<byte[]> task() {
        return Tasks.oneTime("job", byte[].class)
                .execute((instance, _) -> {
                    if (keepsResult) {
                        jdbc.sql("INSERT INTO result VALUES (?, now(), ?::jsonb)")
                                .params(UUID.fromString(instance.getId()), "{\"artifacts\": []}")
                                .update();
                    }
                });
    }

    @Override
    public void drain() throws InterruptedException {
        var scheduler =
                Scheduler.create(pool, task())
                        .serializer(PLAIN)
                        .threads(THREADS)
                        .pollUsingLockAndFetch(4.0, 20.0)
                        .pollingInterval(Duration.ofMillis(100))
                        .addSchedulerListener(
                                new com.github.kagkarlsson.scheduler.event
                                        .AbstractSchedulerListener() {
                                    // Told after the row is deleted.
                                    @Override
                                    public void onExecutionComplete(
                                            com.github.kagkarlsson.scheduler.task.ExecutionComplete
                                                    ended) {
                                        left.countDown();
                                    }
                                })
                        .build();
        scheduler.start();
        try {
            if (!left.await(30, TimeUnit.MINUTES)) {
                throw new IllegalStateException(left.getCount() + " jobs were not worked off");
            }
        } finally {
            scheduler.stop();
        }
    }

    @Override
    public void close() {
        pool.close();
    }
}
