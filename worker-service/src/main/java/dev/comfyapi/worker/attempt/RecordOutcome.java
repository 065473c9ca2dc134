package dev.comfyapi.worker.attempt;

import dev.comfyapi.db.lease.LeaseStore;
import dev.comfyapi.db.lease.LeaseStore.Completion;
import dev.comfyapi.messaging.MessageSender;
import dev.comfyapi.model.job.Artifact;
import dev.comfyapi.model.job.JobError;
import dev.comfyapi.model.job.JobState;
import dev.comfyapi.model.job.LeaseKey;
import dev.comfyapi.model.message.JobEvent;
import dev.comfyapi.worker.artifact.ArtifactIntake;
import dev.comfyapi.worker.attempt.ResultSpool.Spooled;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataIntegrityViolationException;
import org.springframework.dao.InvalidDataAccessApiUsageException;

import java.time.Duration;

/// Tells Postgres how an attempt ended, then everybody else. The one place where an outcome has
/// consequences.
public final class RecordOutcome {

    private static final Logger LOG = LoggerFactory.getLogger(RecordOutcome.class);

    private final LeaseStore leases;
    private final ArtifactIntake artifacts;
    private final ResultSpool spool;
    private final MessageSender sender;
    private final AttemptMetrics metrics;

    RecordOutcome(
            LeaseStore leases,
            ArtifactIntake artifacts,
            ResultSpool spool,
            MessageSender sender,
            AttemptMetrics metrics) {
        this.leases = leases;
        this.artifacts = artifacts;
        this.spool = spool;
        this.sender = sender;
        this.metrics = metrics;
    }

    void record(Attempt attempt, AttemptOutcome outcome) throws InterruptedException {
        metrics.count(outcome);
        switch (outcome) {
            case AttemptOutcome.Succeeded succeeded -> complete(attempt, succeeded);
            case AttemptOutcome.Failed(var error) -> fail(attempt, error);
            case AttemptOutcome.Released _ -> {
                release(attempt);
                sender.publish(new JobEvent.Requeued(attempt.lease().job()));
                LOG.info("Gave back {}", attempt);
            }
            case AttemptOutcome.Canceled _ -> {
                release(attempt);
                LOG.info("Stopped {}: it is canceled", attempt);
            }
            case AttemptOutcome.Abandoned _ ->
                    LOG.info("Stopped {}: its lease is not this worker's any more", attempt);
        }
    }

    private void release(Attempt attempt) throws InterruptedException {
        Persistence.persist(
                "the return of " + attempt,
                () -> {
                    leases.release(attempt.lease());
                    return true;
                },
                () -> {});
    }

    private void fail(Attempt attempt, JobError error) throws InterruptedException {
        var lease = attempt.lease();
        var failing =
                Persistence.persist(
                        "the failure of " + attempt,
                        () -> leases.fail(lease, error.code(), ResultJson.of(error, lease.epoch())),
                        () -> {});
        switch (failing) {
            case ENDED -> {
                sender.publish(new JobEvent.Finished(lease.job(), JobState.FAILED));
                LOG.info("Failed {} for good: {}", attempt, error.code());
            }
            case DELAYED -> {
                sender.publish(new JobEvent.Requeued(lease.job()));
                LOG.info("Failed {}: {}; it will be tried again", attempt, error.code());
            }
            case CANCELED_MEANWHILE -> LOG.info("Failed {}, which was canceled meanwhile", attempt);
            case STALE -> LOG.info("Failed {}, whose lease was lost meanwhile", attempt);
        }
    }

    private void complete(Attempt attempt, AttemptOutcome.Succeeded succeeded)
            throws InterruptedException {
        var lease = attempt.lease();
        var begunAgo = attempt.begunAgo().orElse(Duration.ZERO);
        var result =
                new Spooled(
                        lease.job().value(),
                        lease.epoch(),
                        lease.worker(),
                        spool.clock().millis() - begunAgo.toMillis(),
                        (int) succeeded.gpu().toMillis(),
                        (int) succeeded.store().toMillis(),
                        ResultJson.of(succeeded.artifacts(), succeeded.reused()),
                        succeeded.artifacts().stream().map(Artifact::key).toList());
        var completion =
                Persistence.persist(
                        "the result of " + attempt,
                        () -> leases.complete(lease, result.toResult(spool.clock())),
                        () -> spool.keep(result));
        concluded(result, completion);
    }

    /// Offers Postgres once what an earlier process could not hand over. To be called before this
    /// process registers: that ends the leases of the earlier one.
    ///
    /// @throws org.springframework.dao.DataAccessException when Postgres is away; nothing is lost
    public void replaySpool() {
        for (var left : spool.leftovers()) {
            try {
                concluded(left, leases.complete(left.lease(), left.toResult(spool.clock())));
            } catch (DataIntegrityViolationException | InvalidDataAccessApiUsageException e) {
                LOG.error("Postgres refuses the result of job {} for good", left.job(), e);
                spool.refuse(left);
            }
        }
    }

    private void concluded(Spooled result, Completion completion) {
        var lease = result.lease();
        switch (completion) {
            case RECORDED -> finished(lease, result);
            case CANCELED_MEANWHILE -> {
                LOG.info("Job {} was canceled while its files were stored", lease.job());
                artifacts.discard(result.keys());
            }
            case STALE -> {
                if (hasLanded(lease)) {
                    finished(lease, result);
                } else {
                    LOG.info(
                            "The result of attempt {} of job {} came too late: its lease was lost",
                            lease.epoch(),
                            lease.job());
                    artifacts.discard(result.keys());
                }
            }
        }
        spool.remove(result);
    }

    /// An earlier try whose reply was lost.
    private boolean hasLanded(LeaseKey lease) {
        return leases.ended(lease)
                .filter(ended -> ended.state() == JobState.SUCCEEDED)
                .filter(ended -> ended.epoch() == lease.epoch())
                .isPresent();
    }

    private void finished(LeaseKey lease, Spooled result) {
        sender.publish(new JobEvent.Finished(lease.job(), JobState.SUCCEEDED));
        LOG.info(
                "Finished attempt {} of job {}: {} files, {} ms on the GPU, {} ms to store",
                lease.epoch(),
                lease.job(),
                result.keys().size(),
                result.gpuMs(),
                result.storeMs());
    }
}
