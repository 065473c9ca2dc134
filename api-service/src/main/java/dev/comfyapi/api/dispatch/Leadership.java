package dev.comfyapi.api.dispatch;

import dev.comfyapi.db.queue.LeaderStore;

import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Optional;
import java.util.Properties;

/// Who dispatches: the one database session that holds an advisory lock.
///
/// The lock lives on the connection that every statement of the leader runs on. If the session
/// ends, lock and unfinished statement end with it, so a leader that was replaced has nothing left
/// to write with.
final class Leadership {

    /// Any number that all instances share and nothing else uses.
    private static final long LOCK = 0x636f6d6679L;

    private final JdbcConnectionDetails database;
    private final DispatchProperties properties;

    Leadership(JdbcConnectionDetails database, DispatchProperties properties) {
        this.database = database;
        this.properties = properties;
    }

    /// One time of leading; ends with [#close], or when the connection breaks.
    static final class Reign implements AutoCloseable {

        private final Connection connection;
        private final LeaderStore store;

        private Reign(Connection connection) {
            this.connection = connection;
            this.store =
                    new LeaderStore(
                            JdbcClient.create(new SingleConnectionDataSource(connection, true)));
        }

        LeaderStore store() {
            return store;
        }

        @Override
        public void close() {
            closeQuietly(connection);
        }
    }

    /// Tries to become the leader. Empty when another instance leads; one that holds the lock and
    /// gives no sign of life is ended, so that the next try may succeed.
    ///
    /// @throws SQLException when the database is away
    Optional<Reign> seize() throws SQLException {
        var connection = connect();
        try (var statement = connection.createStatement()) {
            try (var rows =
                    statement.executeQuery("SELECT pg_try_advisory_lock(%d)".formatted(LOCK))) {
                rows.next();
                if (rows.getBoolean(1)) {
                    return Optional.of(new Reign(connection));
                }
            }
            endHungLeader(connection);
        } catch (SQLException | RuntimeException e) {
            closeQuietly(connection);
            throw e;
        }
        closeQuietly(connection);
        return Optional.empty();
    }

    private void endHungLeader(Connection connection) throws SQLException {
        var sql =
                """
                SELECT pg_terminate_backend(leader.pid)
                FROM leader JOIN pg_locks l ON l.pid = leader.pid AND l.locktype = 'advisory'
                WHERE beat_at < now() - ? * interval '1 ms'
                """;
        try (var statement = connection.prepareStatement(sql)) {
            statement.setLong(1, properties.hung().toMillis());
            statement.execute();
        }
    }

    private Connection connect() throws SQLException {
        var settings = new Properties();
        Optional.ofNullable(database.getUsername()).ifPresent(u -> settings.put("user", u));
        Optional.ofNullable(database.getPassword()).ifPresent(p -> settings.put("password", p));
        settings.put("ApplicationName", "comfyapi-dispatcher");
        settings.put("connectTimeout", "5");
        settings.put("socketTimeout", "10");
        // The server notices within 11 s that a leader's host has vanished, and frees the lock.
        settings.put(
                "options",
                "-c statement_timeout=5000 -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2"
                        + " -c tcp_keepalives_count=3");
        return DriverManager.getConnection(database.getJdbcUrl(), settings);
    }

    private static void closeQuietly(Connection connection) {
        try {
            connection.close();
        } catch (SQLException _) {
            // It is gone either way.
        }
    }
}
