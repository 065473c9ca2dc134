package dev.comfyapi.api.clock;

import dev.comfyapi.db.job.JobStore;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.dao.DataAccessException;
import org.springframework.scheduling.annotation.EnableScheduling;
import org.springframework.scheduling.annotation.Scheduled;

import java.time.Clock;
import java.time.ZoneOffset;
import java.util.concurrent.TimeUnit;

/// Makes Postgres' clock that of this instance.
@Configuration
@EnableScheduling
class ClockConfiguration {

    private static final Logger LOG = LoggerFactory.getLogger(ClockConfiguration.class);

    private final DatabaseTime time;

    ClockConfiguration(JobStore jobs) {
        time = new DatabaseTime(jobs::now);
    }

    @Bean
    Clock clock() {
        readTime();
        return time.withZone(ZoneOffset.UTC);
    }

    @Scheduled(initialDelay = 1, fixedDelay = 10, timeUnit = TimeUnit.SECONDS)
    void readTime() {
        try {
            time.read();
        } catch (DataAccessException e) {
            LOG.debug("Postgres does not say what time it is: {}", e.getMessage());
        }
    }
}
