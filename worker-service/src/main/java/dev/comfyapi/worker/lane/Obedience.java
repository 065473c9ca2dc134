package dev.comfyapi.worker.lane;

import dev.comfyapi.db.worker.WorkerStore;
import dev.comfyapi.db.worker.WorkerStore.Wishes;
import dev.comfyapi.worker.comfyui.ComfyUi;
import dev.comfyapi.worker.comfyui.ComfyUiHealth;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;

/// Does what operators wish of this worker, as the answers to its heartbeats say it.
///
/// While anything is wished, nothing new begins: what has not begun is given back, what runs is
/// finished. A restart and the freeing of memory wait for that, and the wish is taken back in
/// Postgres just before it is fulfilled: a process that dies before has not lost it, and none does
/// it twice.
final class Obedience {

    private static final Logger LOG = LoggerFactory.getLogger(Obedience.class);

    private final WorkerStore workers;
    private final Ledger ledger;
    private final ComfyUiHealth health;
    private final ComfyUi comfyUi;
    private final Runnable onChange;
    private volatile boolean holding;

    /// @param onChange told when [#isHolding] has changed
    Obedience(
            WorkerStore workers,
            Ledger ledger,
            ComfyUiHealth health,
            ComfyUi comfyUi,
            Runnable onChange) {
        this.workers = workers;
        this.ledger = ledger;
        this.health = health;
        this.comfyUi = comfyUi;
        this.onChange = onChange;
    }

    /// Whether operators want nothing new to begin.
    boolean isHolding() {
        return holding;
    }

    /// @param leaving whether the worker ends anyway and begins nothing for that reason
    void obey(long worker, Wishes wishes, boolean leaving) {
        boolean hold = wishes.outOfUse() || wishes.restart() || wishes.freeMemory();
        if (hold != holding) {
            LOG.info(
                    hold
                            ? "An operator wants nothing new to begin here; what runs is finished"
                            : "Operators let this worker begin jobs again");
            holding = hold;
            onChange.run();
        }
        if (hold) {
            ledger.drain();
        } else if (!leaving) {
            ledger.goOn();
        }
        if (ledger.isEmpty() && !leaving) {
            fulfil(worker, wishes);
        }
    }

    private void fulfil(long worker, Wishes wishes) {
        if (wishes.restart() && workers.takeRestart(worker)) {
            LOG.info("ComfyUI is restarted because an operator asked for it");
            health.restart();
            return;
        }
        if (wishes.freeMemory() && workers.takeFreeMemory(worker)) {
            try {
                comfyUi.free();
                LOG.info("ComfyUI has freed its memory because an operator asked for it");
            } catch (IOException e) {
                LOG.warn("ComfyUI was asked to free its memory and did not answer", e);
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
