package dev.comfyapi.worker.comfyui;

import org.jspecify.annotations.Nullable;

/// ComfyUI's answer to a graph.
public sealed interface Submission {

    record Accepted() implements Submission {}

    /// It will not run, or not all of it: in the second case the prompt is in ComfyUI's queue and
    /// wants canceling.
    ///
    /// @param message for the client; no paths
    record Refused(
            Reason reason, String message, @Nullable String nodeId, @Nullable String classType)
            implements Submission {}

    /// The reply was lost or made no sense: the prompt may or may not be there.
    record Uncertain(String why) implements Submission {}

    enum Reason {
        MISSING_NODE,
        MISSING_MODEL,
        INVALID
    }
}
