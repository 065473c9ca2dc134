package dev.comfyapi.simulator;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/// Switches for what goes wrong with a real ComfyUI. Every switch may be thrown at any time, from
/// any thread.
public final class Faults {

    /// How a node fails.
    public enum Failure {
        /// `torch.OutOfMemoryError`, after which ComfyUI drops its models and goes on.
        OUT_OF_MEMORY,
        /// An ordinary `ValueError` of a node.
        NODE_ERROR,
        /// A `RuntimeError` that mentions CUDA, after which a real process is rarely usable.
        CUDA_ERROR
    }

    private final Deque<Failure> failures = new ArrayDeque<>();
    private final AtomicInteger internalErrors = new AtomicInteger();
    private volatile Duration httpDelay = Duration.ZERO;
    private volatile long cancelIgnoredUntil = System.nanoTime();
    private volatile boolean silentSockets;
    private volatile boolean replacedSocketsTakeTheNewOneDown;
    private boolean hangNext;
    private boolean hanging;
    private @Nullable ComfyUiSimulator simulator;

    Faults() {}

    void attach(ComfyUiSimulator attached) {
        simulator = attached;
    }

    /// The next prompt that executes anything fails in its first sampler, or in its first node if
    /// it has none.
    ///
    /// Several calls queue up, one failure a prompt.
    public void failNext(Failure failure) {
        synchronized (failures) {
            failures.add(failure);
        }
    }

    @Nullable Failure nextFailure() {
        synchronized (failures) {
            return failures.poll();
        }
    }

    boolean failureWaits() {
        synchronized (failures) {
            return !failures.isEmpty();
        }
    }

    /// Breaks every WebSocket now, without a close frame. Clients may connect again.
    public void dropSockets() {
        onProcess(process -> process.sockets().dropAll());
    }

    /// While on, sockets stay open but nothing is sent on them.
    public void silenceSockets(boolean silent) {
        silentSockets = silent;
    }

    boolean socketsAreSilent() {
        return silentSockets;
    }

    /// While on, the late close of a replaced socket unregisters its successor too
    /// (Comfy-Org/ComfyUI #16010).
    public void replacedSocketsTakeTheNewOneDown(boolean on) {
        replacedSocketsTakeTheNewOneDown = on;
    }

    boolean replacedSocketsTakeTheNewOneDown() {
        return replacedSocketsTakeTheNewOneDown;
    }

    /// Cancels and interrupts are accepted but take effect only after this time, as during a model
    /// load.
    public void ignoreCancelFor(Duration time) {
        cancelIgnoredUntil = System.nanoTime() + time.toNanos();
    }

    boolean ignoresCancel() {
        return System.nanoTime() - cancelIgnoredUntil < 0;
    }

    /// The next node to execute hangs, deaf to cancels, until {@link #release()}, a restart or the
    /// end.
    public synchronized void hangNextNode() {
        hangNext = true;
    }

    /// Lets a hanging node go on, and takes back a hang that has not happened yet.
    public synchronized void release() {
        hangNext = false;
        hanging = false;
        notifyAll();
    }

    /// Whether a node hangs at this moment.
    public synchronized boolean isHanging() {
        return hanging;
    }

    synchronized void hangIfAsked(ServerProcess process) throws ServerProcess.Gone {
        if (!hangNext) {
            return;
        }
        hangNext = false;
        hanging = true;
        while (hanging) {
            try {
                wait();
            } catch (InterruptedException _) {
                hanging = false;
            }
        }
        process.checkAlive();
    }

    /// The next `count` HTTP requests are answered with 500.
    public void failRequests(int count) {
        internalErrors.set(count);
    }

    boolean nextRequestFails() {
        return internalErrors.getAndUpdate(left -> Math.max(0, left - 1)) > 0;
    }

    /// Every HTTP request waits this long before anything happens; zero ends that.
    public void slowRequests(Duration delay) {
        httpDelay = delay;
    }

    Duration httpDelay() {
        return httpDelay;
    }

    /// Queue, running prompt and history are gone, as after a crash; counter, cache, files and
    /// sockets stay.
    public void loseQueueAndHistory() {
        onProcess(ServerProcess::loseQueueAndHistory);
    }

    /// The worker thread dies when it is next idle: HTTP lives on, prompts are accepted, nothing
    /// runs. Only a restart helps.
    public void killWorkerThread() {
        onProcess(ServerProcess::killWorkerWhenIdle);
    }

    /// Deletes the files that a finished prompt reported; history and cache go on naming them.
    ///
    /// @return how many files were deleted
    public int deleteOutputs(String promptId) {
        var running = simulator;
        if (running == null) {
            return 0;
        }
        var entry = running.process().history().find(promptId);
        if (entry == null) {
            return 0;
        }
        var deleted = new AtomicInteger();
        entry.outputs()
                .forEach(node ->
                        node.forEach(items ->
                                items.forEach(item ->
                                        running.disk()
                                                .reported(item)
                                                .filter(Faults::delete)
                                                .ifPresent(_ -> deleted.incrementAndGet()))));
        return deleted.get();
    }

    private static boolean delete(Path file) {
        try {
            return Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Takes back every switch that is still on.
    public void clear() {
        synchronized (failures) {
            failures.clear();
        }
        internalErrors.set(0);
        httpDelay = Duration.ZERO;
        cancelIgnoredUntil = System.nanoTime();
        silentSockets = false;
        replacedSocketsTakeTheNewOneDown = false;
        release();
    }

    private void onProcess(Consumer<ServerProcess> action) {
        var running = simulator;
        if (running != null) {
            action.accept(running.process());
        }
    }
}
