package dev.comfyapi.api.operations;

import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

import java.sql.SQLException;
import java.time.Duration;

/// Brings the database's schema up to date, as soon as there is a database.
///
/// Tried before the service accepts requests; when the database is away then, tried again every
/// second while the service is up but not ready. Several instances may do it at one time: Flyway
/// takes turns. A schema that does not fit this version ends the start.
@Component
final class Migrations implements SmartLifecycle {

    private static final Logger LOG = LoggerFactory.getLogger(Migrations.class);
    private static final Duration PAUSE = Duration.ofSeconds(1);

    private final Flyway flyway;
    private volatile boolean done;
    private volatile @Nullable Thread thread;

    Migrations(JdbcConnectionDetails database) {
        // Its own connections: a migration may take longer than a request may.
        this.flyway =
                Flyway.configure()
                        .dataSource(
                                database.getJdbcUrl(),
                                database.getUsername(),
                                database.getPassword())
                        .locations("classpath:db/migration")
                        .load();
    }

    /// Whether the schema is what this version needs.
    boolean isDone() {
        return done;
    }

    @Override
    public void start() {
        try {
            flyway.migrate();
            done = true;
        } catch (FlywayException e) {
            if (!isAway(e)) {
                throw e;
            }
            LOG.warn(
                    "The database does not answer; not ready until it does, trying every {} s",
                    PAUSE.toSeconds());
            thread = Thread.ofVirtual().name("migrations").start(this::retry);
        }
    }

    private void retry() {
        try {
            while (!done) {
                Thread.sleep(PAUSE);
                tryAgain();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void tryAgain() {
        try {
            flyway.migrate();
            done = true;
            LOG.info("The database answers and its schema is up to date");
        } catch (FlywayException e) {
            if (!isAway(e)) {
                LOG.error("The database's schema cannot be brought up to date", e);
            }
        }
    }

    /// Connection failures, a server that starts or stops, a database that is not made yet.
    private static boolean isAway(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof SQLException sql && sql.getSQLState() != null) {
                var state = sql.getSQLState();
                return state.startsWith("08")
                        || state.startsWith("57P")
                        || state.startsWith("53")
                        || state.equals("3D000");
            }
        }
        return false;
    }

    @Override
    public void stop() {
        var running = thread;
        if (running != null) {
            running.interrupt();
            thread = null;
        }
        done = false;
    }

    @Override
    public boolean isRunning() {
        return done || thread != null;
    }

    /// Before everything that uses the tables.
    @Override
    public int getPhase() {
        return Integer.MIN_VALUE;
    }
}
