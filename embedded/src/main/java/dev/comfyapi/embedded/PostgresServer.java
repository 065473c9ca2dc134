package dev.comfyapi.embedded;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/// A real Postgres on the loopback address, with its data in a folder; reachable only from this
/// machine, by anyone on it.
///
/// Durable as any other: `fsync` is on. Its process ends with [#close]; when this JVM was killed
/// instead, the next start on the same folder ends what was left.
public final class PostgresServer implements AutoCloseable {

    private static final String USER = "postgres";

    private final Path data;
    private final int port;
    private @Nullable EmbeddedPostgres server;

    private PostgresServer(Path data, int port) {
        this.data = data.toAbsolutePath();
        this.port = port;
    }

    /// Starts on a folder; the first time it is filled, later its data is used.
    ///
    /// @param data kept between runs
    /// @param programs where the server's programs are unpacked, once
    public static PostgresServer start(Path data, Path programs) {
        return start(data, programs, FreePort.find());
    }

    public static PostgresServer start(Path data, Path programs, int port) {
        var server = new PostgresServer(data, port);
        server.start(programs);
        return server;
    }

    private void start(Path programs) {
        try {
            Files.createDirectories(data);
            Files.createDirectories(programs);
            endLeftover();
            server =
                    EmbeddedPostgres.builder()
                            .setDataDirectory(data)
                            .setCleanDataDirectory(false)
                            .setOverrideWorkingDirectory(programs.toFile())
                            .setPort(port)
                            .setPGStartupWait(Duration.ofSeconds(60))
                            .setServerConfig("listen_addresses", "127.0.0.1")
                            .setServerConfig("max_connections", "200")
                            .setServerConfig("shared_buffers", "128MB")
                            .setServerConfig("max_wal_size", "2GB")
                            .setServerConfig("fsync", "on")
                            .setServerConfig("synchronous_commit", "on")
                            .start();
        } catch (IOException e) {
            throw new UncheckedIOException("Postgres does not start on " + data, e);
        }
    }

    /// A server that outlived the JVM that started it still holds the folder.
    private void endLeftover() throws IOException {
        var leftover = pid().flatMap(ProcessHandle::of);
        if (leftover.isEmpty()) {
            return;
        }
        // The number may have been given to another program since: only a postgres is ended.
        var command = leftover.get().info().command().orElse("");
        if (command.endsWith("postgres") || command.endsWith("postgres.exe")) {
            leftover.get().destroy();
            try {
                leftover.get().onExit().get(30, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (java.util.concurrent.ExecutionException
                    | java.util.concurrent.TimeoutException e) {
                throw new IOException(
                        "Postgres %s does not end".formatted(leftover.get().pid()), e);
            }
        }
        Files.deleteIfExists(data.resolve("postmaster.pid"));
    }

    /// Kills the server as a crash would, without a word: what it has not written to its log is
    /// lost.
    public void kill() {
        pid().flatMap(ProcessHandle::of).ifPresent(ProcessHandle::destroyForcibly);
        close();
    }

    /// Process id of the server; empty when it does not run.
    public Optional<Long> pid() {
        try {
            var file = data.resolve("postmaster.pid");
            return Files.exists(file)
                    ? Optional.of(Long.parseLong(Files.readAllLines(file).getFirst().strip()))
                    : Optional.empty();
        } catch (IOException | NumberFormatException _) {
            return Optional.empty();
        }
    }

    public int port() {
        return port;
    }

    /// Without a password: the server listens on the loopback address only.
    public String jdbcUrl() {
        return jdbcUrl(USER);
    }

    public String jdbcUrl(String database) {
        return "jdbc:postgresql://127.0.0.1:%d/%s?user=%s".formatted(port, database, USER);
    }

    /// Makes an empty database of its own, for one test class.
    ///
    /// @return where it is
    public String newDatabase() {
        var name = "db_" + java.util.UUID.randomUUID().toString().replace("-", "");
        try (var connection = DriverManager.getConnection(jdbcUrl());
                var statement = connection.createStatement()) {
            statement.execute("CREATE DATABASE " + name);
        } catch (SQLException e) {
            throw new IllegalStateException("Postgres makes no database", e);
        }
        return jdbcUrl(name);
    }

    /// Ends the server; its data stays.
    @Override
    public void close() {
        var running = server;
        if (running == null) {
            return;
        }
        server = null;
        try {
            running.close();
        } catch (IOException e) {
            throw new UncheckedIOException("Postgres does not stop", e);
        }
    }
}
