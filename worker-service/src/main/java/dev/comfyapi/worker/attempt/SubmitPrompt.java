package dev.comfyapi.worker.attempt;

import dev.comfyapi.model.job.ErrorCode;
import dev.comfyapi.model.workflow.Graph;
import dev.comfyapi.worker.comfyui.ComfyUi;
import dev.comfyapi.worker.comfyui.PromptState;
import dev.comfyapi.worker.comfyui.Submission;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.net.ConnectException;
import java.time.Duration;

/// Brings a graph into ComfyUI's queue exactly once, also when replies are lost.
final class SubmitPrompt {

    private static final Logger LOG = LoggerFactory.getLogger(SubmitPrompt.class);
    private static final int POSTS = 3;
    private static final Duration PAUSE = Duration.ofMillis(250);

    /// ComfyUI finishes a request whose sender has gone, but not for ever.
    private static final Duration MAY_STILL_APPEAR = Duration.ofSeconds(5);

    private final ComfyUi comfyUi;
    private final Looking looking;

    SubmitPrompt(ComfyUi comfyUi, Looking looking) {
        this.comfyUi = comfyUi;
        this.looking = looking;
    }

    void submit(Attempt attempt, Graph graph, String clientId)
            throws AttemptFailedException,
                    AttemptStoppedException,
                    ComfyUiGoneException,
                    InterruptedException {
        for (int post = 1; post <= POSTS; post++) {
            if (isThere(attempt)) {
                LOG.info("ComfyUI has the prompt of {} already; following it", attempt);
                return;
            }
            attempt.stopHere();
            try {
                switch (comfyUi.submit(attempt.promptId(), clientId, graph)) {
                    case Submission.Accepted _ -> {
                        return;
                    }
                    case Submission.Refused refused -> {
                        // With several outputs ComfyUI runs those it accepts: part of a result is
                        // none.
                        cancel(attempt);
                        throw new AttemptFailedException(Failures.of(refused));
                    }
                    case Submission.Uncertain(var why) -> {
                        LOG.info(
                                "ComfyUI's reply to the prompt of {} is not known: {}",
                                attempt,
                                why);
                        if (appears(attempt)) {
                            return;
                        }
                    }
                }
            } catch (ConnectException _) {
                // Certainly not there. The next look waits until ComfyUI is back or given up.
                attempt.awaitNews(PAUSE);
            }
        }
        throw new AttemptFailedException(
                ErrorCode.TRANSIENT,
                "ComfyUI did not accept the workflow in %d tries".formatted(POSTS));
    }

    private boolean appears(Attempt attempt) throws ComfyUiGoneException, InterruptedException {
        long until = System.nanoTime() + MAY_STILL_APPEAR.toNanos();
        do {
            if (isThere(attempt)) {
                return true;
            }
            attempt.awaitNews(PAUSE);
        } while (System.nanoTime() < until);
        return false;
    }

    private boolean isThere(Attempt attempt) throws ComfyUiGoneException, InterruptedException {
        return !(looking.look(attempt) instanceof PromptState.Absent);
    }

    private void cancel(Attempt attempt) throws InterruptedException {
        try {
            comfyUi.cancel(attempt.promptId());
        } catch (IOException e) {
            LOG.warn("A refused prompt of {} could not be canceled", attempt, e);
        }
    }
}
