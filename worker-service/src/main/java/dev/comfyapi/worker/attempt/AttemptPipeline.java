package dev.comfyapi.worker.attempt;

import dev.comfyapi.db.lease.LeaseStore;
import dev.comfyapi.messaging.MessageSender;
import dev.comfyapi.model.job.ErrorCode;
import dev.comfyapi.model.job.JobClass;
import dev.comfyapi.model.job.JobError;
import dev.comfyapi.model.message.Assignment;
import dev.comfyapi.model.message.JobEvent;
import dev.comfyapi.model.workflow.Graph;
import dev.comfyapi.model.workflow.MalformedGraphException;
import dev.comfyapi.model.workflow.Needs;
import dev.comfyapi.worker.comfyui.ComfyUi;
import dev.comfyapi.worker.comfyui.ComfyUiHealth;
import dev.comfyapi.worker.comfyui.ComfyUiSocket;
import dev.comfyapi.worker.comfyui.PromptState;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/// One attempt from assignment to outcome, on one thread: prepare, hand over inputs, submit,
/// follow, store, record.
public final class AttemptPipeline {

    private static final Logger LOG = LoggerFactory.getLogger(AttemptPipeline.class);

    private final LeaseStore leases;
    private final HandInputs handing;
    private final GpuSlots slots;
    private final SubmitPrompt submitting;
    private final FollowPrompt following;
    private final StoreOutputs storing;
    private final RecordOutcome recording;
    private final ProgressRouter router;
    private final ComfyUi comfyUi;
    private final ComfyUiHealth health;
    private final ComfyUiSocket socket;
    private final MessageSender sender;
    private final LoadedModel loaded;

    AttemptPipeline(
            LeaseStore leases,
            HandInputs handing,
            GpuSlots slots,
            SubmitPrompt submitting,
            FollowPrompt following,
            StoreOutputs storing,
            RecordOutcome recording,
            ProgressRouter router,
            ComfyUi comfyUi,
            ComfyUiHealth health,
            ComfyUiSocket socket,
            MessageSender sender,
            LoadedModel loaded) {
        this.leases = leases;
        this.handing = handing;
        this.slots = slots;
        this.submitting = submitting;
        this.following = following;
        this.storing = storing;
        this.recording = recording;
        this.router = router;
        this.comfyUi = comfyUi;
        this.health = health;
        this.socket = socket;
        this.sender = sender;
        this.loaded = loaded;
    }

    /// Returns when Postgres knows how it ended, or nobody wants to know. When the thread is
    /// interrupted it returns at once and leaves the lease to be taken back.
    public void run(Attempt attempt) {
        try (var _ = MDC.putCloseable("job", attempt.lease().job().toString())) {
            var outcome = outcome(attempt);
            judge(outcome);
            recording.record(attempt, outcome);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            LOG.info("Left {} where it was: the worker ends", attempt);
        } catch (RuntimeException e) {
            LOG.error("Postgres refuses the outcome of {}", attempt, e);
            giveUp(attempt);
        }
    }

    /// Left alone, the lease would come back with the next heartbeat, and the same again.
    private void giveUp(Attempt attempt) {
        try {
            recording.record(
                    attempt,
                    new AttemptOutcome.Failed(
                            JobError.of(ErrorCode.INTERNAL, "The outcome could not be recorded")));
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            LOG.error("Nor does it take the failure of {}", attempt, e);
        }
    }

    private AttemptOutcome outcome(Attempt attempt) throws InterruptedException {
        try {
            return attempted(attempt);
        } catch (AttemptStoppedException e) {
            return switch (e.reason()) {
                case RELEASE -> new AttemptOutcome.Released();
                case GIVE_UP -> unfinished(attempt, "The worker was shut down");
                case CANCEL -> new AttemptOutcome.Canceled();
                case LOST -> new AttemptOutcome.Abandoned();
            };
        } catch (ComfyUiGoneException e) {
            LOG.info("{} has no ComfyUI any more", attempt, e);
            return unfinished(attempt, "ComfyUI went away");
        } catch (AttemptFailedException e) {
            afterFailure(e.error());
            return new AttemptOutcome.Failed(e.error());
        } catch (RuntimeException e) {
            LOG.error("{} met an error of the worker's own", attempt, e);
            return new AttemptOutcome.Failed(
                    JobError.of(ErrorCode.INTERNAL, "The worker met an unexpected error"));
        }
    }

