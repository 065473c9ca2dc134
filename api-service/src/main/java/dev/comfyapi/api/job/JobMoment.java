package dev.comfyapi.api.job;

import dev.comfyapi.model.job.JobStatus;

import org.jspecify.annotations.Nullable;

/// Where a job is, by its row and by what was heard since: the part of it that changes.
///
/// @param phase where exactly it is; null when it has ended, an open set of words
/// @param progress 0 to 1
/// @param revision never falls, and rises with every visible change
public record JobMoment(
        JobStatus status,
        @Nullable String phase,
        double progress,
        JobView.@Nullable ProgressDetail detail,
        long revision) {

    public boolean isFinal() {
        return status.isFinal();
    }
}
