package dev.comfyapi.messaging;

import dev.comfyapi.model.message.JobEvent;
import dev.comfyapi.model.message.LaneMessage;

import org.apache.kafka.clients.producer.ProducerRecord;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.kafka.core.KafkaTemplate;

import java.util.UUID;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/// Hands messages to Kafka and never makes its caller wait or fail. Thread-safe.
///
/// Nothing sent here is the only copy of anything, so what Kafka does not take is counted and
/// dropped: the heartbeat and the five-second re-reads bring the same news later. The producer
/// itself may block while the broker is away; that happens on this sender's own thread, behind a
/// bounded queue.
public final class MessageSender implements SmartLifecycle {

    private static final Logger LOG = LoggerFactory.getLogger(MessageSender.class);
    private static final int CAPACITY = 10_000;

    private final KafkaTemplate<byte[], byte[]> kafka;
    private final BlockingQueue<ProducerRecord<byte[], byte[]>> waiting =
            new ArrayBlockingQueue<>(CAPACITY);
    private final AtomicLong dropped = new AtomicLong();
    private volatile boolean reachable = true;
    private volatile @Nullable Thread thread;

    public MessageSender(KafkaTemplate<byte[], byte[]> kafka) {
        this.kafka = kafka;
    }

    /// To one worker.
    ///
    /// @param lane the worker's partition
    public void send(int lane, LaneMessage message) {
        enqueue(new ProducerRecord<>(Topics.LANES, lane, null, MessageCodec.encode(message)));
    }

    /// To every API instance.
    public void publish(JobEvent event) {
        enqueue(
                new ProducerRecord<>(
                        Topics.EVENTS, key(event.job().value()), MessageCodec.encode(event)));
    }

    /// How many messages Kafka did not take since the start.
    public long dropped() {
        return dropped.get();
    }

    /// Whether the newest message that was tried was taken.
    public boolean isReachable() {
        return reachable;
    }

    private void enqueue(ProducerRecord<byte[], byte[]> message) {
        if (!waiting.offer(message)) {
            dropped.incrementAndGet();
        }
    }

    private static byte[] key(UUID id) {
        return java.nio.ByteBuffer.allocate(16)
                .putLong(id.getMostSignificantBits())
                .putLong(id.getLeastSignificantBits())
                .array();
    }

    private void run() {
        while (!Thread.currentThread().isInterrupted()) {
            try {
                hand(waiting.take());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void hand(ProducerRecord<byte[], byte[]> message) {
        try {
            var _ = kafka.send(message).whenComplete((_, failure) -> note(failure));
        } catch (RuntimeException e) {
            // No metadata within max.block.ms, or a buffer full of what the broker does not take.
            note(e);
        }
    }

    private void note(@Nullable Throwable failure) {
        if (failure == null) {
            if (!reachable) {
                reachable = true;
                LOG.info("Kafka takes messages again; {} were dropped so far", dropped.get());
            }
            return;
        }
        dropped.incrementAndGet();
        if (reachable) {
            reachable = false;
            LOG.warn(
                    "Kafka takes no messages ({}); workers and waiting clients hear from Postgres"
                            + " instead, some seconds later",
                    failure.toString());
        }
    }

    @Override
    public void start() {
        thread = Thread.ofVirtual().name("kafka-sender").start(this::run);
    }

    @Override
    public void stop() {
        var running = thread;
        if (running == null) {
            return;
        }
        try {
            // The last events of a clean shutdown are worth a moment: a client may be waiting for
            // them.
            for (int i = 0; i < 20 && !waiting.isEmpty() && reachable; i++) {
                TimeUnit.MILLISECONDS.sleep(10);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        running.interrupt();
        thread = null;
    }

    @Override
    public boolean isRunning() {
        return thread != null;
    }

    /// Started before, and stopped after, everything that sends.
    @Override
    public int getPhase() {
        return Integer.MIN_VALUE + 100;
    }
}
