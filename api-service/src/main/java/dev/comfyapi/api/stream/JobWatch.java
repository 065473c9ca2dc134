package dev.comfyapi.api.stream;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;

import dev.comfyapi.api.job.JobNews;
import dev.comfyapi.db.job.JobRow;
import dev.comfyapi.db.job.JobStore;
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
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/// Hears every event of every job: keeps the newest progress, and wakes who waits.
///
/// Each event also goes to the application's listeners, the dispatcher among them: it looks at the
/// queue when another instance accepted a job or a worker became free.
@Component
public final class JobWatch implements JobNews, SmartLifecycle {

    private static final Logger LOG = LoggerFactory.getLogger(JobWatch.class);

    private final Clock clock;
    private final ApplicationEventPublisher events;
    private final MessageReader<JobEvent> reader;
    private final Lookout lookout;
    private final Cache<JobId, Running> newest =
            Caffeine.newBuilder()
                    .maximumSize(100_000)
                    .expireAfterWrite(10, TimeUnit.MINUTES)
                    .build();
    private volatile boolean ending;
    private volatile Hearing hearing = new Hearing(false, Long.MIN_VALUE);

    JobWatch(
            ConsumerFactory<byte[], byte[]> consumers,
            JobStore store,
            Clock clock,
            ApplicationEventPublisher events) {
        this.clock = clock;
        this.events = events;
        this.reader = MessageReader.ofEvents(consumers, this::hear);
        this.lookout = new Lookout(store, this::isConnected);
    }

    private void hear(JobEvent event) {
        note(event);
        lookout.hear(event);
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
        LOG.debug("{} who wait are answered: {}", listeners(), end);
        ending = true;
        lookout.end();
    }

    @Override
    public Watch watch(int tenant, JobId job, Watcher watcher) {
        return lookout.watch(tenant, job, watcher);
    }

    /// Tells the stream of a job from this row on.
    void follow(int tenant, JobRow row, JobStream stream, Courier courier) {
        stream.look(row);
        var watching = watch(tenant, row.id(), stream);
        courier.onClose(watching::close);
        // Something may have happened since the row was read.
        watching.lookNow();
        if (ending) {
            stream.end();
        }
    }

    /// Tells a client of everything that happens to its tenant's jobs.
    void follow(TenantStream.Client client) {
        lookout.join(client);
        client.courier().onClose(() -> lookout.leave(client));
        if (ending) {
            client.end();
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

    /// How many waits and streams there are.
    public int listeners() {
        return lookout.watchers();
    }

    @Override
    public void start() {
        reader.start();
        lookout.start();
    }

    @Override
    public void stop() {
        lookout.stop();
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
