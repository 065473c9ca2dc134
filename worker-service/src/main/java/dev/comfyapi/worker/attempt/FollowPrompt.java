package dev.comfyapi.worker.attempt;

import dev.comfyapi.messaging.MessageSender;
import dev.comfyapi.model.job.ErrorCode;
import dev.comfyapi.model.message.JobEvent;
import dev.comfyapi.worker.comfyui.ComfyUi;
import dev.comfyapi.worker.comfyui.ComfyUiHealth;
import dev.comfyapi.worker.comfyui.ComfyUiSocket;
import dev.comfyapi.worker.comfyui.PromptState;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.time.Duration;

/// Follows a prompt in ComfyUI to its end. The truth is polled; the WebSocket says when it is worth
/// asking.
final class FollowPrompt {

    private static final Logger LOG = LoggerFactory.getLogger(FollowPrompt.class);

    /// The entry in ComfyUI's history comes some milliseconds after the message.
    private static final Duration AFTER_END = Duration.ofMillis(20);

    private static final Duration CANCEL_AGAIN = Duration.ofSeconds(1);

    /// Loading a model can take minutes and cannot be interrupted; no longer than this.
    private static final Duration CANCEL_LIMIT = Duration.ofMinutes(10);

    /// A node that counts no steps (it loads, decodes, encodes) says nothing for much longer than a
    /// sampler does.
    private static final int LOADING_FACTOR = 5;

    private final ComfyUi comfyUi;
    private final ComfyUiHealth health;
    private final ComfyUiSocket socket;
    private final Looking looking;
    private final MessageSender sender;
    private final Duration poll;
    private final Duration silence;
    private final Duration stuck;
    private final Duration stopping;

    FollowPrompt(
            ComfyUi comfyUi,
            ComfyUiHealth health,
            ComfyUiSocket socket,
            Looking looking,
            MessageSender sender,
            AttemptProperties properties) {
        this.comfyUi = comfyUi;
        this.health = health;
        this.socket = socket;
        this.looking = looking;
        this.sender = sender;
        this.poll = properties.poll();
        this.silence = properties.silence();
        this.stuck = properties.stuck();
        this.stopping = properties.stopping();
    }

    /// Returns when it has completed.
    ///
    /// @param clientId under which it was submitted
    PromptState.Completed follow(Attempt attempt, String clientId)
            throws AttemptFailedException,
                    AttemptStoppedException,
                    ComfyUiGoneException,
                    InterruptedException {
        long waitsSince = System.nanoTime();
        while (true) {
            var state = looking.look(attempt);
            switch (state) {
                case PromptState.Pending _ -> {
                    if (attempt.stopReason() != null) {
                        withdraw(attempt);
                        continue;
                    }
                    if (System.nanoTime() - waitsSince > stuck.toNanos()) {
                        expectMovement(attempt);
                        waitsSince = System.nanoTime();
                    }
                }
                case PromptState.Running _ -> {
                    begun(attempt, Duration.ZERO);
                    var reason = attempt.stopReason();
                    if (reason != null && reason != Stop.RELEASE) {
                        return ended(attempt, end(attempt, CANCEL_LIMIT));
                    }
                    if (isOverTime(attempt, clientId)) {
                        return overTime(attempt);
                    }
                }
                case PromptState.Completed _,
                        PromptState.Failed _,
                        PromptState.Interrupted _,
                        PromptState.Absent _ -> {
                    return ended(attempt, state);
                }
            }
            attempt.awaitNews(attempt.isSaidToHaveEnded() ? AFTER_END : poll);
        }
    }

    private void begun(Attempt attempt, Duration since) {
        if (attempt.begin(since)) {
            var lease = attempt.lease();
            LOG.info("Running {}", attempt);
            sender.publish(new JobEvent.Started(lease.job(), lease.epoch(), lease.worker()));
        }
    }

    private PromptState.Completed ended(Attempt attempt, PromptState state)
            throws AttemptFailedException, AttemptStoppedException {
        var reason = attempt.stopReason();
        if (reason == Stop.CANCEL || reason == Stop.LOST) {
            throw new AttemptStoppedException(reason);
        }
        return switch (state) {
            case PromptState.Completed completed -> {
                begun(attempt, completed.ran() == null ? Duration.ZERO : completed.ran());
                yield completed;
            }
            case PromptState.Failed(var error) ->
                    throw new AttemptFailedException(Failures.of(error));
            case PromptState.Interrupted _ ->
                    throw unexpectedEnd(reason, "Somebody else interrupted ComfyUI");
            case PromptState.Absent _ ->
                    throw unexpectedEnd(
                            reason, "ComfyUI does not know the run any more; it was restarted");
            case PromptState.Pending _, PromptState.Running _ ->
                    throw new AttemptFailedException(
                            ErrorCode.TRANSIENT, "ComfyUI did not stop when it was told to");
        };
    }

