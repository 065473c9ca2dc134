package dev.comfyapi.db;

import static dev.comfyapi.db.Database.TENANT;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.db.job.JobStore;
import dev.comfyapi.db.job.JobStore.AttemptRow;
import dev.comfyapi.db.job.JobStore.Terms;
import dev.comfyapi.db.lease.LeaseStore.Completion;
import dev.comfyapi.db.lease.LeaseStore.Failing;
import dev.comfyapi.db.queue.Assigning;
import dev.comfyapi.db.queue.LeaderStore.Overdue;
import dev.comfyapi.db.worker.WorkerStore;
import dev.comfyapi.db.worker.WorkerStore.Held;
import dev.comfyapi.model.job.ErrorCode;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.JobStatus;
import dev.comfyapi.model.job.LeaseKey;
import dev.comfyapi.model.job.LeaseStage;
import dev.comfyapi.model.job.Priority;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

import java.sql.DriverManager;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/// Deadlines, changes by the client and attempts, on a real Postgres.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LifeTest {

    private static final String LATE = "{\"message\": \"too late\"}";
    private static final String ERROR = "{\"message\": \"no luck\"}";

    private Database db = new Database();

    @BeforeAll
    void migrate() {
        db = new Database();
    }

    @AfterEach
    void no_invariant_is_broken() {
        assertThat(db.invariants.broken()).isEmpty();
    }

    private JobId aJobToFinish(Instant finishBy) {
        var job = Database.with(db.aJob(), null, null, finishBy);
        db.jobs.submit(TENANT, List.of(job));
        return job.id();
    }

    private LeaseKey assigned(JobId job) {
        return db.assign(job, db.aWorker("life-" + job));
    }

    // -- deadlines ------------------------------------------------------------------------------

    @Test
    void a_waiting_job_past_its_finish_deadline_is_never_assigned_and_expires() {
        var job = aJobToFinish(Instant.now().minusSeconds(1));
        var group = db.leader.groups().getFirst();

        assertThat(db.leader.assign(List.of(new Assigning(group, job, db.aWorker("late")))))
                .isEmpty();
        assertThat(db.leader.expire(100, ERROR, LATE)).containsExactly(job);

        var row = db.read(job);
        assertThat(row.status()).isEqualTo(JobStatus.EXPIRED);
        assertThat(row.errorCode()).isEqualTo("deadline_exceeded");
        assertThat(row.error()).isEqualTo(LATE);
    }

    @Test
    void a_scheduled_job_that_can_no_longer_finish_in_time_expires() {
        var job =
                Database.with(
                        db.aJob(),
                        Instant.now().plusSeconds(3_600),
                        null,
                        Instant.now().minusSeconds(1));
        db.jobs.submit(TENANT, List.of(job));

        assertThat(db.leader.expire(100, ERROR, LATE)).containsExactly(job.id());
    }

    @Test
    void a_job_past_both_deadlines_was_not_started_in_time() {
        var job =
                Database.with(
                        db.aJob(),
                        null,
                        Instant.now().minusSeconds(2),
                        Instant.now().minusSeconds(1));
        db.jobs.submit(TENANT, List.of(job));

        db.leader.expire(100, ERROR, LATE);

        assertThat(db.read(job.id()).errorCode()).isEqualTo("start_deadline_exceeded");
    }

    @Test
    void a_running_job_expires_at_once_and_its_worker_is_told_until_it_gives_the_lease_back() {
        var lease = assigned(aJobToFinish(Instant.now().plusSeconds(3_600)));
        db.report(lease, LeaseStage.RUNNING, 0.5);
        assertThat(db.leader.expireLeases(100, LATE)).isEmpty();
        passDeadline(lease.job());

        assertThat(db.leader.expireLeases(100, LATE))
                .containsExactly(new Overdue(lease, (int) (lease.worker() % 128)));
        assertThat(db.leader.expireLeases(100, LATE)).isEmpty();

        var row = db.read(lease.job());
        assertThat(row.status()).isEqualTo(JobStatus.EXPIRED);
        assertThat(row.errorCode()).isEqualTo("deadline_exceeded");
        assertThat(row.startedAt()).isNotNull();
        assertThat(db.leader.leases()).extracting(l -> l.key()).contains(lease);
        assertThat(
                        db.workers
                                .heartbeat(
                                        lease.worker(),
                                        new WorkerStore.Standing(true, null, null),
                                        List.of())
                                .orElseThrow()
                                .held())
                .containsExactly(new Held(lease, true));
        assertThat(db.leases.complete(lease, db.aResult(lease)))
                .isEqualTo(Completion.CANCELED_MEANWHILE);
        assertThat(db.read(lease.job()).status()).isEqualTo(JobStatus.EXPIRED);
        assertThat(db.leader.leases()).extracting(l -> l.key()).doesNotContain(lease);
    }

    @Test
    void an_expired_lease_of_a_lost_worker_just_goes() {
        var lease = assigned(aJobToFinish(Instant.now().plusSeconds(3_600)));
        passDeadline(lease.job());
        db.leader.expireLeases(100, LATE);
        db.workers.leave(lease.worker());

        db.leader.reap(ERROR);

        assertThat(db.read(lease.job()).status()).isEqualTo(JobStatus.EXPIRED);
        assertThat(db.leader.leases()).extracting(l -> l.key()).doesNotContain(lease);
    }

    @Test
    void the_finish_deadline_goes_with_the_job_from_attempt_to_attempt() {
        var lease = assigned(aJobToFinish(Instant.now().plusSeconds(3_600)));
        assertThat(db.leases.fail(lease, ErrorCode.TRANSIENT, ERROR)).isEqualTo(Failing.DELAYED);
        db.execute("UPDATE delayed SET due_at = now() WHERE job_id = '%s'".formatted(lease.job()));
        db.leader.promote(1_000);
        var second = assigned(lease.job());
        passDeadline(lease.job());

        assertThat(db.leader.expireLeases(100, LATE)).extracting(Overdue::lease).contains(second);
        db.leases.release(second);
    }

    private void passDeadline(JobId job) {
        assertThat(db.jobs.change(db.read(job), finishing(Instant.now().minusSeconds(1)))).isTrue();
    }

    private static Terms finishing(@Nullable Instant finishBy) {
        return new Terms(Priority.NORMAL, null, finishBy, List.of(), "{}");
    }

    // -- changes --------------------------------------------------------------------------------

    @Test
    void a_job_is_changed_wherever_its_token_is() {
        var queued = db.aWaitingJob();
        var delayed = Database.with(db.aJob(), Instant.now().plusSeconds(3_600), null);
        db.jobs.submit(TENANT, List.of(delayed));
        var running = db.aRunningJob();
        var late = Instant.now().plusSeconds(60).truncatedTo(ChronoUnit.MILLIS);

        for (var job : List.of(queued, delayed.id(), running.job())) {
            var before = db.read(job);
            var terms =
                    new Terms(
                            new Priority(2),
                            late,
                            late.plusSeconds(1),
                            List.of("a", "b, c"),
                            "{\"k\": \"v\"}");

            assertThat(db.jobs.change(before, terms)).isTrue();

            var after = db.read(job);
            assertThat(Terms.of(after)).isEqualTo(terms);
            assertThat(after.place()).isEqualTo(before.place());
            assertThat(after.revision()).isEqualTo(before.revision() + 1);
            assertThat(db.jobs.change(before, terms)).as("what was changed meanwhile").isFalse();
        }
        assertThat(db.leases.complete(running, db.aResult(running))).isEqualTo(Completion.RECORDED);
        assertThat(db.read(running.job()).revision()).isEqualTo(20_000);
    }

    @Test
    void a_job_that_has_ended_is_not_changed_even_while_its_worker_has_it() {
        var lease = db.aRunningJob();
        var before = db.read(lease.job());
        db.jobs.cancel(TENANT, lease.job());

        assertThat(db.jobs.change(before, finishing(null))).isFalse();

        assertThat(db.read(lease.job()).edits()).isZero();
    }

    @Test
    void a_leader_who_waited_for_a_change_does_not_assign_on_the_old_terms() throws Exception {
        var job = db.aWaitingJob();
        var group =
                db.leader.heads(db.leader.groups(), 1_000).stream()
                        .filter(head -> head.job().equals(job))
                        .findFirst()
                        .orElseThrow()
                        .group();
        long worker = db.aWorker("waits");
        var late = Instant.now().plusSeconds(60);

        try (var connection = DriverManager.getConnection(db.url)) {
            connection.setAutoCommit(false);
            var source = new SingleConnectionDataSource(connection, true);
            var changing = new JobStore(JdbcClient.create(source));
            assertThat(changing.change(db.read(job), finishing(late))).isTrue();
            var assigning =
                    CompletableFuture.supplyAsync(
                            () -> db.leader.assign(List.of(new Assigning(group, job, worker))));
            await().atMost(Duration.ofSeconds(20)).until(db::somebodyWaitsForALock);
            connection.commit();

            assertThat(assigning.join()).isEmpty();
        }
        assertThat(db.assign(job, worker).epoch()).isEqualTo(1);
        assertThat(
                        db.jdbc
                                .sql("SELECT finish_by IS NOT NULL FROM lease WHERE job_id = :job")
                                .param("job", job.value())
                                .query(Boolean.class)
                                .single())
                .isTrue();
    }

    @Test
    void a_change_does_not_wait_for_a_token_that_is_being_moved() throws Exception {
        var job = db.aWaitingJob();

        try (var connection = DriverManager.getConnection(db.url)) {
            connection.setAutoCommit(false);
            var canceling =
                    new JobStore(
                            JdbcClient.create(new SingleConnectionDataSource(connection, true)));
            canceling.cancel(TENANT, job);

            assertThat(db.jobs.change(db.read(job), finishing(null))).isFalse();

            connection.rollback();
        }
        assertThat(db.jobs.change(db.read(job), finishing(null))).isTrue();
    }

    // -- attempts -------------------------------------------------------------------------------

    @Test
    void every_attempt_of_a_job_is_told_with_how_it_ended() {
        var job = db.aWaitingJob();
        assertThat(db.jobs.attempts(TENANT, job)).isEmpty();
        var first = db.assign(job, db.aWorker("first"));
        db.report(first, LeaseStage.RUNNING, 0.5);
        db.leases.fail(first, ErrorCode.OOM, ERROR);
        var second = again(job, "second");
        db.leases.release(second);
        var third = db.assign(job, db.aWorker("third"));
        db.workers.leave(third.worker());
        db.leader.reap(ERROR);
        var fourth = again(job, "fourth");
        assertThat(outcomes(job)).endsWith("4 fourth assigned null");
        db.report(fourth, LeaseStage.RUNNING, 0.5);
        assertThat(outcomes(job)).endsWith("4 fourth running null");
        db.leases.complete(fourth, db.aResult(fourth));

        assertThat(outcomes(job))
                .containsExactly(
                        "1 first failed oom",
                        "3 third lost worker_lost",
                        "4 fourth succeeded null");
        var told = db.jobs.attempts(TENANT, job).getFirst();
        assertThat(told.assignedAt()).isNotNull();
        assertThat(told.startedAt()).isNotNull();
        assertThat(told.endedAt()).isNotNull();
        assertThat(told.error()).isEqualTo(ERROR);
        assertThat(db.jobs.attempts(2, job)).isEmpty();
    }

    @Test
    void the_attempt_that_ends_a_job_is_told_once() {
        var failed = db.aRunningJob();
        db.leases.fail(failed, ErrorCode.NODE_EXECUTION_ERROR, ERROR);
        var canceled = db.aRunningJob();
        db.jobs.cancel(TENANT, canceled.job());
        db.leases.fail(canceled, ErrorCode.NODE_EXECUTION_ERROR, ERROR);
        var expired = db.aRunningJob();
        passDeadline(expired.job());
        db.leader.expireLeases(100, LATE);
        db.leases.release(expired);
        var canceledBetween = db.aRunningJob();
        db.leases.fail(canceledBetween, ErrorCode.TRANSIENT, ERROR);
        db.jobs.cancel(TENANT, canceledBetween.job());

        assertThat(List.of(failed, canceled, expired, canceledBetween))
                .extracting(lease ->
                        db.jobs.attempts(TENANT, lease.job()).stream()
                                .map(AttemptRow::outcome)
                                .toList())
                .containsExactly(
                        List.of("failed"),
                        List.of("canceled"),
                        List.of("expired"),
                        List.of("failed"));
    }

    private List<String> outcomes(JobId job) {
        return db.jobs.attempts(TENANT, job).stream()
                .map(a ->
                        "%d %s %s %s".formatted(a.epoch(), a.worker(), a.outcome(), a.errorCode()))
                .toList();
    }

    private LeaseKey again(JobId job, String worker) {
        db.execute("UPDATE delayed SET due_at = now() WHERE job_id = '%s'".formatted(job));
        db.leader.promote(1_000);
        return db.assign(job, db.aWorker(worker));
    }
}
