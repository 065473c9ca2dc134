package dev.comfyapi.worker.attempt;

import dev.comfyapi.model.job.Artifact;
import dev.comfyapi.model.job.ErrorCode;
import dev.comfyapi.worker.artifact.ArtifactIntake;
import dev.comfyapi.worker.artifact.FetchException;
import dev.comfyapi.worker.comfyui.OutputFile;
import dev.comfyapi.worker.comfyui.PromptState;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/// Stores what a run has made: all of it or nothing.
final class StoreOutputs {

    private static final Logger LOG = LoggerFactory.getLogger(StoreOutputs.class);
    private static final int TRIES = 5;
    private static final Duration FIRST_PAUSE = Duration.ofMillis(500);

    /// For one file, with all its tries.
    private static final Duration LONGEST = Duration.ofMinutes(10);

    private final ArtifactIntake intake;

    StoreOutputs(ArtifactIntake intake) {
        this.intake = intake;
    }

    List<Artifact> store(Attempt attempt, PromptState.Completed run)
            throws AttemptFailedException, AttemptStoppedException, InterruptedException {
        var files = run.files().stream().filter(OutputFile::isOutput).distinct().toList();
        if (files.isEmpty()) {
            throw new AttemptFailedException(
                    ErrorCode.NO_OUTPUTS, "The workflow ended without an output file");
        }
        var artifacts = new ArrayList<Artifact>();
        boolean whole = false;
        try {
            for (var file : files) {
                stopIfUnwanted(attempt);
                artifacts.add(store(attempt, artifacts.size(), file));
            }
            whole = true;
            return artifacts;
        } finally {
            if (!whole) {
                intake.discard(artifacts.stream().map(Artifact::key).toList());
            }
        }
    }

    /// With the GPU's work done only a reason that makes the result worthless counts.
    private static void stopIfUnwanted(Attempt attempt) throws AttemptStoppedException {
        var reason = attempt.stopReason();
        if (reason == Stop.CANCEL || reason == Stop.LOST) {
            throw new AttemptStoppedException(reason);
        }
    }

    private Artifact store(Attempt attempt, int index, OutputFile file)
            throws AttemptFailedException, AttemptStoppedException, InterruptedException {
        var pause = FIRST_PAUSE;
        long until = System.nanoTime() + LONGEST.toNanos();
        for (int attempted = 1; ; attempted++) {
            try {
                return intake.take(attempt.assignment(), index, file);
            } catch (FetchException e) {
                if (e.problem() != FetchException.Problem.BROKEN || isLast(attempted, until)) {
                    throw new AttemptFailedException(code(e.problem()), message(e.problem()));
                }
                LOG.info("Output {} of {} is fetched again", index, attempt, e);
            } catch (IOException e) {
                if (isLast(attempted, until)) {
                    LOG.warn("Output {} of {} could not be stored", index, attempt, e);
                    throw new AttemptFailedException(
                            ErrorCode.OUTPUT_UPLOAD_FAILED, "An output file could not be stored");
                }
                LOG.info("Output {} of {} is stored again", index, attempt, e);
            }
            attempt.awaitNews(pause);
            stopIfUnwanted(attempt);
            pause = pause.multipliedBy(2);
        }
    }

    private static boolean isLast(int attempted, long until) {
        return attempted == TRIES || System.nanoTime() - until > 0;
    }

    private static ErrorCode code(FetchException.Problem problem) {
        return switch (problem) {
            // Answered from ComfyUI's cache, or cut: another run may do better.
            case MISSING, BROKEN -> ErrorCode.TRANSIENT;
            case TOO_LARGE, UNSAFE_NAME -> ErrorCode.NODE_EXECUTION_ERROR;
        };
    }

    private static String message(FetchException.Problem problem) {
        return switch (problem) {
            case MISSING -> "ComfyUI reported an output file that it does not have";
            case BROKEN -> "An output file could not be read from ComfyUI";
            case TOO_LARGE -> "An output file is larger than the platform stores";
            case UNSAFE_NAME -> "An output file has a name that leads elsewhere";
        };
    }
}
