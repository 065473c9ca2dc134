package dev.comfyapi.api.stream;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;

import dev.comfyapi.api.job.JobNews;
import dev.comfyapi.messaging.MessageReader;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.LeaseStage;
import dev.comfyapi.model.message.JobEvent;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.ApplicationEventPublisher;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.kafka.core.ConsumerFactory;
import org.springframework.stereotype.Component;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/// Hears every event of every job: keeps the newest progress, and wakes who waits.
///
/// Each event also goes to the application's listeners, the dispatcher among them: it looks at the
/// queue when another instance accepted a job or a worker became free.
@Component
public final class JobWatch implements JobNews, SmartLifecycle {

    private static final Logger LOG = LoggerFactory.getLogger(JobWatch.class);

    /// Waiters look again after this time, whatever they heard.
    private static final Duration LOOK_AGAIN = Duration.ofSeconds(5);

    /// The same while nothing can be heard.
    private static final Duration LOOK_AGAIN_DEAF = Duration.ofSeconds(1);

    private final Clock clock;
    private final ApplicationEventPublisher events;
    private final MessageReader<JobEvent> reader;
    private final Map<JobId, Set<Ear>> ears = new ConcurrentHashMap<>();
    private final Cache<JobId, Running> newest =
            Caffeine.newBuilder()
                    .maximumSize(100_000)
                    .expireAfterWrite(Duration.ofMinutes(10))
                    .build();
    private volatile boolean ending;
    private volatile Hearing hearing = new Hearing(false, Long.MIN_VALUE);

    JobWatch(
            ConsumerFactory<byte[], byte[]> consumers,
            Clock clock,
            ApplicationEventPublisher events) {
        this.clock = clock;
        this.events = events;
        this.reader = MessageReader.ofEvents(consumers, this::hear);
    }

    private void hear(JobEvent event) {
        note(event);
        boolean onlyProgress =
                event instanceof JobEvent.Progress || event instanceof JobEvent.Preview;
        for (var ear : ears.getOrDefault(event.job(), Set.of())) {
            if (!onlyProgress || ear.wantsProgress) {
                ear.something.release();
            }
        }
        try {
            events.publishEvent(event);
        } catch (RuntimeException e) {
            // The next event must be heard all the same.
            LOG.warn("Nobody could do anything with {} of job {}", event, event.job(), e);
        }
    }

    private void note(JobEvent event) {
        switch (event) {
            case JobEvent.Started started ->
                    merge(started.job(), started.epoch(), LeaseStage.RUNNING, null);
            case JobEvent.Progress progress ->
                    merge(progress.job(), progress.epoch(), LeaseStage.RUNNING, progress);
            case JobEvent.Freed freed ->
                    merge(freed.job(), freed.epoch(), LeaseStage.STORING, null);
            case JobEvent.Finished _ -> newest.invalidate(event.job());
            case JobEvent.Preview _ -> {
                // For those who stream; it changes nothing.
            }
            case JobEvent.Submitted _, JobEvent.Requeued _ -> {
                // Nothing runs. What is known of an earlier epoch says nothing about the next, and
                // a
                // late Requeued must not wipe out what the next has said already.
            }
        }
    }

    /// Messages may be late and out of order: within an epoch nothing goes back, and an old epoch
    /// says nothing.
    private void merge(
            JobId job, int epoch, LeaseStage stage, JobEvent.@Nullable Progress progress) {
        var at = clock.instant();
        newest.asMap()
                .compute(
                        job,
                        (_, before) -> {
                            if (before != null && before.epoch() > epoch) {
                                return before;
                            }
                            return before == null || before.epoch() < epoch
                                    ? first(epoch, stage, progress, at)
                                    : later(before, stage, progress, at);
                        });
    }

    private static Running first(
            int epoch, LeaseStage stage, JobEvent.@Nullable Progress progress, Instant at) {
        return new Running(epoch, stage, progress == null ? 0 : progress.fraction(), progress, at);
    }

    private static Running later(
            Running before, LeaseStage stage, JobEvent.@Nullable Progress progress, Instant at) {
        return new Running(
                before.epoch(),
                stage.compareTo(before.stage()) > 0 ? stage : before.stage(),
                progress == null
                        ? before.fraction()
                        : Math.max(before.fraction(), progress.fraction()),
                progress == null ? before.progress() : progress,
                progress == null ? before.at() : at);
    }

    @Override
    public Optional<Running> newest(JobId job) {
        return Optional.ofNullable(newest.getIfPresent(job));
    }

    @Override
    public boolean isEnding() {
        return ending;
    }

    /// Requests that wait would otherwise hold up the end of the process for a minute.
    @EventListener
    void end(ContextClosedEvent end) {
        LOG.debug("{} waiting requests are answered: {}", listeners(), end);
        ending = true;
        ears.values().forEach(all -> all.forEach(ear -> ear.something.release()));
    }

    @Override
    public Subscription toEverything(JobId job) {
        return listen(job, new Ear(job, true));
    }

    @Override
    public Subscription toStatus(JobId job) {
        return listen(job, new Ear(job, false));
    }

    private Ear listen(JobId job, Ear ear) {
        ears.compute(
                job,
                (_, others) -> {
                    Set<Ear> all = others == null ? ConcurrentHashMap.newKeySet() : others;
                    all.add(ear);
                    return all;
                });
        return ear;
    }

    private final class Ear implements Subscription {

        private final JobId job;
        private final boolean wantsProgress;
        private final Semaphore something = new Semaphore(0);

        Ear(JobId job, boolean wantsProgress) {
            this.job = job;
            this.wantsProgress = wantsProgress;
        }

        @Override
        public void await(Duration most) throws InterruptedException {
            var again = isConnected() ? LOOK_AGAIN : LOOK_AGAIN_DEAF;
            long nanos = Math.min(most.toNanos(), again.toNanos());
            if (something.tryAcquire(nanos, TimeUnit.NANOSECONDS)) {
                something.drainPermits();
            }
        }

        @Override
        public void close() {
            ears.computeIfPresent(
                    job,
                    (_, others) -> {
                        others.remove(this);
                        return others.isEmpty() ? null : others;
                    });
        }
    }

    /// Whether the reader was connected, and when that was looked at: looking walks through all of
    /// the client's metrics.
    private record Hearing(boolean connected, long lookedAt) {}

    /// Whether events can be heard.
    public boolean isConnected() {
        var known = hearing;
        long now = System.nanoTime();
        if (known.lookedAt == Long.MIN_VALUE
                || now - known.lookedAt > TimeUnit.SECONDS.toNanos(1)) {
            known = new Hearing(reader.isConnected(), now);
            hearing = known;
        }
        return known.connected;
    }

    /// How many requests are waiting for news.
    public int listeners() {
        return ears.values().stream().mapToInt(Set::size).sum();
    }

    @Override
    public void start() {
        reader.start();
    }

    @Override
    public void stop() {
        reader.stop();
    }

    @Override
    public boolean isRunning() {
        return reader.isRunning();
    }

    /// Started before, and stopped after, the requests that wait for news.
    @Override
    public int getPhase() {
        return 0;
    }
}
