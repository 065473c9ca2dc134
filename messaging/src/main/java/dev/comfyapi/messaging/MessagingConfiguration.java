package dev.comfyapi.messaging;

import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.kafka.config.TopicBuilder;
import org.springframework.kafka.core.ConsumerFactory;
import org.springframework.kafka.core.DefaultKafkaConsumerFactory;
import org.springframework.kafka.core.DefaultKafkaProducerFactory;
import org.springframework.kafka.core.KafkaAdmin;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.kafka.support.ProducerListener;

import java.util.HashMap;
import java.util.Map;

/// Kafka clients with limits that fit messages nobody depends on: give up within seconds, retry
/// connecting for ever.
@Configuration(proxyBeanMethods = false)
public class MessagingConfiguration {

    private static final int GIVE_UP_MS = 5_000;

    private final Map<String, Object> common;
    private final short replicas;

    /// @param servers `comfyapi.kafka.servers`: where the brokers are
    /// @param replicas `comfyapi.kafka.replicas`: copies of each partition; 3 with three brokers or
    ///   more
    MessagingConfiguration(
            @Value("${comfyapi.kafka.servers:127.0.0.1:9092}") String servers,
            @Value("${comfyapi.kafka.replicas:1}") short replicas) {
        this.replicas = replicas;
        common =
                Map.of(
                        CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG,
                        servers,
                        CommonClientConfigs.RECONNECT_BACKOFF_MS_CONFIG,
                        100,
                        CommonClientConfigs.RECONNECT_BACKOFF_MAX_MS_CONFIG,
                        1_000);
    }

    @Bean
    KafkaTemplate<byte[], byte[]> messageTemplate() {
        var config = new HashMap<String, Object>(common);
        config.put(ProducerConfig.ACKS_CONFIG, "all");
        config.put(ProducerConfig.LINGER_MS_CONFIG, 0);
        config.put(ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, GIVE_UP_MS - 1_000);
        // Older than this, the heartbeat has said the same already.
        config.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, GIVE_UP_MS);
        config.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, 1_000);
        var template =
                new KafkaTemplate<byte[], byte[]>(
                        new DefaultKafkaProducerFactory<>(
                                config, new ByteArraySerializer(), new ByteArraySerializer()));
        // The default one logs an ERROR for each message; MessageSender says it once.
        template.setProducerListener(new ProducerListener<>() {});
        return template;
    }

    @Bean
    MessageSender messageSender(KafkaTemplate<byte[], byte[]> messageTemplate) {
        return new MessageSender(messageTemplate);
    }

    @Bean
    ConsumerFactory<byte[], byte[]> messageConsumers() {
        var config = new HashMap<String, Object>(common);
        config.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        config.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "latest");
        config.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false);
        config.put(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, 500);
        // A topic that is made after the reader started is found this fast.
        config.put(CommonClientConfigs.METADATA_MAX_AGE_CONFIG, 30_000);
        return new DefaultKafkaConsumerFactory<>(
                config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    @Bean
    KafkaAdmin topicMaker() {
        var admin = new KafkaAdmin(new HashMap<>(common));
        admin.setAutoCreate(false);
        admin.setOperationTimeout(5);
        return admin;
    }

    @Bean
    TopicCreation topicCreation(KafkaAdmin topicMaker) {
        return new TopicCreation(
                topicMaker,
                TopicBuilder.name(Topics.LANES)
                        .partitions(Topics.LANE_COUNT)
                        .replicas(replicas)
                        .config(TopicConfig.RETENTION_MS_CONFIG, minutes(15))
                        .config(TopicConfig.MIN_IN_SYNC_REPLICAS_CONFIG, inSync())
                        .build(),
                TopicBuilder.name(Topics.EVENTS)
                        .partitions(Topics.EVENT_PARTITIONS)
                        .replicas(replicas)
                        .config(TopicConfig.RETENTION_MS_CONFIG, minutes(60))
                        .config(TopicConfig.MIN_IN_SYNC_REPLICAS_CONFIG, inSync())
                        .build());
    }

    private String inSync() {
        return Integer.toString(Math.max(1, replicas - 1));
    }

    private static String minutes(int minutes) {
        return Long.toString(minutes * 60_000L);
    }
}
