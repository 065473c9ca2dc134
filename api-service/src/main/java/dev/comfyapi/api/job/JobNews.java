package dev.comfyapi.api.job;

import dev.comfyapi.db.job.JobRow;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.LeaseStage;
import dev.comfyapi.model.message.JobEvent;

import org.jspecify.annotations.Nullable;

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

    /// Tells this watcher of a job until the watch is closed: of every change that is heard, and of
    /// what Postgres says every five seconds even if nothing was heard.
    ///
    /// Costs no thread and no connection. The watcher looks at the job itself after this, so that
    /// nothing falls between.
    Watch watch(int tenant, JobId job, Watcher watcher);

    /// Open eyes for one job.
    interface Watch {

        /// Has the job looked at as soon as possible, together with others.
        void lookNow();

        /// No more is told, except what is being told just now. May be repeated.
        void close();
    }

    /// Is told of one job, or of all jobs of a tenant. By several threads, which others wait for
    /// too: it must return at once.
    interface Watcher {

        /// The job as Postgres has it now; also when nothing has changed.
        void look(JobRow row);

        /// There is no such job, or no longer.
        void gone();

        /// Postgres did not answer; it is asked again in a second.
        void unanswered(RuntimeException trouble);

        /// Progress or a preview of the attempt that [#look] told of; what [#newest] says includes
        /// it already.
        void heard(JobEvent event);

        /// Ten times a second, for what depends on time alone.
        ///
        /// @param nanos of [System#nanoTime]
        void pass(long nanos);

        /// This instance stops.
        void end();
    }
}
