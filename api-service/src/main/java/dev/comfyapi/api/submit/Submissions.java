package dev.comfyapi.api.submit;

import com.fasterxml.uuid.Generators;
import com.fasterxml.uuid.UUIDClock;
import com.fasterxml.uuid.impl.TimeBasedEpochGenerator;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.DatabaseTrouble;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.api.job.QueueBell;
import dev.comfyapi.api.limit.Allowance;
import dev.comfyapi.db.job.BatchStore;
import dev.comfyapi.db.job.IdempotencyStore;
import dev.comfyapi.db.job.IdempotencyStore.Claim;
import dev.comfyapi.db.job.JobClassStore;
import dev.comfyapi.db.job.JobStore;
import dev.comfyapi.db.job.NewBatch;
import dev.comfyapi.db.job.NewJob;
import dev.comfyapi.db.webhook.JobWebhook;
import dev.comfyapi.messaging.MessageSender;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.Priority;
import dev.comfyapi.model.message.JobEvent;
import dev.comfyapi.model.workflow.Needs;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.dao.DataAccessException;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionTemplate;

import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;

/// Makes jobs of checked requests: durably, and once for each idempotency key. Thread-safe.
@Component
final class Submissions {

    private static final Logger LOG = LoggerFactory.getLogger(Submissions.class);
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final String LOCK_NOT_AVAILABLE = "55P03";

    private final JobStore jobs;
    private final BatchStore batches;
    private final JobClassStore classes;
    private final Admission admission;
    private final IdempotencyStore keys;
    private final TransactionTemplate transactions;
    private final MessageSender sender;
    private final ObjectProvider<QueueBell> bell;
    private final Allowance allowance;
    private final Clock clock;
    private final TimeBasedEpochGenerator ids;
    private final Counter submitted;

    Submissions(
            JobStore jobs,
            BatchStore batches,
            JobClassStore classes,
            Admission admission,
            IdempotencyStore keys,
            TransactionTemplate transactions,
            MessageSender sender,
            ObjectProvider<QueueBell> bell,
            Allowance allowance,
            Clock clock,
            MeterRegistry metrics) {
        this.jobs = jobs;
        this.batches = batches;
        this.classes = classes;
        this.admission = admission;
        this.keys = keys;
        this.transactions = transactions;
        this.sender = sender;
        this.bell = bell;
        this.allowance = allowance;
        this.clock = clock;
        this.ids =
                Generators.timeBasedEpochGenerator(
                        null,
                        new UUIDClock() {
                            @Override
                            public long currentTimeMillis() {
                                return clock.millis();
                            }
                        });
        this.submitted =
                Counter.builder("comfyapi.jobs.submitted")
                        .description("Jobs accepted from clients")
                        .register(metrics);
    }

    /// What the request led to.
    ///
    /// @param resource the job, or the batch
    /// @param replayed whether an earlier request with the same key had made it
    record Outcome(UUID resource, boolean replayed) {}

    /// Accepts one job. When this returns the job is durable; when it throws nothing was stored,
    /// unless the connection broke during the commit.
    Outcome submit(
            Caller caller,
            CheckedRequest request,
            @Nullable String traceparent,
            Optional<IdempotentCall> call) {
        return submit(caller, jobOf(request, null, traceparent, null, false), call);
    }

