package dev.comfyapi.simulator;

/// A prompt that was accepted.
///
/// @param receivedNanos `System.nanoTime()` when the request arrived
public record Received(String promptId, long receivedNanos) {}
