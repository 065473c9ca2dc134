package dev.comfyapi.api.housekeeping;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;

import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

import java.time.Duration;

/// One connection beside those that clients wait for, open while it is used. Its statements may
/// take longer, and none takes more than one processor of the database.
@Component
final class HousekeepingDatabase implements AutoCloseable {

    private final HikariDataSource source;

    HousekeepingDatabase(JdbcConnectionDetails database) {
        var config = new HikariConfig();
        config.setPoolName("housekeeping");
        config.setJdbcUrl(database.getJdbcUrl());
        config.setUsername(database.getUsername());
        config.setPassword(database.getPassword());
        config.setMaximumPoolSize(1);
        config.setMinimumIdle(0);
        config.setIdleTimeout(Duration.ofSeconds(90).toMillis());
        config.setConnectionTimeout(Duration.ofSeconds(5).toMillis());
        // It may come later than this service.
        config.setInitializationFailTimeout(-1);
        config.addDataSourceProperty("ApplicationName", "comfyapi-housekeeping");
        config.addDataSourceProperty("connectTimeout", "5");
        config.addDataSourceProperty("socketTimeout", "70");
        config.addDataSourceProperty(
                "options", "-c statement_timeout=60000 -c max_parallel_workers_per_gather=0");
        source = new HikariDataSource(config);
    }

    JdbcClient jdbc() {
        return JdbcClient.create(source);
    }

    @Override
    public void close() {
        source.close();
    }
}
