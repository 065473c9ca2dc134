package dev.comfyapi.worker.attempt;

/// Whether this worker may start anything new now.
@FunctionalInterface
public interface StartGate {

    boolean isOpen();
}
