package dev.comfyapi.api.job;

import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.LeaseStage;
import dev.comfyapi.model.message.JobEvent;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/// What is heard about jobs between two looks at the database. Hints, all of it: what was not heard
/// is found by looking again.
public interface JobNews {

    /// The newest that a worker said of a running attempt.
    ///
    /// @param fraction 0 to 1; never falls within one epoch
    /// @param progress null until the worker has reported any
    record Running(
            int epoch,
            LeaseStage stage,
            double fraction,
            JobEvent.@Nullable Progress progress,
            Instant at) {}

    Optional<Running> newest(JobId job);

    /// Whether this instance is stopping: who waits is answered with what there is.
    boolean isEnding();

    /// Listens to every change of a job, its progress included. To be closed.
    Subscription toEverything(JobId job);

    /// Listens to changes of a job other than progress. To be closed.
    Subscription toStatus(JobId job);

    /// Open ears for one job.
    interface Subscription extends AutoCloseable {

        /// Returns when something was heard since the last call, or it is time to look again, or
        /// this time is over.
        void await(Duration most) throws InterruptedException;

        @Override
        void close();
    }
}
