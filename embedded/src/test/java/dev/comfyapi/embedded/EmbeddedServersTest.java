package dev.comfyapi.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import static java.util.concurrent.TimeUnit.SECONDS;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.sql.DriverManager;
import java.util.List;
import java.util.Map;
import java.util.Optional;

class EmbeddedServersTest {

    /// Unpacked once for all tests.
    private static final Path PROGRAMS = Path.of("target", "postgres");

    @TempDir Path folder;

    @Test
    void postgres_keeps_its_data_and_leaves_no_process() throws Exception {
        int port;
        try (var postgres = PostgresServer.start(folder.resolve("pg"), PROGRAMS)) {
            port = postgres.port();
            try (var connection = DriverManager.getConnection(postgres.jdbcUrl());
                    var statement = connection.createStatement()) {
                statement.execute("CREATE TABLE kept AS SELECT 42 AS answer");
            }
        }
        assertThat(FreePort.isFree(port)).isTrue();

        try (var postgres = PostgresServer.start(folder.resolve("pg"), PROGRAMS);
                var connection = DriverManager.getConnection(postgres.jdbcUrl());
                var rows = connection.createStatement().executeQuery("SELECT answer FROM kept")) {
            assertThat(rows.next()).isTrue();
            assertThat(rows.getInt(1)).isEqualTo(42);
        }
    }

    @Test
    void a_postgres_that_outlived_its_parent_is_ended_by_the_next_start() throws Exception {
        var parent =
                new ProcessBuilder(
                                ProcessHandle.current().info().command().orElseThrow(),
                                "-cp",
                                System.getProperty("java.class.path"),
                                EmbeddedServersTest.class.getName(),
                                folder.toString())
                        .redirectErrorStream(true)
                        .start();
        long left = pidPrintedBy(parent);
        parent.destroyForcibly().waitFor();

        try (var second = PostgresServer.start(folder.resolve("pg"), PROGRAMS)) {
            assertThat(second.pid()).isPresent().isNotEqualTo(Optional.of(left));
            DriverManager.getConnection(second.jdbcUrl()).close();
        }
    }

    @Test
    void postgres_comes_back_after_a_crash_with_what_was_committed() throws Exception {
        try (var postgres = PostgresServer.start(folder.resolve("pg"), PROGRAMS)) {
            try (var connection = DriverManager.getConnection(postgres.jdbcUrl());
                    var statement = connection.createStatement()) {
                statement.execute("CREATE TABLE kept AS SELECT 42 AS answer");
            }
            postgres.kill();
        }

        try (var postgres = PostgresServer.start(folder.resolve("pg"), PROGRAMS);
                var connection = DriverManager.getConnection(postgres.jdbcUrl());
                var rows = connection.createStatement().executeQuery("SELECT answer FROM kept")) {
            assertThat(rows.next()).isTrue();
        }
    }

    private static long pidPrintedBy(Process process) throws Exception {
        try (var lines = process.inputReader()) {
            for (var line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith("postgres ")) {
                    return Long.parseLong(line.substring("postgres ".length()));
                }
            }
        }
        throw new AssertionError("the parent ended without a postgres");
    }

    /// The parent that is killed: starts Postgres, says so, and waits.
    public static void main(String[] args) throws Exception {
        var folder = Path.of(args[0]);
        var postgres = PostgresServer.start(folder.resolve("pg"), PROGRAMS);
        System.out.println("postgres " + postgres.pid().orElseThrow());
        Thread.currentThread().join();
    }

    @Test
    void kafka_keeps_its_topics_over_a_restart() throws Exception {
        int port;
        try (var kafka = KafkaServer.start(folder.resolve("kafka"))) {
            port = kafka.port();
            try (var admin = Admin.create(Map.of("bootstrap.servers", (Object) kafka.address()))) {
                admin.createTopics(List.of(new NewTopic("kept", 3, (short) 1)))
                        .all()
                        .get(30, SECONDS);
            }
        }

        try (var kafka = KafkaServer.start(folder.resolve("kafka"), port);
                var admin = Admin.create(Map.of("bootstrap.servers", (Object) kafka.address()))) {
            assertThat(admin.listTopics().names().get(30, SECONDS)).contains("kept");
        }
    }
}
