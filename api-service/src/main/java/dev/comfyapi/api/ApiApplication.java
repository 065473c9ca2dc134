package dev.comfyapi.api;

import dev.comfyapi.api.account.AdminKeyCommand;
import dev.comfyapi.messaging.MessagingConfiguration;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.ConfigurationPropertiesScan;
import org.springframework.boot.flyway.autoconfigure.FlywayAutoConfiguration;
import org.springframework.boot.kafka.autoconfigure.KafkaAutoConfiguration;
import org.springframework.context.annotation.Import;

import java.util.List;

/// The API: accepts, shows and ends jobs, and, in one of its instances, gives them to workers.
///
/// It starts, and stays up, whether Postgres and Kafka are there or not.
@ConfigurationPropertiesScan
@Import(MessagingConfiguration.class)
@SpringBootApplication(
        exclude = {
            // Would end the start when the database is away: Migrations retries instead.
            FlywayAutoConfiguration.class,
            KafkaAutoConfiguration.class
        })
public class ApiApplication {

    public static void main(String[] args) {
        if (List.of(args).contains(AdminKeyCommand.NAME)) {
            AdminKeyCommand.run(args);
            return;
        }
        SpringApplication.run(ApiApplication.class, args);
    }
}
