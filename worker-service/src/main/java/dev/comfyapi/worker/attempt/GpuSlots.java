package dev.comfyapi.worker.attempt;

import java.util.ArrayDeque;
import java.util.Deque;

/// How many prompts may be inside ComfyUI: the one that runs and those right behind it, so that the
/// GPU does not wait for us between two. First come, first served.
final class GpuSlots {

    /// How soon a waiting attempt sees that it shall stop, or that the gate has opened.
    private static final long LOOK_UP_MS = 100;

    private final StartGate gate;
    private final Deque<Attempt> waiting = new ArrayDeque<>();
    private int free;

    GpuSlots(int slots, StartGate gate) {
        this.free = slots;
        this.gate = gate;
    }

    synchronized void acquire(Attempt attempt)
            throws AttemptStoppedException, InterruptedException {
        waiting.add(attempt);
        try {
            attempt.stopHere();
            while (free == 0 || waiting.peek() != attempt || !gate.isOpen()) {
                wait(LOOK_UP_MS);
                attempt.stopHere();
            }
            free--;
        } finally {
            waiting.remove(attempt);
            notifyAll();
        }
    }

    synchronized void release() {
        free++;
        notifyAll();
    }
}
