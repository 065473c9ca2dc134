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

import java.time.Duration;
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

    private static final Duration SILENCE = Duration.ofSeconds(3);

    private final KafkaMessageListenerContainer<byte[], byte[]> container;
    private double responses;
    private long answeredAt;

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

    /// Whether a broker is connected and answers. A reader at rest still gets an empty answer to
    /// its fetch every half second; an open connection alone proves nothing, because the client
    /// counts one that it is only trying to open.
    public synchronized boolean isConnected() {
        long now = System.nanoTime();
        double total = metric("response-total");
        if (total > responses) {
            responses = total;
            answeredAt = now;
        }
        return responses > 0
                && now - answeredAt < SILENCE.toNanos()
                && metric("connection-count") > 0;
    }

    private double metric(String name) {
        return container.metrics().values().stream()
                .flatMap(metrics -> metrics.entrySet().stream())
                .filter(metric ->
                        metric.getKey().group().equals("consumer-metrics")
                                && metric.getKey().name().equals(name))
                .mapToDouble(metric ->
                        metric.getValue().metricValue() instanceof Number number
                                ? number.doubleValue()
                                : 0)
                .sum();
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
