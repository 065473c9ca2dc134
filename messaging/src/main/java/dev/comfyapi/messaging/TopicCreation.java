package dev.comfyapi.messaging;

import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.KafkaException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.kafka.core.KafkaAdmin;

/// Makes the topics as soon as a broker answers, also when that is long after the start. Harmless
/// when they exist.
final class TopicCreation implements SmartLifecycle {

    private static final Logger LOG = LoggerFactory.getLogger(TopicCreation.class);

    private final KafkaAdmin admin;
    private final NewTopic[] topics;
    private volatile @Nullable Thread thread;

    TopicCreation(KafkaAdmin admin, NewTopic... topics) {
        this.admin = admin;
        this.topics = topics;
    }

    private void run() {
        while (!Thread.currentThread().isInterrupted()) {
            try {
                admin.createOrModifyTopics(topics);
                return;
            } catch (KafkaException | org.springframework.kafka.KafkaException e) {
                LOG.debug("The topics cannot be made yet: {}", e.toString());
            }
            try {
                Thread.sleep(1_000);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public void start() {
        thread = Thread.ofVirtual().name("topic-creation").start(this::run);
    }

    @Override
    public void stop() {
        var running = thread;
        if (running != null) {
            running.interrupt();
            thread = null;
        }
    }

    @Override
    public boolean isRunning() {
        return thread != null;
    }

    @Override
    public int getPhase() {
        return Integer.MIN_VALUE + 50;
    }
}
