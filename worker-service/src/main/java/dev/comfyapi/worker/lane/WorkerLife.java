package dev.comfyapi.worker.lane;

import dev.comfyapi.db.secret.GraphSeal;
import dev.comfyapi.db.worker.WorkerStore;
import dev.comfyapi.messaging.MessageReader;
import dev.comfyapi.worker.attempt.Stop;
import dev.comfyapi.worker.comfyui.ComfyUiHealth;

import org.apache.kafka.common.KafkaException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.dao.DataAccessException;
import org.springframework.kafka.core.ConsumerFactory;

import java.time.Duration;

/// The worker from start to end: register, listen and beat, register again when it was given up,
/// and leave in order.
public final class WorkerLife implements SmartLifecycle {

    private static final Logger LOG = LoggerFactory.getLogger(WorkerLife.class);

    /// While Kafka says nothing, or Postgres has to be asked again.
    private static final Duration QUICK = Duration.ofSeconds(1);

    /// After the grace period, to record what was not finished.
    private static final Duration LAST_WORDS = Duration.ofSeconds(5);

    private final Registration registration;
    private final CatalogueWatch catalogue;
    private final Heartbeat heartbeat;
    private final Ledger ledger;
    private final Pulse pulse;
    private final WorkerStore workers;
    private final ConsumerFactory<byte[], byte[]> consumers;
    private final GraphSeal seal;
    private final LaneProperties properties;
    private final Nudge nudge;
    private volatile boolean draining;
    private volatile boolean registered;
    private volatile @Nullable Thread thread;

    WorkerLife(
            Registration registration,
            CatalogueWatch catalogue,
            Heartbeat heartbeat,
            Ledger ledger,
            Pulse pulse,
            WorkerStore workers,
            ConsumerFactory<byte[], byte[]> consumers,
            GraphSeal seal,
            ComfyUiHealth health,
            LaneProperties properties,
            Nudge nudge) {
        this.registration = registration;
        this.catalogue = catalogue;
        this.heartbeat = heartbeat;
        this.ledger = ledger;
        this.pulse = pulse;
        this.workers = workers;
        this.consumers = consumers;
        this.seal = seal;
        this.properties = properties;
        this.nudge = nudge;
        health.onChange(nudge::now);
    }

    private void run() {
        try {
            while (!draining) {
                try {
                    var me = registration.register();
                    registered = true;
                    serve(me);
                } catch (RuntimeException e) {
                    LOG.error("This worker met an unexpected error and registers again", e);
                    nudge.await(QUICK);
                } finally {
                    registered = false;
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /// Returns when this registration is over.
    private void serve(WorkerStore.Registered me) throws InterruptedException {
        var lane =
                MessageReader.ofLane(consumers, me.lane(), new LaneListener(me.id(), seal, ledger));
        var watching = catalogue.start(me.id());
        try {
            boolean listening = listen(lane);
            boolean reached = true;
            while (true) {
                try {
                    if (!heartbeat.beat(me.id(), draining)) {
                        evicted(me);
                        return;
                    }
                    reached = said(reached, true, "");
                    if (draining && ledger.isEmpty()) {
                        workers.leave(me.id());
                        LOG.info("Worker {} has left", me.id());
                        return;
                    }
                } catch (DataAccessException e) {
                    reached = said(reached, false, e.toString());
                    if (draining && ledger.isEmpty()) {
                        return;
                    }
                } catch (RuntimeException e) {
                    LOG.error("A heartbeat of worker {} failed; the next one follows", me.id(), e);
                }
                listening = listening || listen(lane);
                nudge.await(
                        reached && lane.isConnected()
                                ? properties.heartbeat()
                                : shorter(QUICK, properties.heartbeat()));
            }
        } finally {
            watching.interrupt();
            pulse.stop();
            lane.stop();
        }
    }

    /// Fails only while the names of the brokers cannot be resolved.
    private static boolean listen(MessageReader<?> lane) {
        try {
            lane.start();
            return true;
        } catch (KafkaException | org.springframework.kafka.KafkaException e) {
            LOG.warn("The lane cannot be read yet ({}); heartbeats bring its news", e.toString());
            return false;
        }
    }

    private static boolean said(boolean before, boolean now, String why) {
        if (before && !now) {
            LOG.warn(
                    "Postgres does not answer heartbeats; what runs goes on, nothing new starts"
                            + " after {} s ({})",
                    Pulse.FRESH.toSeconds(),
                    why);
        } else if (!before && now) {
            LOG.info("Postgres answers heartbeats again");
        }
        return now;
    }

    private void evicted(WorkerStore.Registered me) {
        LOG.warn(
                "Worker {} was given up, by its silence or by a newer process named {}; dropping {}"
                        + " attempts and registering again",
                me.id(),
                properties.nameOrHost(),
                ledger.attempts().size());
        ledger.stopAll(Stop.LOST);
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }

    @Override
    public void start() {
        thread = Thread.ofVirtual().name("worker").start(this::run);
    }

    /// Gives back what has not begun, lets what runs finish within the grace period, leaves.
    @Override
    public void stop() {
        var running = thread;
        if (running == null) {
            return;
        }
        draining = true;
        ledger.drain();
        nudge.now();
        try {
            if (!registered) {
                running.interrupt();
            }
            if (!ledger.isEmpty()) {
                LOG.info("Ending: the running job has {} s", properties.grace().toSeconds());
            }
            if (!running.join(properties.grace().plus(QUICK))) {
                ledger.stopAll(Stop.GIVE_UP);
                if (!running.join(LAST_WORDS)) {
                    LOG.warn("Leaving with attempts that could not be ended; they are taken back");
                    ledger.interruptAll();
                    running.interrupt();
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        thread = null;
    }

    @Override
    public boolean isRunning() {
        return thread != null;
    }
}
