package dev.comfyapi.api.queue;

import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.LoadingCache;

import dev.comfyapi.db.job.JobRow;
import dev.comfyapi.db.queue.LiveWorker;
import dev.comfyapi.db.queue.OutlookStore;
import dev.comfyapi.model.job.JobClass;
import dev.comfyapi.model.job.TokenPlace;

import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Tells clients why their jobs wait and operators how their pools stand, from a look at queue and
/// fleet that is taken once a second at most, however many ask. Thread-safe.
///
/// What it says of a job costs one more statement of bounded cost, and that only while the job is
/// queued.
@Component
public final class QueueOutlook {

    private static final int LAST_POSITION = 1_000;

    /// Further classes of a tenant whose jobs are counted for the time of one of its jobs.
    private static final int MOST_CLASSES = 8;

    private final OutlookStore store;
    private final OutlookProperties properties;
    private final Clock clock;
    private final LoadingCache<String, Moment> moment;

    QueueOutlook(OutlookStore store, OutlookProperties properties, Clock clock) {
        this.store = store;
        this.properties = properties;
        this.clock = clock;
        this.moment =
                Caffeine.newBuilder()
                        .expireAfterWrite(properties.keep())
                        .maximumSize(1)
                        .build(_ -> new Moment(store.look()));
    }

    private Moment now() {
        return moment.get("");
    }

    /// How long a job shall wait at most, by the operator's wish.
    public Duration targetWait() {
        return properties.targetWait();
    }

    /// The figures of these pools, and of all others that have workers or jobs; by name.
    public Map<String, PoolFigures> pools(Collection<String> named) {
        var now = now();
        var figures = new TreeMap<>(now.pools(properties.targetWait()));
        for (var pool : named) {
            figures.computeIfAbsent(pool, _ -> PoolFigures.none(pool, now.pauses().cover(pool)));
        }
        return figures;
    }

    /// Whether everything is paused.
    public boolean isPaused() {
        return now().pauses().everything();
    }

    /// What is to be said of a queued job, with its position and times.
    public Advice ofJob(JobRow row) {
        var now = now();
        var needs = needs(row);
        var plain = plain(now, row, needs);
        if (row.held()) {
            return plain;
        }
        if (row.place() == TokenPlace.LEASE) {
            return now.afterOthers(row.id())
                    .map(time -> plain.starting(null, at(time), at(time.multipliedBy(2))))
                    .orElse(plain);
        }
        int band = row.priority().band();
        var others = now.classes(row.tenant(), band).stream().limit(MOST_CLASSES).toList();
        var place = store.place(row.tenant(), row.id(), others, LAST_POSITION);
        @Nullable Object position =
                row.place() == TokenPlace.QUEUE
                        ? position(place.ahead().getOrDefault(place.classId(), 0))
                        : null;
        if (!plain.mayStart()) {
            return plain.starting(position, null, null);
        }
        return now.start(row.tenant(), band, place.classId(), needs, place.ahead())
                .map(start ->
                        plain.starting(
                                position,
                                notBefore(row, at(Duration.ofMillis(start.likelyMs()))),
                                notBefore(row, at(Duration.ofMillis(start.lateMs())))))
                .orElse(plain.starting(position, null, null));
    }

    /// The same without position and times: nothing is read for it.
    public Advice ofListed(JobRow row) {
        return plain(now(), row, needs(row));
    }

    private static JobClass needs(JobRow row) {
        return new JobClass("", row.models(), row.nodes(), 0, row.pool());
    }

    private static Object position(int ahead) {
        return ahead >= LAST_POSITION ? LAST_POSITION + "+" : (Object) (ahead + 1);
    }

    private Instant at(Duration fromNow) {
        return clock.instant().plus(fromNow);
    }

    private static Instant notBefore(JobRow row, Instant time) {
        @Nullable Instant due = row.dueAt();
        return due != null && due.isAfter(time) ? due : time;
    }

    // -- why it waits ---------------------------------------------------------------------------

    private static Advice plain(Moment now, JobRow row, JobClass needs) {
        var capable = now.capable(needs);
        int count = capable.size();
        if (row.place() == TokenPlace.LEASE) {
            return Advice.of(
                    Math.max(1, count), "assigned", "A worker has it and is about to start it.");
        }
        if (capable.isEmpty()) {
            return Advice.of(0, Advice.NO_WORKER, whyNobody(now, needs));
        }
        if (row.held()) {
            return Advice.of(
                    count,
                    "waiting_concurrency",
                    "As many jobs of its batch wait or run as the batch lets at one time.");
        }
        if (row.place() == TokenPlace.DELAYED) {
            return Advice.of(
                    count,
                    "backoff",
                    "Attempt %d did not succeed; the next may start at %s."
                            .formatted(row.epoch(), row.dueAt()));
        }
        var tenant = now.tenant(row.tenant());
        if (now.pauses().cover(needs.pool()) || tenant.filter(t -> t.paused()).isPresent()) {
            return Advice.of(count, Advice.PAUSED, whyPaused(now, needs));
        }
        int running = now.leases(row.tenant());
        if (tenant.filter(t -> running >= t.maxRunning()).isPresent()) {
            return Advice.of(
                    count,
                    "waiting_concurrency",
                    "%s running; your limit is %d."
                            .formatted(
                                    running == 1
                                            ? "1 of your jobs is"
                                            : running + " of your jobs are",
                                    tenant.get().maxRunning()));
        }
        if (tenant.filter(t -> isOverDay(t.gpuMsDay(), t.usedMs())).isPresent()) {
            return Advice.of(
                    count,
                    "waiting_concurrency",
                    "Your GPU time of today is used up; there is more from 00:00 UTC on.");
        }
        return Advice.of(count, "waiting_capacity", whyBusy(now, capable));
    }

    private static boolean isOverDay(@Nullable Long limit, long used) {
        return limit != null && used >= limit;
    }

    private static String whyNobody(Moment now, JobClass needs) {
        if (now.workers(needs.pool()) == 0) {
            return "There is no live worker in the pool %s.".formatted(needs.pool());
        }
        var missing = now.missing(needs);
        return missing.isEmpty()
                ? "No live worker in the pool %s has all that it needs.".formatted(needs.pool())
                : "No live worker in the pool %s has %s."
                        .formatted(
                                needs.pool(),
                                String.join(", ", missing.stream().limit(3).toList()));
    }

    private static String whyPaused(Moment now, JobClass needs) {
        if (now.pauses().everything()) {
            return "Nothing is started at the moment: the operator has paused the service.";
        }
        return now.pauses().cover(needs.pool())
                ? "Nothing is started at the moment: the operator has paused the pool %s."
                        .formatted(needs.pool())
                : "Nothing is started at the moment: the operator has paused your jobs, or your GPU"
                        + " time of the month is used up.";
    }

    private static String whyBusy(Moment now, List<LiveWorker> capable) {
        long working = capable.stream().filter(LiveWorker::accepting).count();
        if (working == 0) {
            return capable.size() == 1
                    ? "The worker that can run it takes no jobs at the moment."
                    : "None of the %d workers that can run it takes jobs at the moment."
                            .formatted(capable.size());
        }
        if (capable.stream().anyMatch(now::isIdle)) {
            return "A worker is free; it is about to start.";
        }
        return working == 1
                ? "The worker that can run it is busy."
                : "The %d workers that can run it are busy.".formatted(working);
    }
}
