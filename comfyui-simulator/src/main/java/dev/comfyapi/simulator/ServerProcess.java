package dev.comfyapi.simulator;

import org.eclipse.jetty.websocket.api.Session;
import org.jspecify.annotations.Nullable;

import tools.jackson.databind.node.ObjectNode;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/// Everything ComfyUI keeps in memory and forgets when its process ends: queue, history, cache,
/// sockets, counter and the one worker thread.
final class ServerProcess {

    private final Settings settings;
    private final Journal journal;
    private final Sockets sockets;
    private final PromptQueue queue;
    private final History history = new History();
    private final NodeCache cache = new NodeCache();
    private final Interruption interruption;
    private final AtomicLong counter = new AtomicLong();
    private final LoadedModels loadedModels;
    private final Thread worker;
    private volatile boolean freeCache;
    private volatile boolean freeModels;
    private volatile boolean dead;
    private volatile boolean cudaBroken;
    private volatile boolean workerDead;
    private volatile @Nullable PromptRun current;

    ServerProcess(Settings settings, Journal journal) {
        this.settings = settings;
        this.journal = journal;
        sockets = new Sockets(settings.faults(), settings::features);
        queue = new PromptQueue(size -> sockets.tell(null, Messages.status(size)));
        interruption = new Interruption(settings.faults());
        loadedModels = new LoadedModels(settings.timing(), settings.faults());
        worker =
                Thread.ofPlatform().daemon().name("comfyui-simulator-worker").unstarted(this::work);
    }

    void start() {
        settings.disk().wipeTemp();
        worker.start();
    }

    Settings settings() {
        return settings;
    }

    Sockets sockets() {
        return sockets;
    }

    PromptQueue queue() {
        return queue;
    }

    History history() {
        return history;
    }

    NodeCache cache() {
        return cache;
    }

    Interruption interruption() {
        return interruption;
    }

    /// The number of the next prompt; rejected prompts use one up too.
    long nextNumber() {
        return counter.getAndIncrement();
    }

    Sockets.Client connected(@Nullable String clientId, Session session) {
        var run = current;
        var node = run == null || clientId == null ? null : run.executingNodeFor(clientId);
        return sockets.connected(clientId, session, queue.snapshot().size(), node);
    }

    /// Takes effect when the worker is idle, as in ComfyUI.
    void freeWhenIdle(boolean models, boolean memory) {
        freeModels |= models || memory;
        freeCache |= memory;
    }

    /// The first use of a model takes time, during which nothing can interrupt.
    void load(String model) throws Gone {
        pause(loadedModels.load(model));
    }

    LoadedModels loadedModels() {
        return loadedModels;
    }

    void unloadModels() {
        loadedModels.clear();
    }

    void breakCuda() {
        cudaBroken = true;
    }

    boolean cudaIsBroken() {
        return cudaBroken;
    }

    boolean workerIsDead() {
        return workerDead;
    }

    void pause(Duration time) throws Gone {
        var until = System.nanoTime() + time.toNanos();
        for (var left = time.toNanos(); left > 0; left = until - System.nanoTime()) {
            LockSupport.parkNanos(this, left);
            checkAlive();
        }
        checkAlive();
    }

    void checkAlive() throws Gone {
        var run = current;
        if (dead || (run != null && run.isLost())) {
            throw new Gone();
        }
    }

    /// Ends this process without a word: nothing is recorded, nobody is told.
    void kill() {
        dead = true;
        queue.close();
        abandonCurrent();
        sockets.dropAll();
        if (worker.isAlive()) {
            try {
                worker.join(Duration.ofSeconds(5));
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
        }
    }

    void loseQueueAndHistory() {
        queue.clear();
        history.clear();
        abandonCurrent();
    }

    /// Whatever the worker waits for, it notices that its run is gone.
    private void abandonCurrent() {
        var run = current;
        if (run != null) {
            run.lose();
            settings.faults().release();
            LockSupport.unpark(worker);
        }
    }

    void killWorkerWhenIdle() {
        workerDead = true;
        queue.close();
    }

    private void work() {
        try {
            for (var prompt = queue.take(); prompt != null; prompt = queue.take()) {
                freeIfAsked();
                run(prompt);
                freeIfAsked();
            }
        } catch (PromptQueue.HeapCollision _) {
            // As in ComfyUI, the thread is gone for good: prompts are accepted, nothing runs.
            workerDead = true;
            queue.close();
        }
    }

    private void freeIfAsked() {
        if (freeModels) {
            freeModels = false;
            unloadModels();
        }
        if (freeCache) {
            freeCache = false;
            cache.clear();
        }
    }

    private void run(QueuedPrompt prompt) {
        var number = journal.began(prompt.id());
        var run = new PromptRun(prompt, this);
        current = run;
        var outcome = Execution.Outcome.LOST;
        try {
            outcome = run.execute();
            pause(settings.timing().history());
            var entry = run.historyEntry(outcome);
            if (outcome == Execution.Outcome.SUCCEEDED
                    && settings.faults().takes(FaultKind.MISSING_FILES)) {
                Faults.deleteOutputs(entry, settings.disk());
            }
            var ending = outcome;
            queue.finish(() -> {
                history.put(entry);
                journal.ended(number, ending);
                current = null;
            });
            run.sayItIsOver();
        } catch (Gone _) {
            current = null;
            journal.ended(number, Execution.Outcome.LOST);
            if (!dead) {
                queue.finish(() -> {});
            }
        }
    }

    ObjectNode execInfo() {
        var info = Json.object();
        info.putObject("exec_info").put("queue_remaining", queue.snapshot().size());
        return info;
    }

    /// The process ended, or lost the running prompt, while a node was at work.
    static final class Gone extends Exception {
        private Gone() {
            super("the server process is gone");
        }
    }
}
