package dev.comfyapi.api.stream;

import dev.comfyapi.api.job.JobView;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.util.UUID;

/// What clients of streams read: one server-sent event, or one text frame.
///
/// @param id where a client continues after it; null when it cannot
/// @param data written as JSON
record Message(String type, @Nullable String id, Object data) {

    static final String STATUS = "status";
    static final String PROGRESS = "progress";
    static final String PREVIEW = "preview";
    static final String ARTIFACT = "artifact";
    static final String DONE = "done";
    static final String GAP = "gap";

    @Schema(name = "StatusEvent")
    record Status(
            String type,
            UUID jobId,
            long revision,
            String status,
            @Nullable String phase,
            double progress) {}

    /// @param message for people
    @Schema(name = "ProgressEvent")
    record Progress(
            String type,
            UUID jobId,
            double progress,
            String message,
            JobView.ProgressDetail progressDetail) {}

    @Schema(name = "PreviewEvent")
    record Preview(
            String type,
            UUID jobId,
            @Nullable String nodeId,
            String contentType,
            String dataBase64) {}

    @Schema(name = "ArtifactEvent")
    record Artifact(String type, UUID jobId, String url, JobView.File artifact) {}

    @Schema(name = "DoneEvent")
    record Done(
            String type,
            UUID jobId,
            String status,
            JobView.@Nullable Result result,
            JobView.@Nullable Failure error) {}

    /// More changed than is told again: list the jobs.
    @Schema(name = "GapEvent")
    record Gap(String type, String detail) {}
}