    /// No failure when this worker asked for the end.
    private static AttemptFailedException unexpectedEnd(@Nullable Stop reason, String why)
            throws AttemptStoppedException {
        if (reason != null) {
            throw new AttemptStoppedException(reason);
        }
        return new AttemptFailedException(ErrorCode.TRANSIENT, why);
    }

    /// Out of ComfyUI's queue, unless it begins at this very moment: the next look tells.
    private void withdraw(Attempt attempt) throws InterruptedException {
        try {
            comfyUi.withdraw(attempt.promptId());
        } catch (IOException e) {
            LOG.debug("The prompt of {} could not be withdrawn yet", attempt, e);
            attempt.awaitNews(AFTER_END);
        }
    }

    /// Cancels a running prompt until it has stopped; a cancel may be lost.
    private PromptState end(Attempt attempt, Duration limit)
            throws ComfyUiGoneException, InterruptedException {
        long until = System.nanoTime() + limit.toNanos();
        while (true) {
            try {
                comfyUi.cancel(attempt.promptId());
            } catch (IOException e) {
                LOG.debug("A cancel of {} was not answered", attempt, e);
            }
            long again = System.nanoTime() + CANCEL_AGAIN.toNanos();
            while (System.nanoTime() < again) {
                var state = looking.look(attempt);
                boolean inside =
                        state instanceof PromptState.Running
                                || state instanceof PromptState.Pending;
                if (!inside) {
                    return state;
                }
                if (System.nanoTime() > until) {
                    health.hung("a prompt in it does not stop when it is told to");
                    return state;
                }
                attempt.awaitNews(attempt.isSaidToHaveEnded() ? AFTER_END : CANCEL_AGAIN);
            }
        }
    }

    private boolean isOverTime(Attempt attempt, String clientId) {
        return ranTooLong(attempt) || isSilent(attempt, clientId);
    }

    private static boolean ranTooLong(Attempt attempt) {
        var limit = Duration.ofMillis(attempt.assignment().runTimeoutMs());
        return attempt.begunAgo().orElse(Duration.ZERO).compareTo(limit) > 0;
    }

    /// Only when something would be heard if it were said: a WebSocket that did not even tell of
    /// the start is deaf, and says nothing about the run.
    private boolean isSilent(Attempt attempt, String clientId) {
        var limit = attempt.hasStepped() ? silence : silence.multipliedBy(LOADING_FACTOR);
        return socket.hears(clientId)
                && attempt.isHeard()
                && attempt.silence().compareTo(limit) > 0;
    }

    private PromptState.Completed overTime(Attempt attempt)
            throws AttemptFailedException,
                    AttemptStoppedException,
                    ComfyUiGoneException,
                    InterruptedException {
        boolean tooLong = ranTooLong(attempt);
        var limit = Duration.ofMillis(attempt.assignment().runTimeoutMs());
        var silent = attempt.silence();
        LOG.warn(
                "Stopping {}: {}",
                attempt,
                tooLong ? "it ran longer than " + limit : "no sign of it for " + silent);
        var state = end(attempt, stopping);
        if (state instanceof PromptState.Completed || attempt.stopReason() != null) {
            // It won after all, or somebody wants its end for a better reason.
            return ended(attempt, state);
        }
        throw tooLong
                ? new AttemptFailedException(
                        ErrorCode.EXECUTION_TIMEOUT,
                        "The run took longer than the %d s it may".formatted(limit.toSeconds()))
                : new AttemptFailedException(
                        ErrorCode.TRANSIENT,
                        "ComfyUI showed no sign of life for %d s".formatted(silent.toSeconds()));
    }

    /// A queue in which nothing runs is a ComfyUI whose worker thread has died.
    private void expectMovement(Attempt attempt)
            throws AttemptFailedException, InterruptedException {
        try {
            if (comfyUi.isStuck()) {
                // Between two prompts nothing runs either, but not for long.
                attempt.awaitNews(Duration.ofSeconds(1));
                if (comfyUi.isStuck()) {
                    health.quarantine("prompts wait in its queue and none is run");
                    comfyUi.withdraw(attempt.promptId());
                    throw new AttemptFailedException(
                            ErrorCode.TRANSIENT, "ComfyUI does not run what it accepted");
                }
            }
        } catch (IOException e) {
            LOG.debug("ComfyUI's queue could not be read", e);
        }
    }
}
