package dev.comfyapi.worker.lane;

import dev.comfyapi.db.worker.Catalogue;
import dev.comfyapi.db.worker.WorkerStore;
import dev.comfyapi.messaging.Topics;
import dev.comfyapi.worker.attempt.RecordOutcome;
import dev.comfyapi.worker.comfyui.ComfyUi;
import dev.comfyapi.worker.comfyui.ComfyUiHealth;
import dev.comfyapi.worker.comfyui.PromptOwner;
import dev.comfyapi.worker.comfyui.SystemStats;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;

import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/// Makes this process a worker: asks ComfyUI what it has, clears what an earlier life left there,
/// and enters it all in Postgres. Waits for whichever is away, for ever.
final class Registration {

    private static final Logger LOG = LoggerFactory.getLogger(Registration.class);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(250);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(3);
    private static final JsonMapper JSON = JsonMapper.shared();

    private final ComfyUi comfyUi;
    private final PromptOwner owner;
    private final WorkerStore workers;
    private final RecordOutcome recording;
    private final LaneProperties properties;
    private final ComfyUiHealth health;

    Registration(
            ComfyUi comfyUi,
            ComfyUiHealth health,
            PromptOwner owner,
            WorkerStore workers,
            RecordOutcome recording,
            LaneProperties properties) {
        this.comfyUi = comfyUi;
        this.health = health;
        this.owner = owner;
        this.workers = workers;
        this.recording = recording;
        this.properties = properties;
    }

    private record Installation(SystemStats stats, Catalogue catalogue) {}

    @FunctionalInterface
    private interface Step<T> {
        T take() throws IOException, InterruptedException;
    }

    /// A new worker id, each time.
    WorkerStore.Registered register() throws InterruptedException {
        var installation = patiently("ComfyUI", this::installation);
        var registered = patiently("Postgres", () -> enter(installation));
        LOG.info(
                "Registered as worker {} named {} on lane {}: ComfyUI {}, {} models, {} node classes",
                registered.id(),
                properties.nameOrHost(),
                registered.lane(),
                installation.stats().version(),
                installation.catalogue().models().size(),
                installation.catalogue().nodes().size());
        if (registered.evicted() > 0) {
            LOG.info(
                    "An earlier process of this name had not ended properly; its jobs move on now");
        }
        if (!installation.stats().isRecommended()) {
            LOG.warn(
                    "ComfyUI {} is old; 0.28 or newer is recommended",
                    installation.stats().version());
        }
        return registered;
    }

    private Installation installation() throws IOException, InterruptedException {
        var installation = new Installation(comfyUi.systemStats(), comfyUi.catalogue());
        for (var orphan : comfyUi.unfinished(owner)) {
            LOG.info("Stopping prompt {}, which nobody follows any more", orphan);
            comfyUi.cancel(orphan);
        }
        return installation;
    }

    private WorkerStore.Registered enter(Installation installation) {
        recording.replaySpool();
        return workers.register(
                new WorkerStore.Registration(
                        properties.nameOrHost(),
                        properties.pool(),
                        Topics.LANE_COUNT,
                        installation.stats().vramMb(),
                        installation.stats().version(),
                        installation.catalogue(),
                        new WorkerStore.Traits(
                                JSON.writeValueAsString(properties.labelMap()),
                                installation.stats().gpu(),
                                health.canRestart())));
    }

    private static <T> T patiently(String whom, Step<T> step) throws InterruptedException {
        var pause = FIRST_PAUSE;
        boolean waiting = false;
        while (true) {
            try {
                return step.take();
            } catch (IOException | DataAccessException e) {
                if (!waiting) {
                    waiting = true;
                    LOG.warn(
                            "Waiting for {}, without which there is nothing to do ({})",
                            whom,
                            why(e));
                }
                LOG.debug("{} is still away", whom, e);
            }
            TimeUnit.MILLISECONDS.sleep(pause.toMillis());
            pause = pause.multipliedBy(2);
            if (pause.compareTo(LONGEST_PAUSE) > 0) {
                pause = LONGEST_PAUSE;
            }
        }
    }

    private static String why(Throwable failure) {
        var cause = failure;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause.toString();
    }
}