    /// Accepts all of these jobs as one batch, or none.
    Outcome submitBatch(
            Caller caller,
            List<CheckedRequest> requests,
            @Nullable JobWebhook webhook,
            @Nullable String traceparent,
            Optional<IdempotentCall> call) {
        var batch = newBatch();
        var terms = BatchTerms.telling(webhook);
        try (var spool = new JobSpool()) {
            for (var request : requests) {
                spool.add(jobOf(terms.on(request), batch, traceparent, null, false));
            }
            return submitBatch(caller, batch, terms, spool, call);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// The id of a batch that comes, smaller than those of its jobs.
    UUID newBatch() {
        return ids.generate();
    }

    /// Accepts these jobs as one batch, or none: batch, jobs and idempotency key are one
    /// transaction.
    ///
    /// @param batch from [#newBatch]
    /// @param spool jobs of this batch, from [#jobOf]
    Outcome submitBatch(
            Caller caller,
            UUID batch,
            BatchTerms terms,
            JobSpool spool,
            Optional<IdempotentCall> call) {
        var window = terms.window();
        var row =
                new NewBatch(
                        batch,
                        terms.name(),
                        spool.count(),
                        terms.maxConcurrency(),
                        terms.failFast(),
                        after(clock.instant(), window),
                        JSON.writeValueAsString(terms.metadata()),
                        terms.ofTheBatch());
        Runnable insert =
                () ->
                        transactions.executeWithoutResult(_ -> {
                            batches.add(caller.tenant(), row);
                            spool.forEachChunk(
                                    chunk -> jobs.submit(caller.tenant(), caller.key(), chunk));
                        });
        var arrival = new Arrival(batch, spool.count(), spool.isHurried(), insert);
        var outcome = store(caller, arrival, call);
        if (!outcome.replayed()) {
            LOG.info("Batch {} accepted, with {} jobs", batch, spool.count());
            tell(spool.count(), spool.first());
        }
        return outcome;
    }

    /// Accepts a job once more, as a new one on the terms of the old.
    Outcome resubmit(
            Caller caller,
            Retries.Repeated repeated,
            @Nullable String traceparent,
            Optional<IdempotentCall> call) {
        var old = repeated.original();
        var now = clock.instant();
        var job =
                new NewJob(
                        new JobId(ids.generate()),
                        old.classId(),
                        old.priority(),
                        repeated.graph(),
                        repeated.params(),
                        old.metadata(),
                        old.tags(),
                        null,
                        repeated.id().value(),
                        traceparent,
                        null,
                        after(now, old.startWithin()),
                        after(now, old.finishWithin()),
                        after(now, old.retention()),
                        old.maxFailures(),
                        old.runTimeoutMs(),
                        old.keepMetadata(),
                        old.webhook());
        return submit(caller, job, call);
    }

    private Outcome submit(Caller caller, NewJob job, Optional<IdempotentCall> call) {
        boolean hurried = job.priority().value() > Priority.NORMAL.value();
        Runnable insert = () -> jobs.submit(caller.tenant(), caller.key(), List.of(job));
        var outcome = store(caller, new Arrival(job.id().value(), 1, hurried, insert), call);
        if (!outcome.replayed()) {
            LOG.info("Job {} accepted", job.id());
            tell(1, List.of(job.id()));
        }
        return outcome;
    }

    private static @Nullable Instant after(Instant time, @Nullable Duration span) {
        return span == null ? null : time.plus(span);
    }

    /// What an earlier request with the same key made, for a request that would be refused today.
    Optional<UUID> replayOf(int tenant, IdempotentCall call) {
        return locked(() ->
                Objects.requireNonNull(
                        transactions.execute(transaction -> {
                            transaction.setRollbackOnly();
                            return resource(claim(tenant, call, ids.generate()));
                        })));
    }

    /// The job that is made of a request. Before any transaction: its class must stay even if the
    /// job is not stored.
    ///
    /// @param held whether it waits until its batch lets it into the queue
    NewJob jobOf(
            CheckedRequest request,
            @Nullable UUID batch,
            @Nullable String traceparent,
            @Nullable String customId,
            boolean held) {
        int classId = classes.idOf(Needs.of(request.graph(), request.pool()));
        var now = clock.instant();
        Instant from = request.runAfter() == null ? now : request.runAfter();
        return new NewJob(
                new JobId(ids.generate()),
                classId,
                request.priority(),
                request.graph(),
                request.params(),
                JSON.writeValueAsString(request.metadata()),
                request.tags(),
                batch,
                null,
                traceparent,
                request.runAfter(),
                after(from, request.startWithin()),
                after(now, request.finishWithin()),
                from.plus(request.retention()),
                request.maxAttempts(),
                (int) request.maxExecution().toMillis(),
                request.keepMetadata(),
                request.webhook(),
                customId,
                held);
    }

    /// What is to be accepted together.
    ///
    /// @param resource the job, or the batch
    /// @param hurried whether a job of it wants to come before others
    /// @param insert stores it: durably, or with the transaction around it
    private record Arrival(UUID resource, int jobs, boolean hurried, Runnable insert) {}

    private Outcome store(Caller caller, Arrival arrival, Optional<IdempotentCall> call) {
        if (arrival.hurried()) {
            caller.require(Scope.JOBS_PRIORITY);
        }
        try {
            allowance.admit(caller.tenant(), arrival.jobs());
        } catch (ApiProblem refused) {
            // What was accepted once stays accepted.
            var earlier = call.flatMap(known -> replayOf(caller.tenant(), known));
            return new Outcome(earlier.orElseThrow(() -> refused), true);
        }
        var earlier = accepted(caller, arrival, call);
        if (earlier.isPresent()) {
            allowance.giveBack(caller.tenant(), arrival.jobs());
            return new Outcome(earlier.get(), true);
        }
        return new Outcome(arrival.resource(), false);
    }

    /// Stores the jobs; answers what is there already when the key is not new.
    private Optional<UUID> accepted(Caller caller, Arrival arrival, Optional<IdempotentCall> call) {
        try {
            if (call.isPresent()) {
                return claimed(caller, arrival, call.get());
            }
            accept(caller, arrival);
            return Optional.empty();
        } catch (ApiProblem refused) {
            // Nothing was stored. After any other failure that is not known, and they stay counted.
            allowance.giveBack(caller.tenant(), arrival.jobs());
            throw refused;
        }
    }

    /// Stores key and jobs together; answers what is there already when the key is not new.
    private Optional<UUID> claimed(Caller caller, Arrival arrival, IdempotentCall call) {
        return locked(() ->
                Objects.requireNonNull(
                        transactions.execute(_ -> {
                            var claim = claim(caller.tenant(), call, arrival.resource());
                            if (claim instanceof Claim.First) {
                                accept(caller, arrival);
                            }
                            return resource(claim);
                        })));
    }

    private void accept(Caller caller, Arrival arrival) {
        admission.admit(caller.tenant(), arrival.jobs());
        arrival.insert().run();
    }

    private Claim claim(int tenant, IdempotentCall call, UUID resource) {
        var fingerprint = HexFormat.of().parseHex(call.fingerprint());
        return keys.claim(tenant, call.route(), call.key(), fingerprint, resource);
    }

    private static Optional<UUID> resource(Claim claim) {
        return switch (claim) {
            case Claim.First() -> Optional.empty();
            case Claim.Replay(var resource) -> Optional.of(resource);
            case Claim.Reused() ->
                    throw ApiProblem.of(
                            ProblemCode.IDEMPOTENCY_KEY_REUSED,
                            "This Idempotency-Key came with another body before.");
        };
    }

    private static <T> T locked(Supplier<T> work) {
        try {
            return work.get();
        } catch (DataAccessException e) {
            if (DatabaseTrouble.sqlState(e).filter(LOCK_NOT_AVAILABLE::equals).isEmpty()) {
                throw e;
            }
            throw ApiProblem.of(
                            ProblemCode.IDEMPOTENCY_IN_PROGRESS,
                            "The first request with this Idempotency-Key is still being worked on.")
                    .header("Retry-After", "1");
        }
    }

    private void tell(int count, List<JobId> some) {
        submitted.increment(count);
        some.forEach(job -> sender.publish(new JobEvent.Submitted(job)));
        bell.forEach(QueueBell::ring);
    }
}
