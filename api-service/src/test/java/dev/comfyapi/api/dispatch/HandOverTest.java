package dev.comfyapi.api.dispatch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.api.Api;
import dev.comfyapi.db.worker.WorkerStore;
import dev.comfyapi.embedded.FreePort;
import dev.comfyapi.embedded.PostgresServer;

import org.flywaydb.core.Flyway;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DriverManagerDataSource;

import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/// One leads; when it goes, another does; and whoever begins to lead takes no lease from a worker
/// that lives.
class HandOverTest {

    private static final Logger LOG = LoggerFactory.getLogger(HandOverTest.class);
    private static final Path PROGRAMS = Path.of("target", "postgres");

    @Test
    void another_leads_when_the_leader_is_stopped_and_an_outage_costs_no_live_worker_its_lease(
            @TempDir Path folder) {
        int port = FreePort.find();
        var url = "jdbc:postgresql://127.0.0.1:%d/postgres?user=postgres".formatted(port);
        var postgres = PostgresServer.start(folder.resolve("pg"), PROGRAMS, port);
        try (var first = lead(url, folder);
                var second = lead(url, folder)) {
            await().atMost(Duration.ofSeconds(20)).until(() -> leads(first) ^ leads(second));
            var leader = leads(first) ? first : second;
            var other = leads(first) ? second : first;

            // What SIGTERM does.
            long stopping = System.nanoTime();
            leader.close();
            await().atMost(Duration.ofSeconds(20))
                    .pollInterval(Duration.ofMillis(10))
                    .until(() -> leads(other));
            LOG.info(
                    "Another led {} ms after the leader was told to stop",
                    Duration.ofNanos(System.nanoTime() - stopping).toMillis());

            var worker = other.aWorker("gpu-outage", "checkpoints/" + Api.CHECKPOINT);
            var job = other.submitted();
            await().until(() -> held(other, worker) == 1);
            postgres.close();
            postgres = PostgresServer.start(folder.resolve("pg"), PROGRAMS, port);
            // It was away for ten minutes, and so seems everybody.
            update(other, "UPDATE worker SET last_seen = now() - interval '10 minutes'");
            var reign = update(other, "UPDATE leader SET beat_at = '-infinity'");
            await().atMost(Duration.ofSeconds(30))
                    .until(() ->
                            other.jdbc()
                                            .sql(
                                                    "SELECT count(*) FROM leader WHERE beat_at > now() - interval '10 s'")
                                            .query(Integer.class)
                                            .single()
                                    == 1);
            beats(other, 4);

            assertThat(reign).isEqualTo(1);
            assertThat(held(other, worker)).isEqualTo(1);
            assertThat(
                            new WorkerStore(other.jdbc())
                                    .heartbeat(
                                            worker.id(),
                                            new WorkerStore.Standing(true, null, null),
                                            List.of()))
                    .hasValueSatisfying(answer ->
                            assertThat(answer.held())
                                    .singleElement()
                                    .satisfies(lease ->
                                            assertThat(lease.lease().job()).isEqualTo(job)));
        } finally {
            postgres.close();
        }
    }

    private static Api lead(String url, Path folder) {
        return Api.on(
                url,
                Api.kafkaAddress(),
                folder,
                "--comfyapi.dispatch.enabled=true",
                "--spring.datasource.hikari.connection-timeout=1000");
    }

    private static boolean leads(Api api) {
        return api.bean(Leading.class).isLeading();
    }

    private static int held(Api api, WorkerStore.Registered worker) {
        return api.jdbc()
                .sql("SELECT count(*) FROM lease WHERE worker_id = :worker AND epoch = 1")
                .param("worker", worker.id())
                .query(Integer.class)
                .single();
    }

    private static int update(Api api, String sql) {
        return api.jdbc().sql(sql).update();
    }

    /// Lets the leader do its duties of each second so many times.
    private static void beats(Api api, int times) {
        for (int i = 0; i < times; i++) {
            var before = beat(api);
            await().atMost(Duration.ofSeconds(10)).until(() -> !beat(api).equals(before));
        }
    }

    private static String beat(Api api) {
        return api.jdbc().sql("SELECT beat_at::text FROM leader").query(String.class).single();
    }

    @Test
    void a_leader_that_hangs_is_ended_when_its_sign_of_life_is_old_and_not_before(
            @TempDir Path folder) throws SQLException {
        try (var postgres = PostgresServer.start(folder.resolve("pg"), PROGRAMS)) {
            var url = postgres.newDatabase();
            Flyway.configure().dataSource(new DriverManagerDataSource(url)).load().migrate();
            var jdbc = JdbcClient.create(new DriverManagerDataSource(url));
            var leadership = new Leadership(details(url), properties());
            var standby = new Leadership(details(url), properties());
            var reign = leadership.seize().orElseThrow();
            reign.store().beat("first");

            assertThat(standby.seize()).isEmpty();
            assertThat(standby.seize()).isEmpty();
            assertThat(jdbc.sql("UPDATE leader SET beat_at = now() - interval '9 s'").update())
                    .isEqualTo(1);
            assertThat(standby.seize()).isEmpty();
            reign.store().beat("first");
            assertThat(jdbc.sql("UPDATE leader SET beat_at = now() - interval '11 s'").update())
                    .isEqualTo(1);
            assertThat(standby.seize()).isEmpty();

            // Its session is being ended: the next try, a second later, gets the lock.
            try (var next = await().until(standby::seize, Optional::isPresent).orElseThrow()) {
                next.store().beat("second");
                assertThat(jdbc.sql("SELECT name FROM leader").query(String.class).single())
                        .isEqualTo("second");
                assertThatThrownBy(() -> reign.store().beat("first"))
                        .isInstanceOf(DataAccessException.class);
            }
            reign.close();
            try (var free = leadership.seize().orElseThrow()) {
                assertThat(free.store().workers()).isEmpty();
            }
        }
    }

    private static DispatchProperties properties() {
        return new DispatchProperties(
                true,
                Duration.ofMillis(10),
                Duration.ofMillis(500),
                500,
                Duration.ofSeconds(3),
                8,
                Duration.ofMinutes(5),
                4,
                Duration.ofSeconds(30),
                Duration.ofSeconds(30),
                Duration.ofMinutes(15),
                Duration.ofSeconds(10));
    }

    private static JdbcConnectionDetails details(String url) {
        return new JdbcConnectionDetails() {
            @Override
            public @Nullable String getUsername() {
                return null;
            }

            @Override
            public @Nullable String getPassword() {
                return null;
            }

            @Override
            public String getJdbcUrl() {
                return url;
            }
        };
    }
}
