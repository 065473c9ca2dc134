package dev.comfyapi.worker;

import dev.comfyapi.messaging.MessagingConfiguration;
import dev.comfyapi.worker.artifact.ArtifactConfiguration;
import dev.comfyapi.worker.attempt.AttemptConfiguration;
import dev.comfyapi.worker.comfyui.ComfyUiConfiguration;
import dev.comfyapi.worker.lane.LaneConfiguration;
import dev.comfyapi.worker.lane.Pulse;
import dev.comfyapi.worker.lane.WorkerLife;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;

import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;

import java.time.Clock;

/// Drives one ComfyUI. Several may run in one JVM, each with a context of its own.
///
/// Lists what it consists of and configures nothing automatically: beside it on a class path may
/// stand a whole web application.
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(StatusProperties.class)
@Import({
    MessagingConfiguration.class,
    DatabaseConfiguration.class,
    ComfyUiConfiguration.class,
    ArtifactConfiguration.class,
    AttemptConfiguration.class,
    LaneConfiguration.class
})
public class WorkerApplication {

    public static void main(String[] arguments) {
        new SpringApplicationBuilder(WorkerApplication.class)
                .web(WebApplicationType.NONE)
                .properties(
                        "spring.application.name=worker-service",
                        // Everything here runs on virtual threads, which keep no JVM alive.
                        "spring.main.keep-alive=true",
                        "logging.pattern.correlation=[%X{job:-}] ",
                        "logging.level.org.apache.kafka=ERROR")
                .run(arguments);
    }

    @Bean
    @SuppressWarnings("TimeZoneUsage")
    Clock clock() {
        return Clock.systemUTC();
    }

    @Bean
    PrometheusMeterRegistry metrics() {
        return new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    }

    @Bean
    StatusServer statusServer(
            StatusProperties properties,
            WorkerLife life,
            Pulse pulse,
            PrometheusMeterRegistry metrics) {
        return new StatusServer(properties, life, pulse, metrics);
    }
}
