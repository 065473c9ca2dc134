package dev.comfyapi.db;

import static dev.comfyapi.db.Database.TENANT;

import dev.comfyapi.db.invariant.InvariantStore;
import dev.comfyapi.db.job.BatchStore;
import dev.comfyapi.db.job.JobRow;
import dev.comfyapi.db.job.JobStore;
import dev.comfyapi.db.job.JobStore.Cancellation;
import dev.comfyapi.db.job.LiveJobStore;
import dev.comfyapi.db.job.NewBatch;
import dev.comfyapi.db.job.NewJob;
import dev.comfyapi.db.lease.LeaseStore;
import dev.comfyapi.db.queue.Assigning;
import dev.comfyapi.db.queue.Head;
import dev.comfyapi.db.queue.LeaderStore;
import dev.comfyapi.db.worker.Catalogue;
import dev.comfyapi.db.worker.WorkerStore;
import dev.comfyapi.model.job.ErrorCode;
import dev.comfyapi.model.job.JobClass;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.JobState;
import dev.comfyapi.model.job.LeaseKey;
import dev.comfyapi.model.job.Priority;

import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/// Clients, two leaders at once, workers that repeat themselves and come back from the dead, and
/// housekeeping: all at random, all at the same time, through the real stores on a real Postgres.
/// What each was told is kept, and must stay true.
final class Interleaving {

    private static final String ERROR = "{\"message\": \"no luck\"}";
    private static final int KEPT = 100;

    /// A change to one statement.
    ///
    /// @param in a part of the statement meant, as it is sent
    /// @param from what is replaced there, everywhere
    record Mutation(String name, String in, String from, String to) {}

    private final Database db = new Database();
    private final @Nullable Mutation mutation;
    private final long seed;
    private final AtomicBoolean applied = new AtomicBoolean();
    private final AtomicBoolean over = new AtomicBoolean();
    private final Queue<Throwable> wrong = new ConcurrentLinkedQueue<>();
    private final Queue<SingleConnectionDataSource> connections = new ConcurrentLinkedQueue<>();

    private final Map<JobId, NewJob> submitted = new ConcurrentHashMap<>();
    private final Map<JobId, JobState> told = new ConcurrentHashMap<>();
    private final Map<JobId, Integer> epochs = new ConcurrentHashMap<>();
    private final List<JobId> recent = new ArrayList<>();

    /// Jobs whose deadlines may be others than they were submitted with.
    private final Set<JobId> changed = ConcurrentHashMap.newKeySet();

    /// Which change of which job somebody was told has been made.
    private final Set<String> changes = ConcurrentHashMap.newKeySet();

    /// Leases that nobody has answered for.
    private final List<LeaseKey> open = new ArrayList<>();

    /// Leases that somebody has answered for.
    private final List<LeaseKey> answered = new ArrayList<>();

    /// How many jobs each batch has.
    private final Map<UUID, Integer> batches = new ConcurrentHashMap<>();

    /// Batches whose end somebody was told that it has made.
    private final Set<UUID> endedBatches = ConcurrentHashMap.newKeySet();

    private final List<Long> workers = new ArrayList<>();
    final AtomicLong steps = new AtomicLong();

    Interleaving(@Nullable Mutation mutation, long seed) {
        this.mutation = mutation;
        this.seed = seed;
    }