    private AttemptOutcome attempted(Attempt attempt)
            throws AttemptFailedException,
                    AttemptStoppedException,
                    ComfyUiGoneException,
                    InterruptedException {
        var graph = prepare(attempt);
        var run = withInputs(attempt, graph);
        var lease = attempt.lease();
        sender.publish(new JobEvent.Freed(lease.job(), lease.epoch(), lease.worker()));

        var gpu = run.ran() != null ? run.ran() : attempt.begunAgo().orElse(Duration.ZERO);
        attempt.leaveGpu();
        long since = System.nanoTime();
        var artifacts = storing.store(attempt, run);
        return new AttemptOutcome.Succeeded(
                artifacts,
                graph.isAnsweredBy(run.cached()),
                gpu,
                Duration.ofNanos(System.nanoTime() - since));
    }

    /// Inputs are gone when ComfyUI is done with them, however that came.
    private PromptState.Completed withInputs(Attempt attempt, Graph graph)
            throws AttemptFailedException,
                    AttemptStoppedException,
                    ComfyUiGoneException,
                    InterruptedException {
        try {
            return onGpu(attempt, handing.hand(attempt, graph));
        } finally {
            handing.cleanUp(attempt);
        }
    }

    /// The graph, writing its files where no other attempt does.
    private Graph prepare(Attempt attempt)
            throws AttemptFailedException, AttemptStoppedException, InterruptedException {
        var assignment = attempt.assignment();
        var json = assignment.graph() != null ? assignment.graph() : largeGraph(attempt);
        var lease = attempt.lease();
        try {
            return Graph.parse(json.getBytes(StandardCharsets.UTF_8))
                    .withFilenamePrefix("jobs/%s/%d/img".formatted(lease.job(), lease.epoch()));
        } catch (MalformedGraphException e) {
            throw new AttemptFailedException(
                    ErrorCode.INVALID_WORKFLOW,
                    "The workflow is not in ComfyUI's API format at '%s'".formatted(e.pointer()));
        }
    }

    private String largeGraph(Attempt attempt)
            throws AttemptStoppedException, InterruptedException {
        var found =
                Persistence.persist(
                        "the question for the workflow of " + attempt,
                        () -> leases.assignment(attempt.lease()).map(Assignment::graph),
                        () -> {});
        return found.orElseThrow(() -> new AttemptStoppedException(Stop.LOST));
    }

    private PromptState.Completed onGpu(Attempt attempt, Graph graph)
            throws AttemptFailedException,
                    AttemptStoppedException,
                    ComfyUiGoneException,
                    InterruptedException {
        slots.acquire(attempt);
        router.add(attempt.promptId(), new RunProgress(attempt, graph.classes(), sender));
        try {
            var clientId = socket.clientId();
            submitting.submit(attempt, graph, clientId);
            var run = following.follow(attempt, clientId);
            loaded.ran(Needs.of(graph, JobClass.DEFAULT_POOL).affinity());
            return run;
        } finally {
            router.remove(attempt.promptId());
            slots.release();
        }
    }

    /// Counted as a failure only if it had begun: it may have been the reason.
    private static AttemptOutcome unfinished(Attempt attempt, String why) {
        return attempt.mayHaveBegun()
                ? new AttemptOutcome.Failed(JobError.of(ErrorCode.TRANSIENT, why))
                : new AttemptOutcome.Released();
    }

    /// Whose doing it was, for the circuit breaker.
    private void judge(AttemptOutcome outcome) {
        switch (outcome) {
            case AttemptOutcome.Succeeded _ -> health.worked();
            case AttemptOutcome.Failed(var error) -> {
                if (error.code() == ErrorCode.TRANSIENT) {
                    health.spoiled();
                } else if (error.code().fault() == ErrorCode.Fault.WORKFLOW) {
                    health.worked();
                }
            }
            case AttemptOutcome.Released _,
                    AttemptOutcome.Canceled _,
                    AttemptOutcome.Abandoned _ -> {
                // Says nothing about ComfyUI.
            }
        }
    }

    private void afterFailure(JobError error) throws InterruptedException {
        switch (error.code()) {
            case OOM -> {
                loaded.forget();
                try {
                    comfyUi.free();
                } catch (IOException e) {
                    LOG.info("ComfyUI could not be asked to free its memory", e);
                }
            }
            case CUDA_FAULT -> {
                loaded.forget();
                health.quarantine("its GPU or driver reported a fault");
            }
            default -> {
                // Nothing that ComfyUI would carry over to the next prompt.
            }
        }
    }
}
