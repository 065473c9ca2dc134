package dev.comfyapi.embedded;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// A real Postgres on the loopback address, with its data in a folder; reachable only from this
/// machine, by anyone on it.
///
/// Durable as any other: `fsync` is on. Its process ends with [#close] and not before: it is in no
/// process group of ours, so a Ctrl-C in the terminal leaves it to whoever started it to end it
/// last. When this JVM was killed, the next start on the same folder ends what was left.
public final class PostgresServer implements AutoCloseable {

    private static final String USER = "postgres";

    /// Postgres refuses to run as root; in a user namespace of its own it does not see that it is.
    private static final List<String> AS_NOBODY =
            "root".equals(System.getProperty("user.name")) ? List.of("unshare", "-U") : List.of();

    private final Path programs;
    private final Path data;
    private final int port;

    private PostgresServer(Path programs, Path data, int port) {
        this.programs = programs;
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
        try {
            var server = new PostgresServer(PostgresPrograms.in(programs), data, port);
            server.start();
            return server;
        } catch (IOException e) {
            throw new UncheckedIOException("Postgres does not start: " + e.getMessage(), e);
        }
    }

    private void start() throws IOException {
        endLeftover();
        if (!Files.exists(data.resolve("PG_VERSION"))) {
            Files.createDirectories(data);
            run(
                    "initdb",
                    "--pgdata=" + data,
                    "--username=" + USER,
                    "--encoding=UTF8",
                    "--locale=C",
                    "--auth=trust");
        }
        run(
                "pg_ctl",
                "--pgdata=" + data,
                "--log=" + data.resolve("server.log"),
                "--timeout=60",
                "--wait",
                "-o",
                "-p %d -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200"
                                .formatted(port)
                        + " -c shared_buffers=128MB -c max_wal_size=2GB -c log_min_messages=warning",
                "start");
    }

    /// A server that outlived the JVM that started it still holds the folder.
    private void endLeftover() throws IOException {
        var leftover = process();
        if (leftover.isEmpty()) {
            return;
        }
        // The number may have been given to another program since: only a postgres is ended.
        if (leftover.get().info().command().orElse("").endsWith("postgres")) {
            leftover.get().destroy();
            awaitEnd(leftover.get());
        }
        Files.deleteIfExists(data.resolve("postmaster.pid"));
    }

    /// Kills the server as a crash would, without a word: what it has not written to its log is
    /// lost.
    public void kill() {
        var running = process();
        if (running.isPresent()) {
            running.get().destroyForcibly();
            awaitEnd(running.get());
        }
    }

    private static void awaitEnd(ProcessHandle process) {
        try {
            process.onExit().get(30, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException("Postgres %d does not end".formatted(process.pid()), e);
        }
    }

    private Optional<ProcessHandle> process() {
        return pid().flatMap(ProcessHandle::of);
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
        var name = "db_" + UUID.randomUUID().toString().replace("-", "");
        try (var connection = DriverManager.getConnection(jdbcUrl());
                var statement = connection.createStatement()) {
            statement.execute("CREATE DATABASE " + name);
        } catch (SQLException e) {
            throw new IllegalStateException("Postgres makes no database", e);
        }
        return jdbcUrl(name);
    }

    /// Ends the server; its data stays. Nothing happens when it has ended.
    @Override
    public void close() {
        if (process().isEmpty()) {
            return;
        }
        try {
            run("pg_ctl", "--pgdata=" + data, "--mode=fast", "--timeout=30", "--wait", "stop");
        } catch (IOException e) {
            throw new UncheckedIOException("Postgres does not stop: " + e.getMessage(), e);
        }
    }

    private void run(String program, String... arguments) throws IOException {
        var command = new ArrayList<>(AS_NOBODY);
        command.add(programs.resolve(program).toString());
        command.addAll(List.of(arguments));
        var output = Files.createTempFile("postgres", ".out");
        try {
            var process =
                    new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectInput(
                                    ProcessBuilder.Redirect.from(new java.io.File("/dev/null")))
                            .redirectOutput(output.toFile())
                            .start();
            if (process.waitFor() != 0) {
                throw new IOException(
                        "%s failed: %s".formatted(program, Files.readString(output).strip()));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(program + " was interrupted", e);
        } finally {
            Files.deleteIfExists(output);
        }
    }
}
