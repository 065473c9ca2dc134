package dev.comfyapi.api.stream;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;

import dev.comfyapi.api.job.JobNews.Watch;
import dev.comfyapi.api.job.JobNews.Watcher;
import dev.comfyapi.db.job.JobRow;
import dev.comfyapi.db.job.JobStore;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.TokenPlace;
import dev.comfyapi.model.message.JobEvent;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;

import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/// Looks at jobs for all who watch them: one thread, and one statement for many jobs.
///
/// A job is looked at when something was heard of it, and after five seconds in any case; after one
/// while nothing can be heard. Thousands of watchers cost Postgres one connection and a few
/// statements a second.
final class Lookout {

    private static final Logger LOG = LoggerFactory.getLogger(Lookout.class);

    /// Jobs are looked at again after this time, whatever was heard.
    private static final Duration LOOK_AGAIN = Duration.ofSeconds(5);

    /// The same while nothing can be heard, or Postgres does not answer.
    private static final Duration LOOK_AGAIN_DEAF = Duration.ofSeconds(1);

    private static final Duration TICK = Duration.ofMillis(100);

    /// Jobs of one statement: what was heard while it runs waits for the next one.
    private static final int BATCH = 200;

    private final JobStore store;
    private final BooleanSupplier hearing;
    private final Map<JobId, Watched> watched = new ConcurrentHashMap<>();
    private final Set<JobId> wanted = ConcurrentHashMap.newKeySet();
    private final Semaphore rung = new Semaphore(0);
    private final Sweep sweep;
    private final Set<TenantStream.Client> tenants = ConcurrentHashMap.newKeySet();

    /// What is known of jobs while somebody follows all of a tenant's.
    private final Cache<JobId, JobRow> rows =
            Caffeine.newBuilder()
                    .maximumSize(10_000)
                    .expireAfterWrite(10, TimeUnit.MINUTES)
                    .build();

    private @Nullable Instant swept;
    private long nextSweep;
    private long nextTick = System.nanoTime();
    private boolean answered = true;
    private volatile @Nullable Thread thread;

    Lookout(JobStore store, BooleanSupplier hearing) {
        this.store = store;
        this.hearing = hearing;
        this.sweep = new Sweep(store);
    }

    /// A job and who watches it.
    private static final class Watched {
        final Set<Eye> eyes = ConcurrentHashMap.newKeySet();
        volatile long nextLook;

        /// The epoch that a worker has, as last seen; 0 when none has it.
        volatile int runs;
    }

    private final class Eye implements Watch {

        private final int tenant;
        private final JobId job;
        private final Watcher watcher;

        Eye(int tenant, JobId job, Watcher watcher) {
            this.tenant = tenant;
            this.job = job;
            this.watcher = watcher;
        }

        @Override
        public void lookNow() {
            want(job);
        }

        @Override
        public void close() {
            watched.computeIfPresent(
                    job,
                    (_, known) -> {
                        known.eyes.remove(this);
                        return known.eyes.isEmpty() ? null : known;
                    });
        }
    }

    Watch watch(int tenant, JobId job, Watcher watcher) {
        var eye = new Eye(tenant, job, watcher);
        watched.compute(
                job,
                (_, before) -> {
                    var known = before;
                    if (known == null) {
                        known = new Watched();
                        known.nextLook = System.nanoTime() + LOOK_AGAIN_DEAF.toNanos();
                    }
                    known.eyes.add(eye);
                    return known;
                });
        return eye;
    }

    /// Tells this client of everything from here on, until [#leave].
    void join(TenantStream.Client client) {
        tenants.add(client);
    }

    void leave(TenantStream.Client client) {
        tenants.remove(client);
        if (tenants.isEmpty()) {
            rows.invalidateAll();
        }
    }

    /// How many watch.
    int watchers() {
        return tenants.size()
                + watched.values().stream().mapToInt(known -> known.eyes.size()).sum();
    }

    private void want(JobId job) {
        if (wanted.add(job)) {
            rung.release();
        }
    }

    /// On Kafka's thread: hands on what is good without a look, and wants a look at the rest.
    void hear(JobEvent event) {
        var known = watched.get(event.job());
        if (known == null && tenants.isEmpty()) {
            return;
        }
        switch (event) {
            case JobEvent.Progress progress -> hear(known, event, progress.epoch());
            case JobEvent.Preview preview -> hear(known, event, preview.epoch());
            case JobEvent.Submitted _,
                    JobEvent.Started _,
                    JobEvent.Freed _,
                    JobEvent.Requeued _,
                    JobEvent.Finished _ ->
                    want(event.job());
        }
    }

    private void hear(@Nullable Watched known, JobEvent event, int epoch) {
        if (known != null) {
            if (epoch > known.runs) {
                want(event.job());
            } else if (epoch == known.runs) {
                known.eyes.forEach(eye -> eye.watcher.heard(event));
            }
        }
        if (!tenants.isEmpty()) {
            var row = rows.getIfPresent(event.job());
            if (row == null || epoch > row.epoch()) {
                want(event.job());
            } else if (epoch == row.epoch() && row.place() == TokenPlace.LEASE) {
                tenants.forEach(client -> {
                    if (client.stream().tenant() == row.tenant()) {
                        client.heard(row, event);
                    }
                });
            }
        }
    }

