package dev.comfyapi.api.job;

/// Tells the dispatcher of this process, if it has one, that looking at the queue is worth it now.
///
/// A hint: one that is lost costs half a second.
public interface QueueBell {

    void ring();
}
