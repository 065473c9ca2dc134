package dev.comfyapi.worker;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;

import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.jdbc.core.simple.JdbcClient;

import java.time.Duration;

/// A few connections to Postgres that fail fast and need no Postgres at the start.
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(DatabaseProperties.class)
class DatabaseConfiguration {

    private static final int CONNECTIONS = 4;
    private static final Duration STATEMENT = Duration.ofSeconds(5);

    @Bean
    HikariDataSource dataSource(DatabaseProperties properties) {
        var config = new HikariConfig();
        config.setPoolName("worker");
        config.setJdbcUrl(properties.url());
        config.setUsername(properties.username());
        config.setPassword(properties.password());
        config.setMaximumPoolSize(CONNECTIONS);
        config.setMinimumIdle(1);
        // Postgres may come later.
        config.setInitializationFailTimeout(-1);
        config.setConnectionTimeout(Duration.ofSeconds(3).toMillis());
        config.setValidationTimeout(Duration.ofSeconds(2).toMillis());
        config.setKeepaliveTime(Duration.ofSeconds(30).toMillis());
        config.addDataSourceProperty("ApplicationName", "worker-service");
        config.addDataSourceProperty("tcpKeepAlive", "true");
        config.addDataSourceProperty("options", "-c statement_timeout=" + STATEMENT.toMillis());
        // Longer than any statement may take: only for a peer that vanished.
        config.addDataSourceProperty("socketTimeout", STATEMENT.multipliedBy(2).toSeconds());
        config.addDataSourceProperty("connectTimeout", 3);
        return new HikariDataSource(config);
    }

    @Bean
    JdbcClient jdbcClient(HikariDataSource dataSource) {
        return JdbcClient.create(dataSource);
    }
}
