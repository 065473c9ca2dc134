package dev.comfyapi.worker.lane;

import dev.comfyapi.worker.attempt.StartGate;
import dev.comfyapi.worker.comfyui.ComfyUiHealth;

import java.time.Duration;

/// Whether this worker may believe in its leases: not when it has not reached Postgres for a while,
/// for then the leader may have given them to others. Thread-safe.
public final class Pulse implements StartGate {

    /// Before a silent worker's leases are taken back, which happens after 30 s.
    static final Duration FRESH = Duration.ofSeconds(25);

    private final ComfyUiHealth health;
    private volatile long lastNanos;
    private volatile boolean beating;

    Pulse(ComfyUiHealth health) {
        this.health = health;
    }

    /// Postgres has answered a heartbeat that was sent then.
    void beat(long sentNanos) {
        lastNanos = sentNanos;
        beating = true;
    }

    /// The registration is over.
    void stop() {
        beating = false;
    }

    @Override
    public boolean isOpen() {
        return beating && System.nanoTime() - lastNanos < FRESH.toNanos() && health.isUsable();
    }
}
