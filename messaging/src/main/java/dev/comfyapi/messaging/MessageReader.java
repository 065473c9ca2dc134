package dev.comfyapi.messaging;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.kafka.core.ConsumerFactory;
import org.springframework.kafka.listener.CommonLoggingErrorHandler;
import org.springframework.kafka.listener.ContainerProperties;
import org.springframework.kafka.listener.KafkaMessageListenerContainer;
import org.springframework.kafka.listener.MessageListener;
import org.springframework.kafka.support.TopicPartitionOffset;
import org.springframework.kafka.support.TopicPartitionOffset.SeekPosition;

import tools.jackson.core.JacksonException;

import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/// Reads partitions from their end on, on one thread; no group, no offsets, no acknowledgement.
///
/// What was sent while nobody read is not wanted: its news are in Postgres. A record that cannot be
/// decoded is skipped and logged.
///
/// @param <T> the type of message
public final class MessageReader<T> implements SmartLifecycle {

    private static final Logger LOG = LoggerFactory.getLogger(MessageReader.class);

    private final KafkaMessageListenerContainer<byte[], byte[]> container;

    private MessageReader(
            ConsumerFactory<byte[], byte[]> consumers,
            String topic,
            List<Integer> partitions,
            Class<T> type,
            Consumer<T> listener) {
        var properties =
                new ContainerProperties(
                        partitions.stream()
                                .map(p -> new TopicPartitionOffset(topic, p, SeekPosition.END))
                                .toArray(TopicPartitionOffset[]::new));
        properties.setMessageListener(
                (MessageListener<byte[], byte[]>) message -> deliver(message, type, listener));
        properties.setAckMode(ContainerProperties.AckMode.MANUAL);
        properties.setMissingTopicsFatal(false);
        properties.setShutdownTimeout(2_000);
        container = new KafkaMessageListenerContainer<>(consumers, properties);
        container.setBeanName(topic);
        container.setCommonErrorHandler(new CommonLoggingErrorHandler());
    }

    /// One worker's lane.
    public static MessageReader<dev.comfyapi.model.message.LaneMessage> ofLane(
            ConsumerFactory<byte[], byte[]> consumers,
            int lane,
            Consumer<dev.comfyapi.model.message.LaneMessage> listener) {
        return new MessageReader<>(
                consumers,
                Topics.LANES,
                List.of(lane),
                dev.comfyapi.model.message.LaneMessage.class,
                listener);
    }

    /// All events of all jobs.
    public static MessageReader<dev.comfyapi.model.message.JobEvent> ofEvents(
            ConsumerFactory<byte[], byte[]> consumers,
            Consumer<dev.comfyapi.model.message.JobEvent> listener) {
        return new MessageReader<>(
                consumers,
                Topics.EVENTS,
                IntStream.range(0, Topics.EVENT_PARTITIONS).boxed().toList(),
                dev.comfyapi.model.message.JobEvent.class,
                listener);
    }

    private static <T> void deliver(
            ConsumerRecord<byte[], byte[]> message, Class<T> type, Consumer<T> listener) {
        T decoded;
        try {
            decoded = MessageCodec.decode(message.value(), type);
        } catch (JacksonException e) {
            LOG.warn(
                    "Skipped an unreadable record at {}-{}@{}: {}",
                    message.topic(),
                    message.partition(),
                    message.offset(),
                    e.getOriginalMessage());
            return;
        }
        listener.accept(decoded);
    }

    /// Whether the reader has a live connection to a broker.
    public boolean isConnected() {
        return container.metrics().values().stream()
                .flatMap(metrics -> metrics.entrySet().stream())
                .filter(metric -> metric.getKey().name().equals("connection-count"))
                .anyMatch(metric ->
                        metric.getValue().metricValue() instanceof Number count
                                && count.doubleValue() > 0);
    }

    @Override
    public void start() {
        container.start();
    }

    @Override
    public void stop() {
        container.stop();
    }

    @Override
    public boolean isRunning() {
        return container.isRunning();
    }
}
