package dev.comfyapi.contract;

import dev.comfyapi.messaging.Topics;

import org.apache.kafka.clients.producer.ProducerInterceptor;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.kafka.core.KafkaTemplate;

import tools.jackson.databind.json.JsonMapper;

import java.util.Map;

/// Reads every record on its way to Kafka.
public final class RecordCheck implements BeanPostProcessor, ProducerInterceptor<byte[], byte[]> {

    private static final JsonMapper JSON = JsonMapper.shared();

    @Override
    @SuppressWarnings("unchecked")
    public Object postProcessAfterInitialization(Object bean, String name) {
        if (bean instanceof KafkaTemplate<?, ?> template) {
            ((KafkaTemplate<byte[], byte[]>) template).setProducerInterceptor(this);
        }
        return bean;
    }

    @Override
    public ProducerRecord<byte[], byte[]> onSend(ProducerRecord<byte[], byte[]> message) {
        Messages.hear(
                message.topic().equals(Topics.LANES) ? "lanes" : "events",
                JSON.readTree(message.value()));
        return message;
    }

    @Override
    public void onAcknowledgement(@Nullable RecordMetadata metadata, @Nullable Exception failure) {
        // Only what is sent is of interest.
    }

    @Override
    public void close() {
        // Nothing is open.
    }

    @Override
    public void configure(Map<String, ?> settings) {
        // Nothing to be set.
    }
}
