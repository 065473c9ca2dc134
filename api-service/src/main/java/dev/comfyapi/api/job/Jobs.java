package dev.comfyapi.api.job;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.artifact.ArtifactStore;
import dev.comfyapi.db.job.ErasureStore;
import dev.comfyapi.db.job.JobFilter;
import dev.comfyapi.db.job.JobRow;
import dev.comfyapi.db.job.JobStore;
import dev.comfyapi.db.job.JobStore.Cancellation;
import dev.comfyapi.messaging.MessageSender;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.JobState;
import dev.comfyapi.model.job.Revision;
import dev.comfyapi.model.message.JobEvent;
import dev.comfyapi.model.message.LaneMessage;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.stereotype.Component;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.function.Predicate;

/// Reads, waits for, changes and cancels jobs. Thread-safe; no database connection is held while
/// waiting.
@Component
public final class Jobs {

    private static final Logger LOG = LoggerFactory.getLogger(Jobs.class);

    /// A token moves in one statement, so asking again soon finds it.
    private static final int TRIES = 20;

    /// Between two tries to change a job: others hold its token or its row for about so long.
    private static final Duration PAUSE = Duration.ofMillis(5);

    private final JobStore store;
    private final ErasureStore erasures;
    private final ArtifactStore files;
    private final Retention retention;
    private final JobViews views;
    private final JobNews news;
    private final MessageSender sender;
    private final ObjectProvider<QueueBell> bell;

    Jobs(
            JobStore store,
            ErasureStore erasures,
            ArtifactStore files,
            Retention retention,
            JobViews views,
            JobNews news,
            MessageSender sender,
            ObjectProvider<QueueBell> bell) {
        this.store = store;
        this.erasures = erasures;
        this.files = files;
        this.retention = retention;
        this.views = views;
        this.news = news;
        this.sender = sender;
        this.bell = bell;
    }

    /// @param base what absolute links start with
    /// @throws ApiProblem when there is no such job, or it is another tenant's
    public JobView read(int tenant, JobId id, String base) {
        return views.of(found(tenant, id), base);
    }

    private JobRow found(int tenant, JobId id) {
        var row = store.find(tenant, id).orElseThrow(() -> retention.absent(id));
        retention.refuseOver(row);
        return row;
    }

    /// The same while it is stored, though its time may be over; empty when it is gone.
    public Optional<JobView> find(int tenant, JobId id, String base) {
        return store.find(tenant, id).map(row -> views.of(row, base));
    }

    /// The graph that ComfyUI is given, JSON. The prefix of its files is set for each attempt.
    ///
    /// @throws ApiProblem when there is no such job, or it is another tenant's
    String graph(int tenant, JobId id) {
        // First the graph: one that is erased between the two reads has been read.
        var graph = store.findGraph(tenant, id).orElseThrow(() -> retention.absent(id));
        var row = found(tenant, id);
        if (graph.isEmpty()) {
            throw ApiProblem.of(ProblemCode.EXPIRED_RESOURCE, "The content of the job was erased.")
                    .with("erased_at", Objects.requireNonNull(row.erasedAt()));
        }
        return graph;
    }

    /// Erases what an ended job says of its client: prompt, parameters, graph, metadata, tags,
    /// files and error details. Repeating it does no harm.
    ///
    /// Nobody sees half of it: the row is bare first. If the files cannot be deleted now, or this
    /// process dies, the leader deletes them.
    ///
    /// @throws ApiProblem when there is no such job, it has not ended, or its files are still there
    void erase(int tenant, JobId id) {
        switch (erasures.erase(tenant, id)) {
            case ABSENT -> throw retention.absent(id);
            case LIVE ->
                    throw ApiProblem.of(
                            ProblemCode.JOB_NOT_TERMINAL,
                            "The job has not ended: cancel it first, or wait.");
            case ERASED -> {
                try {
                    files.deleteAll(tenant, id.value());
                } catch (IOException e) {
                    LOG.warn("The files of the erased job {} cannot be deleted yet", id, e);
                    throw ApiProblem.of(
                                    ProblemCode.TEMPORARILY_OVERLOADED,
                                    "The job is erased, its files are not yet; that is repeated.")
                            .header("Retry-After", "10");
                }
                erasures.finish(id);
                LOG.info("Erased the content of job {}", id);
            }
        }
    }

    /// The attempts of a job, oldest first.
    ///
    /// @throws ApiProblem when there is no such job, or it is another tenant's
    List<AttemptView> attempts(int tenant, JobId id) {
        found(tenant, id);
        return store.attempts(tenant, id).stream()
                .map(attempt -> AttemptView.of(id, attempt))
                .toList();
    }

    /// A row as clients see it, for who has read it otherwise.
    public JobView view(JobRow row, String base) {
        return views.of(row, base);
    }

    /// The jobs of a batch, in order of submission.
    public List<JobView> readBatch(int tenant, UUID batch, String base) {
        return store.findBatch(tenant, batch).stream().map(row -> views.of(row, base)).toList();
    }

    /// A part of a list.
    ///
    /// @param lookedTo where the search stopped early; null when it did not
    record Listed(List<JobView> jobs, @Nullable JobId lookedTo) {}

