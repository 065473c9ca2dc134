package dev.comfyapi.worker.lane;

import dev.comfyapi.db.lease.LeaseStore;
import dev.comfyapi.db.worker.WorkerStore;
import dev.comfyapi.db.worker.WorkerStore.Held;
import dev.comfyapi.db.worker.WorkerStore.LeaseReport;
import dev.comfyapi.db.worker.WorkerStore.Standing;
import dev.comfyapi.model.job.LeaseKey;
import dev.comfyapi.model.job.LeaseStage;
import dev.comfyapi.worker.attempt.Attempt;
import dev.comfyapi.worker.attempt.LoadedModel;
import dev.comfyapi.worker.attempt.Stop;
import dev.comfyapi.worker.comfyui.ComfyUiHealth;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Tells Postgres how things stand, and makes what this worker does agree with what Postgres says
/// it has.
final class Heartbeat {

    private static final Logger LOG = LoggerFactory.getLogger(Heartbeat.class);

    /// Behind a job that needs longer than this nothing of ours shall wait: others may be idle.
    private static final Duration OVERRUN = Duration.ofSeconds(10);

    private final WorkerStore workers;
    private final LeaseStore leases;
    private final Ledger ledger;
    private final Pulse pulse;
    private final ComfyUiHealth health;
    private final LoadedModel loaded;
    private final Obedience obedience;

    Heartbeat(
            WorkerStore workers,
            LeaseStore leases,
            Ledger ledger,
            Pulse pulse,
            ComfyUiHealth health,
            LoadedModel loaded,
            Obedience obedience) {
        this.workers = workers;
        this.leases = leases;
        this.ledger = ledger;
        this.pulse = pulse;
        this.health = health;
        this.loaded = loaded;
        this.obedience = obedience;
    }

    /// One beat.
    ///
    /// @param draining no new jobs are wanted
    /// @return false when the worker is gone and must register again
    /// @throws org.springframework.dao.DataAccessException when Postgres does not answer; nothing
    ///   has changed
    boolean beat(long worker, boolean draining) {
        // Of what arrives after this the answer may know nothing yet.
        var mine = ledger.attempts();
        boolean ready = health.isUsable();
        giveBackWhatShouldNotWait(mine, ready);
        long sent = System.nanoTime();
        var answer =
                workers.heartbeat(
                        worker,
                        new Standing(
                                ready && !draining && !obedience.isHolding(),
                                loaded.name(),
                                health.fault().orElse(null)),
                        mine.stream()
                                .filter(attempt -> attempt.lease().worker() == worker)
                                .map(Heartbeat::report)
                                .toList());
        if (answer.isEmpty()) {
            return false;
        }
        pulse.beat(sent);
        agree(mine, answer.get().held());
        obedience.obey(worker, answer.get().wishes(), draining);
        return true;
    }

    private static void giveBackWhatShouldNotWait(List<Attempt> mine, boolean ready) {
        boolean overrun =
                mine.stream()
                        .flatMap(attempt -> attempt.eta().stream())
                        .anyMatch(eta -> eta.compareTo(OVERRUN) > 0);
        if (overrun || !ready) {
            mine.stream()
                    .filter(attempt -> attempt.stage() == LeaseStage.ASSIGNED)
                    .forEach(attempt -> attempt.stop(Stop.RELEASE));
        }
    }

    private void agree(List<Attempt> mine, List<Held> held) {
        Set<LeaseKey> keys = new HashSet<>();
        for (var lease : held) {
            keys.add(lease.lease());
            if (lease.canceled()) {
                cancel(lease.lease());
            } else if (ledger.find(lease.lease()).isEmpty()) {
                startMissed(lease.lease());
            }
        }
        for (var attempt : mine) {
            if (!keys.contains(attempt.lease())) {
                attempt.stop(Stop.LOST);
            }
        }
    }

    private void cancel(LeaseKey lease) {
        ledger.find(lease)
                .ifPresentOrElse(
                        attempt -> attempt.stop(Stop.CANCEL),
                        // It never arrived here; this confirms that nothing runs.
                        () -> leases.release(lease));
    }

    /// Read anew: it may have ended between the answer and now.
    private void startMissed(LeaseKey lease) {
        leases.assignment(lease)
                .ifPresent(assignment -> {
                    LOG.info("Job {} was assigned without a message; starting it", lease.job());
                    ledger.takeAgain(assignment);
                });
    }

    private static LeaseReport report(Attempt attempt) {
        return new LeaseReport(
                attempt.lease(),
                attempt.stage(),
                attempt.progress(),
                attempt.eta().map(Heartbeat::millis).orElse(null),
                attempt.begunAgo().map(Heartbeat::millis).orElse(null));
    }

    private static Integer millis(Duration duration) {
        return Math.clamp(duration.toMillis(), 0, Integer.MAX_VALUE);
    }
}
