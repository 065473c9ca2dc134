package dev.comfyapi.worker.lane;

import dev.comfyapi.model.job.LeaseKey;
import dev.comfyapi.model.message.Assignment;
import dev.comfyapi.worker.attempt.Attempt;
import dev.comfyapi.worker.attempt.AttemptPipeline;
import dev.comfyapi.worker.attempt.Stop;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// What this worker holds: every attempt from its assignment until Postgres knows its outcome.
/// Thread-safe.
final class Ledger {

    /// Late repetitions of older assignments than this do not happen: Kafka keeps a lane for
    /// minutes.
    private static final int REMEMBERED = 10_000;

    private final AttemptPipeline pipeline;
    private final Runnable onChange;
    private final Map<LeaseKey, Attempt> held = new LinkedHashMap<>();
    private final Map<LeaseKey, Thread> threads = new LinkedHashMap<>();
    private final Set<LeaseKey> known =
            Collections.newSetFromMap(
                    new LinkedHashMap<>() {
                        @Override
                        protected boolean removeEldestEntry(Map.Entry<LeaseKey, Boolean> eldest) {
                            return size() > REMEMBERED;
                        }
                    });
    private boolean draining;

    /// @param onChange told after a lane has brought an attempt, so that Postgres knows at once
    ///   that it arrived, and after one has left
    Ledger(AttemptPipeline pipeline, Runnable onChange) {
        this.pipeline = pipeline;
        this.onChange = onChange;
    }

    /// Starts what a lane brought, unless it was ever known: messages may be repeated and late.
    void take(Assignment assignment) {
        synchronized (this) {
            if (known.contains(assignment.lease())) {
                return;
            }
        }
        takeAgain(assignment);
        onChange.run();
    }

    /// Starts what Postgres says is this worker's, unless it is being done.
    synchronized void takeAgain(Assignment assignment) {
        var lease = assignment.lease();
        if (held.containsKey(lease)) {
            return;
        }
        known.add(lease);
        var attempt = new Attempt(assignment);
        if (draining) {
            attempt.stop(Stop.RELEASE);
        }
        held.put(lease, attempt);
        threads.put(
                lease, Thread.ofVirtual().name("attempt-" + lease.job()).start(() -> run(attempt)));
    }

    private void run(Attempt attempt) {
        try {
            pipeline.run(attempt);
        } finally {
            synchronized (this) {
                held.remove(attempt.lease());
                threads.remove(attempt.lease());
            }
            onChange.run();
        }
    }

    synchronized Optional<Attempt> find(LeaseKey lease) {
        return Optional.ofNullable(held.get(lease));
    }

    /// All that is held, in order of arrival.
    synchronized List<Attempt> attempts() {
        return List.copyOf(held.values());
    }

    synchronized boolean isEmpty() {
        return held.isEmpty();
    }

    void stopAll(Stop reason) {
        attempts().forEach(attempt -> attempt.stop(reason));
    }

    /// From now on whatever has not begun is given back.
    void drain() {
        synchronized (this) {
            draining = true;
        }
        stopAll(Stop.RELEASE);
    }

    /// From now on what arrives is begun again.
    synchronized void goOn() {
        draining = false;
    }

    /// The process ends now.
    void interruptAll() {
        List<Thread> running;
        synchronized (this) {
            running = new ArrayList<>(new LinkedHashSet<>(threads.values()));
        }
        running.forEach(Thread::interrupt);
    }
}