    Listed list(int tenant, JobFilter filter, JobStore.Part part, String base) {
        var listed = store.list(tenant, filter, part);
        return new Listed(
                listed.jobs().stream().map((JobRow row) -> views.listed(row, base)).toList(),
                listed.lookedTo());
    }

    /// The job when it has ended, or when the time is over. No thread and no connection waits.
    ///
    /// @throws ApiProblem when there is no such job, or it is another tenant's
    public CompletableFuture<JobView> whenEnded(JobId id, Waiting waiting) {
        return when(id, waiting, JobMoment::isFinal, false);
    }

    /// The job as soon as it is not what the client has seen, or has ended, or the time is over.
    CompletableFuture<JobView> whenChanged(JobId id, Waiting waiting, long seen) {
        return when(id, waiting, job -> job.isFinal() || job.revision() != seen, true);
    }

    /// The same, taking no notice of progress.
    CompletableFuture<JobView> whenStatusChanged(JobId id, Waiting waiting, long seen) {
        return when(
                id,
                waiting,
                job -> job.isFinal() || !Revision.sameButForProgress(job.revision(), seen),
                false);
    }

    private CompletableFuture<JobView> when(
            JobId id, Waiting waiting, Predicate<JobMoment> enough, boolean hearsProgress) {
        if (!waiting.most().isPositive()) {
            return CompletableFuture.completedFuture(read(waiting.tenant(), id, waiting.base()));
        }
        var wait = new Wait(views, waiting, enough, hearsProgress, () -> left(id, waiting));
        // Watching begins before the first look, so nothing falls between the two.
        var watch = news.watch(waiting.tenant(), id, wait);
        wait.watching(watch);
        try {
            var row = store.find(waiting.tenant(), id).orElseThrow(ApiProblem::notFound);
            if (news.isEnding()) {
                wait.end();
            }
            wait.look(row);
            return wait.answer();
        } catch (RuntimeException e) {
            watch.close();
            throw e;
        }
    }

    private void left(JobId id, Waiting waiting) {
        if (waiting.cancelsByLeaving()) {
            LOG.info("The client that waited for job {} has left, and wants it canceled", id);
            var _ = cancel(waiting.tenant(), id, waiting.base());
        }
    }

    /// Ends a job for its client; final at once. A job that has ended stays as it is.
    ///
    /// @throws ApiProblem when there is no such job, or it is another tenant's
    JobView cancel(int tenant, JobId id, String base) {
        var cancellation = end(tenant, id);
        var job = read(tenant, id, base);
        return job.saying(
                cancellation instanceof Cancellation.Canceled
                        ? "The job is canceled."
                        : "The job had ended before: it is %s.".formatted(job.status()));
    }

    /// The same for whoever does not want to read the job.
    public Cancellation end(int tenant, JobId id) {
        var cancellation = settled(tenant, id);
        if (cancellation instanceof Cancellation.Canceled(var running)) {
            LOG.info(
                    "Job {} canceled by its client; {}",
                    id,
                    running == null ? "nobody had it" : "its worker is told");
            if (running != null) {
                sender.send(running.lane(), new LaneMessage.Cancel(running.lease()));
            }
            sender.publish(new JobEvent.Finished(id, JobState.CANCELED));
            bell.forEach(QueueBell::ring);
        }
        return cancellation;
    }

    /// Puts a live job on other terms, wherever it is.
    ///
    /// @param ifMatch values of `If-Match`; none when the client does not mind
    /// @param how the terms for the job as it is; asked again when it has changed meanwhile
    /// @throws ApiProblem when there is no such job, or it is another tenant's, or it has ended, or
    ///   is not what the client has seen
    public JobView change(
            int tenant,
            JobId id,
            String base,
            List<String> ifMatch,
            Function<JobRow, JobStore.Terms> how) {
        for (int i = 0; i < TRIES; i++) {
            var row = found(tenant, id);
            var seen = views.of(row, base);
            if (!EntityTags.allow(ifMatch, seen)) {
                throw ApiProblem.of(
                        ProblemCode.PRECONDITION_FAILED,
                        "The job is at %s now.".formatted(EntityTags.of(seen)));
            }
            if (row.state().isFinal()) {
                throw ApiProblem.of(
                        ProblemCode.JOB_TERMINAL, "The job is %s.".formatted(seen.status()));
            }
            var terms = how.apply(row);
            if (terms.equals(JobStore.Terms.of(row))) {
                return seen;
            }
            if (store.change(row, terms)) {
                LOG.info("Job {} changed by its client", id);
                bell.forEach(QueueBell::ring);
                return read(tenant, id, base);
            }
            // Whoever has its token is done in a moment.
            LockSupport.parkNanos(PAUSE.toNanos());
        }
        throw moving();
    }

    private static ApiProblem moving() {
        return ApiProblem.of(
                        ProblemCode.TEMPORARILY_OVERLOADED,
                        "The job is on its way from one place to another.")
                .header("Retry-After", "1");
    }

    private Cancellation settled(int tenant, JobId id) {
        for (int i = 1; i < TRIES; i++) {
            var cancellation = store.cancel(tenant, id);
            if (!(cancellation instanceof Cancellation.Moving)) {
                return cancellation;
            }
        }
        var last = store.cancel(tenant, id);
        if (last instanceof Cancellation.Moving) {
            throw moving();
        }
        return last;
    }
}
