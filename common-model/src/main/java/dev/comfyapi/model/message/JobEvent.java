package dev.comfyapi.model.message;

import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.JobState;

import org.jspecify.annotations.Nullable;

/// To every API instance: something about this job has changed. A hint; the truth is read from
/// Postgres.
public sealed interface JobEvent {

    JobId job();

    /// It waits for a worker.
    record Submitted(JobId job) implements JobEvent {}

    /// ComfyUI runs it.
    record Started(JobId job, int epoch, long worker) implements JobEvent {}

    /// At most twice a second for one job.
    ///
    /// @param fraction 0 to 1 over the whole graph
    /// @param phase `loading_model` or `executing`
    /// @param node the node that runs; null between nodes
    /// @param step counted work inside that node, 0 when it counts none
    record Progress(
            JobId job,
            int epoch,
            double fraction,
            String phase,
            int nodesDone,
            int nodesTotal,
            @Nullable String node,
            @Nullable String nodeClass,
            int step,
            int steps)
            implements JobEvent {}

    /// What the picture looks like by now. At most twice a second for one job, and nothing is lost
    /// when one is.
    ///
    /// @param node that makes it; null when ComfyUI does not say
    /// @param contentType `image/jpeg` or `image/png`, by the content
    /// @param dataBase64 the file
    record Preview(
            JobId job, int epoch, @Nullable String node, String contentType, String dataBase64)
            implements JobEvent {}

    /// Its GPU is free; files are still being stored.
    record Freed(JobId job, int epoch, long worker) implements JobEvent {}

    /// It waits again: for another attempt, or because its worker gave it back.
    record Requeued(JobId job) implements JobEvent {}

    /// It is over.
    record Finished(JobId job, JobState state) implements JobEvent {}
}
