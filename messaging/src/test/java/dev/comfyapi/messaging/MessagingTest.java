package dev.comfyapi.messaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.embedded.FreePort;
import dev.comfyapi.embedded.KafkaServer;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.JobState;
import dev.comfyapi.model.job.LeaseKey;
import dev.comfyapi.model.message.Assignment;
import dev.comfyapi.model.message.JobEvent;
import dev.comfyapi.model.message.LaneMessage;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.core.env.MapPropertySource;
import org.springframework.kafka.core.ConsumerFactory;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;

class MessagingTest {

    private static final JobId JOB =
            new JobId(UUID.fromString("0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f"));
    private static final LeaseKey LEASE = new LeaseKey(JOB, 2, 77);

    @Test
    void every_message_is_read_back_as_it_was_sent() {
        var lane =
                List.of(
                        new LaneMessage.Assign(
                                new Assignment(LEASE, 1, 1_000, true, null, "{\"1\": {}}"), null),
                        new LaneMessage.Assign(
                                new Assignment(LEASE, 1, 1_000, true, null, null), "c2VhbGVk"),
                        new LaneMessage.Cancel(LEASE));
        var events =
                List.of(
                        new JobEvent.Submitted(JOB),
                        new JobEvent.Started(JOB, 2, 77),
                        new JobEvent.Progress(
                                JOB, 2, 0.5, "executing", 1, 7, "3", "KSampler", 4, 20),
                        new JobEvent.Preview(JOB, 2, "3", "image/jpeg", "/9j/4A=="),
                        new JobEvent.Freed(JOB, 2, 77),
                        new JobEvent.Requeued(JOB),
                        new JobEvent.Finished(JOB, JobState.SUCCEEDED));

        for (var message : lane) {
            assertThat(MessageCodec.decode(MessageCodec.encode(message), LaneMessage.class))
                    .isEqualTo(message);
        }
        for (var event : events) {
            assertThat(MessageCodec.decode(MessageCodec.encode(event), JobEvent.class))
                    .isEqualTo(event);
        }
    }

    @Test
    void a_worker_hears_its_lane_and_everybody_hears_the_events_also_when_kafka_comes_late(
            @TempDir Path folder) {
        int port = FreePort.find();
        try (var context = context(port)) {
            var consumers = consumers(context);
            var heard = new CopyOnWriteArrayList<LaneMessage>();
            var events = new CopyOnWriteArrayList<JobEvent>();
            var lane = MessageReader.ofLane(consumers, 5, heard::add);
            var all = MessageReader.ofEvents(consumers, events::add);
            lane.start();
            all.start();
            for (int i = 0; i < 1_000; i++) {
                assertThat(lane.isConnected()).isFalse();
            }

            try (var kafka = KafkaServer.start(folder, port)) {
                var sender = context.getBean(MessageSender.class);
                await().atMost(Duration.ofSeconds(60))
                        .pollInterval(Duration.ofMillis(200))
                        .untilAsserted(() -> {
                            sender.send(5, new LaneMessage.Cancel(LEASE));
                            sender.send(6, new LaneMessage.Cancel(new LeaseKey(JOB, 9, 9)));
                            sender.publish(new JobEvent.Submitted(JOB));
                            assertThat(heard).contains(new LaneMessage.Cancel(LEASE));
                            assertThat(events).contains(new JobEvent.Submitted(JOB));
                        });
                assertThat(heard).allMatch(message -> message.lease().equals(LEASE));
                assertThat(lane.isConnected()).isTrue();
                assertThat(sender.isReachable()).isTrue();
                assertThat(kafka.port()).isEqualTo(port);
                lane.stop();
                all.stop();
            }
        }
    }

    @Test
    void sending_never_waits_for_a_broker_that_is_away() {
        try (var context = context(FreePort.find())) {
            var sender = context.getBean(MessageSender.class);
            long began = System.nanoTime();

            for (int i = 0; i < 20_000; i++) {
                sender.publish(new JobEvent.Submitted(JOB));
            }

            assertThat(Duration.ofNanos(System.nanoTime() - began))
                    .isLessThan(Duration.ofSeconds(5));
            await().until(() -> !sender.isReachable());
            assertThat(sender.dropped()).isPositive();
        }
    }

    private static AnnotationConfigApplicationContext context(int port) {
        var context = new AnnotationConfigApplicationContext();
        context.getEnvironment()
                .getPropertySources()
                .addFirst(
                        new MapPropertySource(
                                "test", Map.of("comfyapi.kafka.servers", "127.0.0.1:" + port)));
        context.register(MessagingConfiguration.class);
        context.refresh();
        return context;
    }

    @SuppressWarnings("unchecked")
    private static ConsumerFactory<byte[], byte[]> consumers(
            AnnotationConfigApplicationContext context) {
        return context.getBean(ConsumerFactory.class);
    }
}
