package dev.comfyapi.api.dispatch;

import dev.comfyapi.api.dispatch.Leadership.Reign;
import dev.comfyapi.api.job.QueueBell;
import dev.comfyapi.db.queue.LeaderStore;
import dev.comfyapi.db.secret.GraphSeal;
import dev.comfyapi.messaging.MessageSender;
import dev.comfyapi.model.message.JobEvent;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.event.EventListener;
import org.springframework.dao.DataAccessException;
import org.springframework.stereotype.Component;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/// Runs the duties of the leader on one thread, each at its pace, while this instance leads; stands
/// by otherwise.
///
/// A bell (a submit, a freed worker) makes it look at the queue at once; without bells it looks
/// twice a second, so a lost message costs half a second and nothing else. Any error of the
/// database ends the reign; the lock goes with the connection, and some instance leads again within
/// a second or two.
@Component
final class Dispatcher implements SmartLifecycle, QueueBell, Leading {

    private static final Logger LOG = LoggerFactory.getLogger(Dispatcher.class);
    private static final Duration STANDBY = Duration.ofSeconds(1);

    /// A job whose worker came back without it should not wait a second to be noticed.
    private static final Duration REAPING = Duration.ofMillis(250);

    private final DispatchProperties properties;
    private final Leadership leadership;
    private final MessageSender sender;
    private final GraphSeal seal;
    private final Promote promote;
    private final Expire expire;
    private final Reap reap;
    private final String name = hostname() + "/" + ProcessHandle.current().pid();
    private final Semaphore bell = new Semaphore(0);

    private final Hints hints = new Hints();
    private final Timer ticks;
    private final Counter assigned;
    private final Counter reaped;
    private volatile boolean leading;
    private volatile @Nullable Thread thread;

    Dispatcher(
            DispatchProperties properties,
            JdbcConnectionDetails database,
            MessageSender sender,
            GraphSeal seal,
            MeterRegistry metrics) {
        this.properties = properties;
        this.leadership = new Leadership(database, properties);
        this.sender = sender;
        this.seal = seal;
        this.promote = new Promote(sender);
        this.expire = new Expire(sender);
        this.reap = new Reap(sender, properties);
        this.ticks =
                Timer.builder("comfyapi.dispatch.tick")
                        .description("One look at the queue")
                        .register(metrics);
        this.assigned =
                Counter.builder("comfyapi.dispatch.assigned")
                        .description("Jobs given to workers")
                        .register(metrics);
        this.reaped =
                Counter.builder("comfyapi.dispatch.reaped")
                        .description("Leases taken back from lost workers")
                        .register(metrics);
        Gauge.builder("comfyapi.dispatch.leading", this, d -> d.leading ? 1 : 0)
                .description("1 while this instance leads")
                .register(metrics);
    }

    @Override
    public void ring() {
        // Many bells are one; a standby, who empties none, must not gather them for ever.
        if (bell.availablePermits() == 0) {
            bell.release();
        }
    }

    /// What other instances and the workers say that may make a match possible.
    @EventListener
    void hear(JobEvent event) {
        ringIf(hints.hear(event));
    }

    @Override
    public boolean isLeading() {
        return leading;
    }

    @Override
    public Duration silence() {
        return properties.silence();
    }

    private void run() {
        boolean reachable = true;
        while (!Thread.currentThread().isInterrupted()) {
            try {
                var reign = leadership.seize();
                if (!reachable) {
                    reachable = true;
                    LOG.info("The database answers again");
                }
                if (reign.isPresent()) {
                    lead(reign.get());
                }
            } catch (SQLException | DataAccessException e) {
                if (reachable && !Thread.currentThread().isInterrupted()) {
                    reachable = false;
                    LOG.warn(
                            "Dispatching pauses, the database does not answer: {}", e.getMessage());
                }
            } catch (RuntimeException e) {
                LOG.error("Dispatching met an unexpected error and starts again", e);
            }
            pause(STANDBY);
        }
    }

    private void lead(Reign reign) {
        try (reign) {
            leading = true;
            LOG.info("{} leads: it gives waiting jobs to workers", name);
            var store = reign.store();
            var assign = new Assign(sender, seal, properties);
            var strand = new Strand(sender, properties.noWorkerTimeout());
            long since = System.nanoTime();
            var duties =
                    new Duty[] {
                        new Duty(Duration.ofSeconds(1), () -> store.beat(name)),
                        new Duty(Duration.ofMillis(200), () -> ringIf(promote.run(store) > 0)),
                        new Duty(Duration.ofSeconds(1), () -> expire.run(store)),
                        new Duty(
                                REAPING,
                                () -> {
                                    boolean settled =
                                            System.nanoTime() - since
                                                    > properties.settle().toNanos();
                                    int lost = reap.run(store, settled);
                                    reaped.increment(lost);
                                    if (lost > 0) {
                                        ringIf(promote.run(store) > 0);
                                    }
                                }),
                        new Duty(Duration.ofSeconds(1), () -> assign.settle(store)),
                        new Duty(
                                Duration.ofSeconds(1),
                                () -> strand.run(store, assign.stranded(store), System.nanoTime())),
                        new Duty(properties.idleWait(), this::ring)
                    };
            while (!Thread.currentThread().isInterrupted()) {
                for (var duty : duties) {
                    duty.runIfDue();
                }
                if (heardBell(duties)) {
                    ticks.record(() -> look(assign, store));
                    pause(properties.spacing());
                }
            }
        } finally {
            leading = false;
        }
    }

    private void look(Assign assign, LeaderStore store) {
        if (assign.isReadingDue()) {
            assign.read(store);
        }
        var look = assign.look(store, hints);
        assigned.increment(look.assigned());
        ringIf(look.more());
    }

    private void ringIf(boolean more) {
        if (more) {
            ring();
        }
    }

    /// Waits for a bell until the next duty is due; many bells are one.
    private boolean heardBell(Duty[] duties) {
        long wait = Long.MAX_VALUE;
        for (var duty : duties) {
            wait = Math.min(wait, duty.untilDue());
        }
        try {
            boolean heard = bell.tryAcquire(Math.max(0, wait), TimeUnit.NANOSECONDS);
            bell.drainPermits();
            return heard;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private static void pause(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static String hostname() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException _) {
            return "api";
        }
    }

    /// Something to be done at a steady pace, by the monotonic clock.
    private static final class Duty {

        private final long every;
        private final Runnable work;
        private long due = System.nanoTime();

        Duty(Duration every, Runnable work) {
            this.every = every.toNanos();
            this.work = work;
        }

        void runIfDue() {
            if (untilDue() <= 0) {
                due = System.nanoTime() + every;
                work.run();
            }
        }

        long untilDue() {
            return due - System.nanoTime();
        }
    }

    @Override
    public void start() {
        if (properties.enabled()) {
            thread = Thread.ofPlatform().name("dispatcher").start(this::run);
        }
    }

    @Override
    public void stop() {
        var running = thread;
        if (running != null) {
            running.interrupt();
            try {
                running.join(Duration.ofSeconds(6));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            thread = null;
        }
    }

    @Override
    public boolean isRunning() {
        return thread != null;
    }
}
