package dev.comfyapi.worker.comfyui;

import org.jspecify.annotations.Nullable;

/// The error a node raised, in ComfyUI's words. The message may name paths of the GPU host.
public record ExecutionError(
        @Nullable String nodeId,
        @Nullable String classType,
        @Nullable String exceptionType,
        String message) {}
