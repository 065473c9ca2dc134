package dev.comfyapi.api.housekeeping;

import dev.comfyapi.api.dispatch.Leading;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.dao.DataAccessException;
import org.springframework.stereotype.Component;

import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/// Runs the duties of housekeeping while this instance leads, on a thread and database connections
/// of their own: a slow disk or a long look at all jobs keeps no job from being dispatched.
///
/// A duty that fails is counted, and tried again at its pace; the others go on.
@Component
final class Housekeeping implements SmartLifecycle {

    private static final Logger LOG = LoggerFactory.getLogger(Housekeeping.class);
    private static final Duration STEP = Duration.ofSeconds(1);

    private final Leading leading;
    private final List<Pace> paces;
    private volatile @Nullable Thread thread;

    Housekeeping(List<Duty> duties, Leading leading, Clock clock, MeterRegistry metrics) {
        this.leading = leading;
        this.paces = duties.stream().map(duty -> new Pace(duty, clock, metrics)).toList();
    }

    private void loop() {
        boolean led = false;
        try {
            while (true) {
                boolean leads = leading.isLeading();
                if (leads && !led) {
                    paces.forEach(Pace::begin);
                }
                led = leads;
                for (var pace : paces) {
                    if (leading.isLeading()) {
                        pace.runIfDue();
                    }
                }
                Thread.sleep(STEP);
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /// Does one duty now.
    void run(Duty duty) throws InterruptedException {
        for (var pace : paces) {
            if (pace.duty.equals(duty)) {
                pace.run();
            }
        }
    }

    /// A duty, when it is due by the monotonic clock, and how it went.
    private static final class Pace {

        private final Duty duty;
        private final Clock clock;
        private final Counter done;
        private final Counter failures;
        private final AtomicLong lastSuccess = new AtomicLong();
        private long due;

        Pace(Duty duty, Clock clock, MeterRegistry metrics) {
            this.duty = duty;
            this.clock = clock;
            this.done =
                    Counter.builder("comfyapi.housekeeping.done")
                            .description("Things that housekeeping has done")
                            .tag("duty", duty.name())
                            .register(metrics);
            this.failures =
                    Counter.builder("comfyapi.housekeeping.failures")
                            .description("Runs of housekeeping that failed and are tried again")
                            .tag("duty", duty.name())
                            .register(metrics);
            Gauge.builder("comfyapi.housekeeping.last.success", lastSuccess, AtomicLong::get)
                    .description("When this instance last did it without failing; 0 for never")
                    .tag("duty", duty.name())
                    .baseUnit("seconds")
                    .register(metrics);
        }

        void begin() {
            due = System.nanoTime() + duty.first().toNanos();
        }

        void runIfDue() throws InterruptedException {
            if (due - System.nanoTime() <= 0) {
                run();
            }
        }

        void run() throws InterruptedException {
            due = System.nanoTime() + duty.every().toNanos();
            try {
                var result = duty.run();
                done.increment(result.count());
                lastSuccess.set(clock.instant().getEpochSecond());
                if (!result.all()) {
                    due = System.nanoTime();
                }
            } catch (IOException | DataAccessException e) {
                failures.increment();
                LOG.warn(
                        "Housekeeping ({}) failed and is tried again in {}: {}",
                        duty.name(),
                        duty.every(),
                        e.toString());
            } catch (RuntimeException e) {
                failures.increment();
                LOG.error("Housekeeping ({}) met an unexpected error", duty.name(), e);
            }
        }
    }

    @Override
    public void start() {
        thread = Thread.ofPlatform().name("housekeeping").start(this::loop);
    }

    @Override
    public void stop() {
        var running = thread;
        thread = null;
        if (running != null) {
            running.interrupt();
            try {
                running.join(Duration.ofSeconds(6));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public boolean isRunning() {
        return thread != null;
    }
}