    /// Tells everybody that this instance stops.
    void end() {
        watched.values().forEach(known -> known.eyes.forEach(eye -> eye.watcher.end()));
        tenants.forEach(TenantStream.Client::end);
    }

    /// Waits at most a tick for something to look at; then looks at all of it.
    void round() throws InterruptedException {
        if (rung.tryAcquire(TICK.toNanos(), TimeUnit.NANOSECONDS)) {
            rung.drainPermits();
        }
        long now = System.nanoTime();
        if (now - nextTick >= 0) {
            nextTick = now + TICK.toNanos();
            tick(now);
        }
        var all = List.copyOf(wanted);
        for (int i = 0; i < all.size(); i += BATCH) {
            look(all.subList(i, Math.min(all.size(), i + BATCH)));
        }
        if (now - nextSweep >= 0) {
            nextSweep = now + again().toNanos();
            sweep();
        }
    }

    /// Finds what was not heard of tenants' jobs, whose number nobody can watch one by one.
    private void sweep() {
        // Those who join from here on see to themselves what happened before.
        var clients = List.copyOf(tenants);
        if (clients.isEmpty()) {
            swept = null;
            return;
        }
        var which =
                clients.stream()
                        .map(client -> client.stream().tenant())
                        .collect(Collectors.toSet());
        try {
            var now = store.now();
            var since = swept == null ? firstJoined(clients) : swept;
            boolean all = sweep.since(since, now, which, this::hasEnded, this::tellTenants);
            swept = now;
            for (var client : clients) {
                if (!all) {
                    // Comes again, and is told that there is a gap.
                    client.courier().finish(Courier.Ending.TOO_SLOW);
                }
                client.courier().tell(new News.Position(now.toEpochMilli()));
            }
        } catch (DataAccessException e) {
            LOG.debug("What changed could not be read, again soon: {}", e.toString());
        }
    }

    private static Instant firstJoined(List<TenantStream.Client> clients) {
        return clients.stream()
                .map(client -> client.stream().joined())
                .min(Instant::compareTo)
                .orElseThrow();
    }

    private boolean hasEnded(JobId job) {
        var row = rows.getIfPresent(job);
        return row != null && row.state().isFinal();
    }

    private void tellTenants(JobRow row) {
        if (tenants.isEmpty()) {
            return;
        }
        rows.put(row.id(), row);
        tenants.forEach(client -> {
            if (client.stream().tenant() == row.tenant()) {
                client.look(row);
            }
        });
    }

    private Duration again() {
        return hearing.getAsBoolean() ? LOOK_AGAIN : LOOK_AGAIN_DEAF;
    }

    private void tick(long now) {
        watched.forEach((job, known) -> {
            known.eyes.forEach(eye -> eye.watcher.pass(now));
            if (now - known.nextLook >= 0) {
                wanted.add(job);
            }
        });
        tenants.forEach(client -> client.courier().pass(now));
    }

    private void look(List<JobId> jobs) {
        // What is heard from here on wants another look: the statement may not see it any more.
        jobs.forEach(wanted::remove);
        var missing = new HashSet<>(jobs);
        List<JobRow> rows;
        try {
            rows = store.findAll(jobs);
        } catch (RuntimeException e) {
            if (answered) {
                answered = false;
                LOG.warn(
                        "{} watched jobs could not be looked at, again every second: {}",
                        jobs.size(),
                        e.toString());
            }
            each(jobs, LOOK_AGAIN_DEAF, eye -> eye.watcher.unanswered(e));
            return;
        }
        answered = true;
        var again = again();
        for (var row : rows) {
            missing.remove(row.id());
            tellTenants(row);
            var known = watched.get(row.id());
            if (known == null) {
                continue;
            }
            known.nextLook = System.nanoTime() + again.toNanos();
            known.runs = row.place() == TokenPlace.LEASE ? row.epoch() : 0;
            for (var eye : known.eyes) {
                if (eye.tenant == row.tenant()) {
                    eye.watcher.look(row);
                } else {
                    eye.watcher.gone();
                }
            }
        }
        each(List.copyOf(missing), again, eye -> eye.watcher.gone());
    }

    private void each(List<JobId> jobs, Duration again, Consumer<Eye> tell) {
        for (var job : jobs) {
            var known = watched.get(job);
            if (known != null) {
                known.nextLook = System.nanoTime() + again.toNanos();
                known.eyes.forEach(tell);
            }
        }
    }

    void start() {
        thread = Thread.ofVirtual().name("lookout").start(this::run);
    }

    void stop() {
        var running = thread;
        if (running != null) {
            running.interrupt();
            thread = null;
        }
    }

    private void run() {
        while (!Thread.currentThread().isInterrupted()) {
            try {
                round();
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            } catch (RuntimeException e) {
                // Others wait behind whatever this was about.
                LOG.error("Looking at {} watched jobs failed; it goes on", watched.size(), e);
            }
        }
    }
}
