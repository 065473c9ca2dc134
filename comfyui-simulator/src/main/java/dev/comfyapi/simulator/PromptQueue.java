package dev.comfyapi.simulator;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.function.IntConsumer;

/// Prompts waiting and at most one running, in memory only. Thread-safe.
///
/// Every change is announced while the lock is held, so watchers hear of changes in the order they
/// happen.
final class PromptQueue {

    /// @param running null or the one that runs
    /// @param pending in heap order, as ComfyUI shows it
    record Snapshot(@Nullable QueuedPrompt running, List<QueuedPrompt> pending) {
        int size() {
            return pending.size() + (running == null ? 0 : 1);
        }
    }

    private final PriorityQueue<QueuedPrompt> heap = new PriorityQueue<>();
    private final IntConsumer announce;
    private @Nullable QueuedPrompt running;
    private boolean closed;

    PromptQueue(IntConsumer announce) {
        this.announce = announce;
    }

    synchronized void put(QueuedPrompt prompt) {
        heap.add(prompt);
        changed();
        notifyAll();
    }

    /// Waits for a prompt and marks it running; null once the queue is closed.
    ///
    /// @throws HeapCollision if two pending prompts have the same number and id: ComfyUI cannot
    ///   order them
    synchronized @Nullable QueuedPrompt take() {
        while (heap.isEmpty() || closed) {
            if (closed) {
                return null;
            }
            try {
                wait();
            } catch (InterruptedException _) {
                closed = true; // Nobody interrupts the worker; if somebody did, this is the end of
                // it.
            }
        }
        var next = heap.element();
        if (heap.stream().filter(next::collidesWith).count() > 1) {
            throw new HeapCollision(next.id());
        }
        heap.remove();
        running = next;
        changed();
        return next;
    }

    /// Sends the worker home: {@link #take()} answers null from now on, whatever waits.
    synchronized void close() {
        closed = true;
        notifyAll();
    }

    /// Ends the running prompt; what `record` does and the end become visible together.
    synchronized void finish(Runnable record) {
        record.run();
        running = null;
        changed();
    }

    /// Does something about the running prompt if it is the one meant.
    synchronized boolean ifRunning(String id, Runnable action) {
        if (running == null || !running.id().equals(id)) {
            return false;
        }
        action.run();
        return true;
    }

    /// Removes one pending prompt with this id.
    synchronized boolean delete(String id) {
        var found = heap.stream().filter(prompt -> prompt.id().equals(id)).findFirst();
        found.ifPresent(prompt -> {
            heap.remove(prompt);
            changed();
        });
        return found.isPresent();
    }

    /// Interrupts the prompt if it runs, removes it if it waits; at no moment can it slip from one
    /// to the other.
    synchronized boolean cancel(String id, Runnable interrupt) {
        return ifRunning(id, interrupt) || delete(id);
    }

    synchronized void clear() {
        heap.clear();
        changed();
    }

    synchronized Snapshot snapshot() {
        return new Snapshot(running, new ArrayList<>(heap));
    }

    private void changed() {
        announce.accept(heap.size() + (running == null ? 0 : 1));
    }

    /// Kills ComfyUI's worker thread while the server lives on.
    static final class HeapCollision extends RuntimeException {
        HeapCollision(String id) {
            super("Two pending prompts share number and id " + id);
        }
    }
}
