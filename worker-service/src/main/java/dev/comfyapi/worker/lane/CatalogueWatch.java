package dev.comfyapi.worker.lane;

import dev.comfyapi.db.worker.Catalogue;
import dev.comfyapi.db.worker.WorkerStore;
import dev.comfyapi.worker.comfyui.ComfyUi;
import dev.comfyapi.worker.comfyui.ComfyUiHealth;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;

import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;

/// Keeps Postgres informed of what ComfyUI has: models come and go, and a restart may bring other
/// nodes. Looks once in a while and when ComfyUI is back; writes only what has changed.
final class CatalogueWatch {

    private static final Logger LOG = LoggerFactory.getLogger(CatalogueWatch.class);

    private final ComfyUi comfyUi;
    private final ComfyUiHealth health;
    private final WorkerStore workers;
    private final Duration interval;
    private final Nudge nudge = new Nudge();

    CatalogueWatch(ComfyUi comfyUi, ComfyUiHealth health, WorkerStore workers, Duration interval) {
        this.comfyUi = comfyUi;
        this.health = health;
        this.workers = workers;
        this.interval = interval;
        health.onChange(nudge::now);
    }

    /// Watches for one registration. Interrupt the thread to end it.
    Thread start(long worker) {
        return Thread.ofVirtual().name("catalogue-" + worker).start(() -> watch(worker));
    }

    private void watch(long worker) {
        var known = new byte[0];
        try {
            while (true) {
                nudge.await(interval);
                if (health.condition() == ComfyUiHealth.Condition.READY) {
                    known = look(worker, known);
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /// @param known the hash that Postgres has for certain; empty when that is not known
    /// @return the same for the next look
    private byte[] look(long worker, byte[] known) throws InterruptedException {
        try {
            var catalogue = comfyUi.catalogue();
            var hash = catalogue.hash();
            if (!Arrays.equals(hash, known) && workers.changeCatalogue(worker, catalogue)) {
                tell(worker, catalogue);
            }
            return hash;
        } catch (IOException | DataAccessException e) {
            LOG.debug("What ComfyUI has could not be renewed; it is tried again", e);
        } catch (RuntimeException e) {
            LOG.warn("What ComfyUI has cannot be read; what it had before stays known", e);
        }
        return known;
    }

    private static void tell(long worker, Catalogue catalogue) {
        LOG.info(
                "Worker {} has something else now: {} models, {} node classes",
                worker,
                catalogue.models().size(),
                catalogue.nodes().size());
    }
}