    /// @return what was wrong; empty when nothing was
    List<Throwable> run(Duration time) throws InterruptedException {
        int jobClass =
                db.classes.idOf(new JobClass("", List.of(), List.of("EmptyImage"), 0, "default"));
        // The two leaders match nothing, they draw: limits are not theirs.
        db.execute("UPDATE tenant SET max_running = 1000000");
        for (int i = 0; i < 4; i++) {
            workers.add(db.aWorker("gpu-" + i));
        }
        var random = new Random(seed);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 2; i++) {
                threads.execute(actor(random.nextLong(), (r, s) -> submit(r, s, jobClass)));
                threads.execute(actor(random.nextLong(), this::lead));
                threads.execute(actor(random.nextLong(), this::cancel));
                threads.execute(actor(random.nextLong(), this::change));
                threads.execute(actor(random.nextLong(), this::keepHouse));
                threads.execute(actor(random.nextLong(), this::keepBatches));
                threads.execute(actor(random.nextLong(), this::look));
            }
            threads.execute(actor(random.nextLong(), (r, s) -> submitBatch(r, s, jobClass)));
            for (int i = 0; i < 4; i++) {
                threads.execute(actor(random.nextLong(), this::work));
            }
            threads.execute(
                    actor(
                            random.nextLong(),
                            (_, s) ->
                                    check(
                                            s.invariants.broken().isEmpty(),
                                            "broken",
                                            s.invariants.broken())));
            long end = System.nanoTime() + time.toNanos();
            while (System.nanoTime() < end && wrong.isEmpty()) {
                TimeUnit.MILLISECONDS.sleep(20);
            }
            over.set(true);
        }
        if (wrong.isEmpty()) {
            told.keySet().forEach(job -> seen(db.jobs, job));
            check(mutation == null || applied.get(), "a mutation that met no statement", mutation);
        }
        connections.forEach(SingleConnectionDataSource::destroy);
        return List.copyOf(wrong);
    }

    /// The stores, over a connection of one actor.
    private record Stores(
            TransactionTemplate transactions,
            JobStore jobs,
            BatchStore batches,
            LiveJobStore live,
            LeaderStore leader,
            LeaseStore leases,
            WorkerStore workers,
            InvariantStore invariants) {}

    private interface Step {
        void take(Random random, Stores stores) throws SQLException;
    }

    private Runnable actor(long seed, Step step) {
        return () -> {
            try {
                var random = new Random(seed);
                var stores = stores();
                while (!over.get()) {
                    step.take(random, stores);
                    steps.incrementAndGet();
                }
            } catch (Exception | AssertionError e) {
                wrong.add(e);
                over.set(true);
            }
        };
    }

    private Stores stores() throws SQLException {
        var source =
                new SingleConnectionDataSource(mutating(DriverManager.getConnection(db.url)), true);
        connections.add(source);
        var jdbc = JdbcClient.create(source);
        return new Stores(
                new TransactionTemplate(new JdbcTransactionManager(source)),
                new JobStore(jdbc),
                new BatchStore(jdbc),
                new LiveJobStore(jdbc),
                new LeaderStore(jdbc),
                new LeaseStore(jdbc, Duration.ofMillis(1)),
                new WorkerStore(jdbc),
                new InvariantStore(jdbc));
    }

    private Connection mutating(Connection connection) {
        var how = mutation;
        if (how == null) {
            return connection;
        }
        return (Connection)
                Proxy.newProxyInstance(
                        Connection.class.getClassLoader(),
                        new Class<?>[] {Connection.class},
                        (_, method, given) -> {
                            if (given != null
                                    && given[0] instanceof String sql
                                    && sql.contains(how.in())
                                    && sql.contains(how.from())) {
                                given[0] = sql.replace(how.from(), how.to());
                                applied.set(true);
                            }
                            try {
                                return method.invoke(connection, given);
                            } catch (InvocationTargetException e) {
                                throw e.getCause();
                            }
                        });
    }

    // -- the actors -----------------------------------------------------------------------------

    private void submit(Random random, Stores stores, int jobClass) {
        if (submitted.size() - told.size() > 200) {
            look(random, stores);
            return;
        }
        var now = Instant.now();
        var plain = Database.aJob(jobClass, 1 + random.nextInt(3));
        var job =
                Database.with(
                        plain,
                        random.nextInt(4) == 0 ? now.plusMillis(random.nextInt(60)) : null,
                        random.nextInt(4) == 0 ? now.plusMillis(20 + random.nextInt(100)) : null,
                        random.nextInt(4) == 0 ? now.plusMillis(20 + random.nextInt(150)) : null);
        submitted.put(job.id(), job);
        stores.jobs.submit(TENANT, List.of(job));
        synchronized (recent) {
            recent.add(job.id());
            if (recent.size() > KEPT) {
                recent.removeFirst();
            }
        }
    }

    private void submitBatch(Random random, Stores stores, int jobClass) {
        if (batches.size() - endedBatches.size() > 20) {
            look(random, stores);
            return;
        }
        var id = Database.newId().value();
        @Nullable Integer limit = random.nextInt(4) == 0 ? null : (Integer) (1 + random.nextInt(3));
        boolean failFast = random.nextInt(4) == 0;
        var jobs = new ArrayList<NewJob>();
        for (int i = 0; i < 6; i++) {
            jobs.add(ofBatch(random, id, jobClass, limit != null));
        }
        jobs.forEach(job -> submitted.put(job.id(), job));
        batches.put(id, jobs.size());
        stores.transactions.executeWithoutResult(_ -> {
            stores.batches.add(
                    TENANT, new NewBatch(id, null, jobs.size(), limit, failFast, null, "{}", null));
            stores.jobs.submit(TENANT, jobs.subList(0, 3));
            stores.jobs.submit(TENANT, jobs.subList(3, 6));
        });
        synchronized (recent) {
            jobs.forEach(job -> recent.add(job.id()));
            while (recent.size() > KEPT) {
                recent.removeFirst();
            }
        }
    }

    private static NewJob ofBatch(Random random, UUID batch, int jobClass, boolean held) {
        var now = Instant.now();
        var plain = Database.aJob(jobClass, 1 + random.nextInt(3));
        return new NewJob(
                plain.id(),
                plain.classId(),
                plain.priority(),
                plain.graph(),
                plain.params(),
                plain.metadata(),
                plain.tags(),
                batch,
                null,
                null,
                random.nextInt(6) == 0 ? now.plusMillis(random.nextInt(60)) : null,
                random.nextInt(6) == 0 ? now.plusMillis(20 + random.nextInt(100)) : null,
                random.nextInt(6) == 0 ? now.plusMillis(20 + random.nextInt(150)) : null,
                null,
                plain.maxFailures(),
                plain.runTimeoutMs(),
                false,
                null,
                null,
                held);
    }

    private void keepBatches(Random random, Stores stores) {
        for (var open : stores.batches.open(Map.of(), null, 100)) {
            if (open.firstLive() == null) {
                finish(stores, open.id());
            } else if (open.isEnding()) {
                stores.live.walkBatch(TENANT, open.id(), jobs -> cancelAll(stores, jobs));
            } else {
                stores.batches.release(open.id());
                if (random.nextInt(10) == 0) {
                    // Too early: nothing comes of it.
                    finish(stores, open.id());
                }
            }
        }
    }

    private void finish(Stores stores, UUID batch) {
        if (stores.batches.finish(batch)) {
            check(endedBatches.add(batch), "a batch that ended twice", batch);
            var row = stores.batches.find(TENANT, batch).orElseThrow();
            check(
                    row.ended().all() == batches.getOrDefault(batch, 0),
                    "a batch that did not count all of its jobs",
                    row);
        }
    }

    private void lead(Random random, Stores stores) {
        var heads = stores.leader.heads(stores.leader.groups(), 20);
        var wishes = new ArrayList<Assigning>();
        for (Head head : heads) {
            if (random.nextBoolean()) {
                wishes.add(new Assigning(head.group(), head.job(), pick(random, workers, 1L)));
            }
        }
        var before = Instant.now();
        for (var assignment : stores.leader.assign(wishes)) {
            var lease = assignment.lease();
            var job = submitted.get(lease.job());
            check(
                    epochs.merge(lease.job(), lease.epoch(), (old, next) -> next > old ? next : -1)
                            > 0,
                    "given twice with the same epoch",
                    lease);
            check(
                    job == null || !isOver(job, before) || changed.contains(lease.job()),
                    "given after its deadline",
                    lease);
            check(
                    job == null || job.runAfter() == null || !job.runAfter().isAfter(Instant.now()),
                    "given before its time",
                    lease);
            synchronized (open) {
                open.add(lease);
            }
        }
    }

    /// Says something of a lease that may be long gone, as a worker does that was away.
    private void work(Random random, Stores stores) {
        var lease = aLease(random);
        if (lease == null) {
            look(random, stores);
            return;
        }
        boolean old = lease.epoch() < epochs.getOrDefault(lease.job(), 0);
        switch (random.nextInt(6)) {
            case 0, 1 -> {
                var completion = stores.leases.complete(lease, db.aResult(lease));
                check(
                        !old || completion == LeaseStore.Completion.STALE,
                        "completed by who had lost it",
                        lease);
                if (completion == LeaseStore.Completion.RECORDED) {
                    tell(lease.job(), JobState.SUCCEEDED);
                }
            }
            case 2, 3 -> {
                var code =
                        random.nextInt(4) == 0 ? ErrorCode.EXECUTION_TIMEOUT : ErrorCode.TRANSIENT;
                var failing = stores.leases.fail(lease, code, ERROR);
                check(
                        !old || failing == LeaseStore.Failing.STALE,
                        "failed by who had lost it",
                        lease);
                if (failing == LeaseStore.Failing.ENDED) {
                    tell(lease.job(), JobState.FAILED);
                }
            }
            case 4 -> stores.leases.release(lease);
            default -> {
                stores.workers.heartbeat(
                        lease.worker(), new WorkerStore.Standing(true, null, null), List.of());
                synchronized (open) {
                    open.add(lease);
                }
            }
        }
    }

    private void cancel(Random random, Stores stores) {
        var job = aJob(random);
        if (job == null || random.nextInt(3) > 0) {
            return;
        }
        if (random.nextInt(4) == 0) {
            cancelMany(random, stores);
            return;
        }
        var seen = stores.jobs.find(TENANT, job).orElseThrow();
        if (stores.jobs.cancel(TENANT, job) instanceof Cancellation.Canceled) {
            tell(job, JobState.CANCELED);
            check(!stores.jobs.change(seen, JobStore.Terms.of(seen)), "changed after its end", job);
        }
    }

    private void cancelMany(Random random, Stores stores) {
        List<JobId> some;
        synchronized (recent) {
            int from = random.nextInt(recent.size());
            some = List.copyOf(recent.subList(from, Math.min(from + 5, recent.size())));
        }
        cancelAll(stores, some);
        if (random.nextInt(4) == 0) {
            stores.jobs
                    .find(TENANT, some.getFirst())
                    .map(JobRow::batchId)
                    .ifPresent(batch -> stores.batches.cancel(TENANT, batch));
        }
    }

    private void cancelAll(Stores stores, List<JobId> jobs) {
        for (var canceled : stores.live.cancel(TENANT, jobs)) {
            tell(canceled.job(), JobState.CANCELED);
        }
    }

    private void change(Random random, Stores stores) {
        var job = aJob(random);
        if (job == null || random.nextInt(3) > 0) {
            return;
        }
        var seen = stores.jobs.find(TENANT, job).orElseThrow();
        var end = told.get(job);
        var now = Instant.now();
        changed.add(job);
        var terms =
                new JobStore.Terms(
                        Priority.ofBand(random.nextInt(5)),
                        random.nextInt(4) == 0 ? now.plusMillis(random.nextInt(100)) : null,
                        random.nextInt(4) == 0 ? now.plusMillis(random.nextInt(150)) : null,
                        seen.tags(),
                        seen.metadata());
        if (stores.jobs.change(seen, terms)) {
            check(end == null, "changed after its end", job, end);
            check(
                    changes.add(job + "/" + seen.edits()) && !stores.jobs.change(seen, terms),
                    "changed twice by who had seen the same",
                    job,
                    seen.edits());
        }
    }

    private static boolean isOver(NewJob job, Instant now) {
        return (job.startBy() != null && !job.startBy().isAfter(now))
                || (job.finishBy() != null && !job.finishBy().isAfter(now));
    }

    private void keepHouse(Random random, Stores stores) {
        stores.leader.promote(20);
        for (var job : stores.leader.expire(20, ERROR, ERROR)) {
            expired(job);
        }
        for (var overdue : stores.leader.expireLeases(20, ERROR)) {
            expired(overdue.lease().job());
        }
        if (random.nextInt(20) == 0) {
            int which = random.nextInt(workers.size());
            long renewed =
                    stores.workers
                            .register(
                                    new WorkerStore.Registration(
                                            "gpu-" + which,
                                            "default",
                                            128,
                                            8_192,
                                            "0.33.0",
                                            new Catalogue(
                                                    new TreeSet<>(),
                                                    new TreeSet<>(List.of("EmptyImage")),
                                                    new TreeSet<>(),
                                                    new TreeSet<>(),
                                                    "{}")))
                            .id();
            synchronized (workers) {
                workers.set(which, renewed);
            }
        }
        for (var reaped : stores.leader.reap(ERROR)) {
            if (reaped.next() == JobState.FAILED) {
                tell(reaped.lease().job(), JobState.FAILED);
            }
        }
    }

    private void expired(JobId job) {
        tell(job, JobState.EXPIRED);
        var submit = submitted.get(job);
        check(
                submit == null || isOver(submit, Instant.now()) || changed.contains(job),
                "expired before its deadline",
                job);
    }

    private void look(Random random, Stores stores) {
        var job = aJob(random);
        if (job != null) {
            seen(stores.jobs, job);
        }
    }

    // -- what they know -------------------------------------------------------------------------

    private void tell(JobId job, JobState state) {
        var before = told.putIfAbsent(job, state);
        check(before == null, "another end than before", job, state, before);
    }

    private void seen(JobStore jobs, JobId job) {
        var known = told.get(job);
        var state = jobs.find(TENANT, job).orElseThrow().state();
        check(known == null || known == state, "another end than before", job, state, known);
        if (known == null && state.isFinal()) {
            // Whoever ended it tells the same, if later.
            check(
                    jobs.find(TENANT, job).orElseThrow().state() == state,
                    "changed after its end",
                    job,
                    state);
        }
    }

    private @Nullable JobId aJob(Random random) {
        synchronized (recent) {
            return recent.isEmpty() ? null : recent.get(random.nextInt(recent.size()));
        }
    }

    private @Nullable LeaseKey aLease(Random random) {
        synchronized (open) {
            if (!open.isEmpty() && random.nextInt(3) > 0) {
                var lease = open.remove(random.nextInt(open.size()));
                answered.add(lease);
                if (answered.size() > KEPT) {
                    answered.removeFirst();
                }
                return lease;
            }
            return answered.isEmpty() ? null : answered.get(random.nextInt(answered.size()));
        }
    }

    private static <T> T pick(Random random, List<T> list, T ifEmpty) {
        synchronized (list) {
            return list.isEmpty() ? ifEmpty : list.get(random.nextInt(list.size()));
        }
    }

    private void check(boolean holds, String sentence, @Nullable Object... of) {
        if (!holds) {
            wrong.add(new AssertionError(sentence + ": " + Arrays.toString(of)));
            over.set(true);
        }
    }
}
