package dev.comfyapi.worker.attempt;

import dev.comfyapi.db.asset.InputStore;
import dev.comfyapi.model.asset.ContentReference;
import dev.comfyapi.model.job.ErrorCode;
import dev.comfyapi.model.workflow.Graph;
import dev.comfyapi.worker.artifact.Inputs;
import dev.comfyapi.worker.comfyui.ComfyUiHealth;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.UUID;

/// Gives ComfyUI the files that a graph names, before the graph itself: while the job before it
/// still runs.
final class HandInputs {

    private static final Logger LOG = LoggerFactory.getLogger(HandInputs.class);
    private static final int TRIES = 4;
    private static final Duration FIRST_PAUSE = Duration.ofMillis(250);

    private final InputStore store;
    private final Inputs inputs;
    private final ComfyUiHealth health;
    private final @Nullable Path inputFolder;

    /// @param inputFolder ComfyUI's own, when this worker can reach it
    HandInputs(InputStore store, Inputs inputs, ComfyUiHealth health, @Nullable Path inputFolder) {
        this.store = store;
        this.inputs = inputs;
        this.health = health;
        this.inputFolder = inputFolder;
    }

    /// The graph with the names that ComfyUI has for the files, each file handed over once.
    Graph hand(Attempt attempt, Graph graph)
            throws AttemptFailedException,
                    AttemptStoppedException,
                    ComfyUiGoneException,
                    InterruptedException {
        var named = new LinkedHashMap<String, ContentReference>();
        for (var text : graph.texts()) {
            ContentReference.parse(text).ifPresent(reference -> named.put(text, reference));
        }
        if (named.isEmpty()) {
            return graph;
        }
        var handed = new HashMap<ContentReference, String>();
        var instead = new HashMap<String, String>();
        for (var entry : named.entrySet()) {
            var reference = entry.getValue();
            var name = handed.get(reference);
            if (name == null) {
                name = hand(attempt, reference);
                handed.put(reference, name);
            }
            instead.put(entry.getKey(), name);
        }
        return graph.withTexts(instead);
    }

    private String hand(Attempt attempt, ContentReference reference)
            throws AttemptFailedException,
                    AttemptStoppedException,
                    ComfyUiGoneException,
                    InterruptedException {
        var key =
                Persistence.persist(
                                "the question for the inputs of " + attempt,
                                () -> store.key(attempt.assignment().tenant(), reference),
                                () -> {})
                        .orElseThrow(() -> missing(reference));
        var pause = FIRST_PAUSE;
        for (int attempted = 1; ; attempted++) {
            attempt.stopHere();
            try {
                return inputs.hand(key, folder(attempt), UUID.randomUUID().toString())
                        .orElseThrow(() -> missing(reference));
            } catch (IOException e) {
                if (health.condition() == ComfyUiHealth.Condition.AWAY) {
                    throw new ComfyUiGoneException(e);
                }
                if (attempted == TRIES) {
                    LOG.warn("An input of {} could not be handed to ComfyUI", attempt, e);
                    throw new AttemptFailedException(
                            ErrorCode.INPUT_FETCH_FAILED,
                            "An input file could not be handed to ComfyUI");
                }
                LOG.info("An input of {} is handed to ComfyUI again", attempt, e);
            }
            attempt.awaitNews(pause);
            pause = pause.multipliedBy(2);
        }
    }

    private static AttemptFailedException missing(ContentReference reference) {
        return new AttemptFailedException(
                ErrorCode.MISSING_ASSET, "The file %s is not there".formatted(reference));
    }

    /// No other attempt writes there.
    private static String folder(Attempt attempt) {
        return "comfyapi/%s/%d".formatted(attempt.lease().job(), attempt.lease().epoch());
    }

    /// Deletes what was handed over, if this worker can: ComfyUI has no request for it. What cannot
    /// be deleted is logged and left.
    void cleanUp(Attempt attempt) {
        if (inputFolder == null) {
            return;
        }
        try {
            delete(inputFolder.resolve(folder(attempt)));
            // The job's own folder, unless another attempt is there.
            Files.deleteIfExists(inputFolder.resolve(folder(attempt)).getParent());
        } catch (java.nio.file.DirectoryNotEmptyException _) {
            // That attempt deletes it.
        } catch (IOException e) {
            LOG.warn("The inputs of {} could not be deleted", attempt, e);
        }
    }

    private static void delete(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            return;
        }
        try (var files = Files.walk(folder)) {
            for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
