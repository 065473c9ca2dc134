package dev.comfyapi.model.job;

import org.jspecify.annotations.Nullable;

/// One stored output file of a finished job.
///
/// @param index its place among the job's outputs, from 0, in the order of its nodes' ids and of
///   each node's own list
/// @param kind `image`, `video`, `audio`, `text`, `model3d` or `file`
/// @param key where the artifact store has it
/// @param width pixels; null when it is not an image
/// @param sha256 of the stored bytes, lower-case hex
/// @param nodeId the output node that made it
/// @param filename the name ComfyUI gave it, without folders
public record Artifact(
        int index,
        String kind,
        String key,
        String contentType,
        long sizeBytes,
        @Nullable Integer width,
        @Nullable Integer height,
        String sha256,
        String nodeId,
        String filename) {}
