package dev.comfyapi.db;

import static dev.comfyapi.db.Database.TENANT;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comfyapi.db.job.JobFilter;
import dev.comfyapi.db.job.JobStore;
import dev.comfyapi.db.job.JobStore.Cancellation;
import dev.comfyapi.db.job.JobStore.Order;
import dev.comfyapi.db.job.JobStore.Part;
import dev.comfyapi.db.job.JobStore.Running;
import dev.comfyapi.db.lease.LeaseStore.Completion;
import dev.comfyapi.db.lease.LeaseStore.Failing;
import dev.comfyapi.db.queue.Assigning;
import dev.comfyapi.db.queue.Estimate;
import dev.comfyapi.db.queue.LeaderStore;
import dev.comfyapi.db.queue.TenantRow;
import dev.comfyapi.db.worker.WorkerStore;
import dev.comfyapi.model.job.ErrorCode;
import dev.comfyapi.model.job.JobClass;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.JobState;
import dev.comfyapi.model.job.JobStatus;
import dev.comfyapi.model.job.LeaseKey;
import dev.comfyapi.model.job.LeaseStage;
import dev.comfyapi.model.job.TokenPlace;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.springframework.dao.DuplicateKeyException;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/// Each statement of the queue core on a real Postgres: what it does, and what its guard refuses.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class QueueCoreTest {

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

    @Test
    void a_submitted_job_waits_in_the_queue_with_all_it_came_with() {
        var job = db.aJob();

        db.jobs.submit(TENANT, List.of(job));

        var row = db.read(job.id());
        assertThat(row.status()).isEqualTo(JobStatus.QUEUED);
        assertThat(row.place()).isEqualTo(TokenPlace.QUEUE);
        assertThat(row.tags()).containsExactly("shop", "two, words");
        assertThat(row.metadata()).isEqualTo("{\"order\": \"A-17\"}");
        assertThat(row.revision()).isEqualTo(5_000);
    }

    @Test
    void many_jobs_are_accepted_together_or_not_at_all() {
        var first = db.aJob();
        var second = db.aJob();
        db.jobs.submit(TENANT, List.of(first));

        assertThatThrownBy(() -> db.jobs.submit(TENANT, List.of(second, first)))
                .isInstanceOf(DuplicateKeyException.class);

        assertThat(db.jobs.find(TENANT, second.id())).isEmpty();
    }

    @Test
    void a_job_of_another_tenant_is_not_there() {
        var job = db.aWaitingJob();

        assertThat(db.jobs.find(2, job)).isEmpty();
        assertThat(db.jobs.cancel(2, job)).isInstanceOf(Cancellation.NotLive.class);
    }

    @Test
    void a_scheduled_job_waits_for_its_time_and_is_then_promoted() {
        var job = Database.with(db.aJob(), Instant.now().plusSeconds(3_600), null);
        db.jobs.submit(TENANT, List.of(job));
        assertThat(db.leader.promote(100)).doesNotContain(job.id());
        assertThat(db.read(job.id()).status()).isEqualTo(JobStatus.SCHEDULED);

        db.execute("UPDATE delayed SET due_at = now() WHERE job_id = '%s'".formatted(job.id()));

        assertThat(db.leader.promote(100)).contains(job.id());
        assertThat(db.read(job.id()).status()).isEqualTo(JobStatus.QUEUED);
    }

    @Test
    void an_assigned_job_is_on_its_worker_and_nowhere_else() {
        var job = db.aWaitingJob();
        long worker = db.aWorker("gpu-a");
        var group = db.leader.groups().getFirst();

        var assigned = db.leader.assign(List.of(new Assigning(group, job, worker)));

        assertThat(assigned).hasSize(1);
        assertThat(assigned.getFirst().lease()).isEqualTo(new LeaseKey(job, 1, worker));
        assertThat(assigned.getFirst().graph()).contains("EmptyImage");
        assertThat(db.leader.assign(List.of(new Assigning(group, job, worker)))).isEmpty();
        assertThat(db.read(job).phase()).isEqualTo("assigned");
    }

    @Test
    void a_worker_that_is_gone_is_assigned_nothing_and_the_job_waits_on() {
        var job = db.aWaitingJob();
        long worker = db.aWorker("gpu-gone");
        var group = db.leader.groups().getFirst();
        db.workers.leave(worker);

        assertThat(db.leader.assign(List.of(new Assigning(group, job, worker)))).isEmpty();

        assertThat(db.read(job).place()).isEqualTo(TokenPlace.QUEUE);
    }

    /// Otherwise each read is planned anew, for five times the cost of reading.
    @Test
    void reads_of_a_job_are_planned_once_for_all_jobs() {
        var job = db.aWaitingJob();

        try (var one = new SingleConnectionDataSource(db.url, true)) {
            var jdbc = JdbcClient.create(one);
            var jobs = new JobStore(jdbc);
            for (int i = 0; i < 20; i++) {
                assertThat(jobs.find(TENANT, job)).isPresent();
            }
            assertThat(
                            jdbc.sql(
                                            """
                                            SELECT generic_plans FROM pg_prepared_statements
                                            WHERE statement LIKE '%FROM (SELECT * FROM job WHERE id%'
                                            """)
                                    .query(Integer.class)
                                    .single())
                    .isPositive();
        }
    }

    @Test
    void a_job_past_its_start_deadline_is_never_assigned_and_expires() {
        var job = Database.with(db.aJob(), null, Instant.now().minusSeconds(1));
        db.jobs.submit(TENANT, List.of(job));
        var group = db.leader.groups().getFirst();

        assertThat(db.leader.assign(List.of(new Assigning(group, job.id(), db.aWorker("gpu-b")))))
                .isEmpty();

        assertThat(db.leader.expire(100, ERROR, ERROR)).containsExactly(job.id());
        var row = db.read(job.id());
        assertThat(row.status()).isEqualTo(JobStatus.EXPIRED);
        assertThat(row.errorCode()).isEqualTo("start_deadline_exceeded");
    }

    @Test
    void the_heads_of_a_group_come_in_order_of_submission() {
        var first = db.aWaitingJob();
        var second = db.aWaitingJob();

        var heads = db.leader.heads(db.leader.groups(), 1_000).stream().map(h -> h.job()).toList();

        assertThat(heads).containsSubsequence(first, second);
    }

    @Test
    void nobody_looks_at_heads_before_the_place_from_which_they_are_asked_for() {
        var first = db.aWaitingJob();
        var second = db.aWaitingJob();
        var group = db.leader.groups().getFirst();

        var heads = db.leader.heads(Map.of(group, first), 1_000).stream().map(h -> h.job());

        assertThat(heads).contains(second).doesNotContain(first);
    }

    @Test
    void what_the_leader_knows_of_a_tenant_is_kept_for_the_next_one() {
        long before = tenant().usedMs();

        db.leader.keepVirtualTimes(Map.of(TENANT, 12.5, 99, 3.0));
        db.leader.addUsage(Map.of(TENANT, 700L));
        db.leader.addUsage(Map.of(TENANT, 300L));

        assertThat(tenant().vtime()).isEqualTo(12.5);
        assertThat(tenant().usedMs()).isEqualTo(before + 1_000);
    }

    @Test
    void how_long_jobs_of_a_class_take_is_a_guess_until_it_is_learned() {
        int id =
                db.classes.idOf(
                        new JobClass("a", List.of(), List.of("A"), 0, JobClass.DEFAULT_POOL));
        assertThat(db.leader.estimates(List.of(id))).containsEntry(id, Estimate.GUESS);

        var learned = Estimate.GUESS.afterRun(2_000).afterLoadAndRun(7_000);
        db.leader.keepEstimates(Map.of(id, learned));

        assertThat(learned.runMs()).isEqualTo(2_000);
        assertThat(learned.loadMs()).isEqualTo(7_250);
        assertThat(db.leader.estimates(List.of(id))).containsEntry(id, learned);
    }

    @Test
    void only_jobs_that_succeeded_tell_how_long_they_ran() {
        var lease = db.aRunningJob();
        assertThat(db.leader.runs(List.of(lease.job()))).isEmpty();

        db.leases.complete(lease, db.aResult(lease));

        assertThat(db.leader.runs(List.of(lease.job())))
                .extracting(LeaderStore.Run::gpuMs)
                .containsExactly(db.aResult(lease).gpuMs());
    }

    private TenantRow tenant() {
        return db.leader.tenants().stream().filter(t -> t.id() == TENANT).findFirst().orElseThrow();
    }

    @Test
    void a_completion_is_recorded_once() {
        var lease = db.aRunningJob();

        assertThat(db.leases.complete(lease, db.aResult(lease))).isEqualTo(Completion.RECORDED);
        assertThat(db.leases.complete(lease, db.aResult(lease))).isEqualTo(Completion.STALE);

        var row = db.read(lease.job());
        assertThat(row.status()).isEqualTo(JobStatus.SUCCEEDED);
        assertThat(row.startedAt()).isNotNull();
        assertThat(db.leases.ended(lease).orElseThrow().state()).isEqualTo(JobState.SUCCEEDED);
    }

    @Test
    void a_completion_of_an_older_epoch_or_another_worker_changes_nothing() {
        var lease = db.aRunningJob();
        var before = db.read(lease.job());

        assertThat(
                        db.leases.complete(
                                new LeaseKey(lease.job(), 0, lease.worker()), db.aResult(lease)))
                .isEqualTo(Completion.STALE);
        assertThat(
                        db.leases.complete(
                                new LeaseKey(lease.job(), 1, lease.worker() + 1),
                                db.aResult(lease)))
                .isEqualTo(Completion.STALE);
        assertThat(
                        db.leases.fail(
                                new LeaseKey(lease.job(), 0, lease.worker()),
                                ErrorCode.NODE_EXECUTION_ERROR,
                                ERROR))
                .isEqualTo(Failing.STALE);
        db.leases.release(new LeaseKey(lease.job(), 1, lease.worker() + 1));

        assertThat(db.read(lease.job())).isEqualTo(before);
    }

    @Test
    void a_late_success_does_not_overwrite_a_cancel() {
        var lease = db.aRunningJob();

        assertThat(db.jobs.cancel(TENANT, lease.job()))
                .isEqualTo(
                        new Cancellation.Canceled(
                                new Running(lease, (int) (lease.worker() % 128))));
        assertThat(db.read(lease.job()).status()).isEqualTo(JobStatus.CANCELED);
        assertThat(db.leases.complete(lease, db.aResult(lease)))
                .isEqualTo(Completion.CANCELED_MEANWHILE);

        var row = db.read(lease.job());
        assertThat(row.status()).isEqualTo(JobStatus.CANCELED);
        assertThat(row.result()).isNull();
    }

    @Test
    void a_late_failure_does_not_overwrite_a_cancel() {
        var lease = db.aRunningJob();
        db.jobs.cancel(TENANT, lease.job());

        assertThat(db.leases.fail(lease, ErrorCode.NODE_EXECUTION_ERROR, ERROR))
                .isEqualTo(Failing.CANCELED_MEANWHILE);

        assertThat(db.read(lease.job()).status()).isEqualTo(JobStatus.CANCELED);
    }

    @Test
    void a_job_is_canceled_wherever_its_token_is_and_only_once() {
        var queued = db.aWaitingJob();
        var delayed = Database.with(db.aJob(), Instant.now().plusSeconds(3_600), null);
        db.jobs.submit(TENANT, List.of(delayed));
        var assigned = db.anAssignedJob();

        for (var job : List.of(queued, delayed.id(), assigned.job())) {
            assertThat(db.jobs.cancel(TENANT, job)).isInstanceOf(Cancellation.Canceled.class);
            assertThat(db.jobs.cancel(TENANT, job)).isInstanceOf(Cancellation.NotLive.class);
            assertThat(db.read(job).status()).isEqualTo(JobStatus.CANCELED);
        }
        assertThat(
                        db.workers
                                .heartbeat(
                                        assigned.worker(),
                                        new WorkerStore.Standing(true, null, null),
                                        List.of())
                                .orElseThrow()
                                .held())
                .singleElement()
                .matches(held -> held.canceled());
        db.leases.release(assigned);
        assertThat(
                        db.workers
                                .heartbeat(
                                        assigned.worker(),
                                        new WorkerStore.Standing(true, null, null),
                                        List.of())
                                .orElseThrow()
                                .held())
                .isEmpty();
    }

    @Test
    void a_finished_job_cannot_be_canceled() {
        var lease = db.aRunningJob();
        db.leases.complete(lease, db.aResult(lease));

        assertThat(db.jobs.cancel(TENANT, lease.job())).isInstanceOf(Cancellation.NotLive.class);

        assertThat(db.read(lease.job()).status()).isEqualTo(JobStatus.SUCCEEDED);
    }

    @Test
    void a_retryable_failure_waits_longer_each_time_and_the_third_ends_the_job() {
        var lease = db.aRunningJob();

        assertThat(db.leases.fail(lease, ErrorCode.TRANSIENT, ERROR)).isEqualTo(Failing.DELAYED);
        var first = db.read(lease.job());
        assertThat(first.phase()).isEqualTo("backoff");
        assertThat(waitOf(first.id())).isBetween(3.0, 6.5);
        lease = again(lease);
        assertThat(db.leases.fail(lease, ErrorCode.TRANSIENT, ERROR)).isEqualTo(Failing.DELAYED);
        assertThat(waitOf(first.id())).isBetween(14.0, 26.0);
        lease = again(lease);
        assertThat(lease.epoch()).isEqualTo(3);
        assertThat(db.leases.fail(lease, ErrorCode.TRANSIENT, ERROR)).isEqualTo(Failing.ENDED);

        assertThat(db.read(lease.job()).status()).isEqualTo(JobStatus.FAILED);
    }

    @Test
    void a_failure_that_would_repeat_ends_the_job_at_once() {
        var lease = db.aRunningJob();

        assertThat(db.leases.fail(lease, ErrorCode.INVALID_WORKFLOW, ERROR))
                .isEqualTo(Failing.ENDED);

        assertThat(db.read(lease.job()).errorCode()).isEqualTo("invalid_workflow");
    }

    @Test
    void a_released_job_waits_again_and_nothing_is_counted() {
        var lease = db.anAssignedJob();

        db.leases.release(lease);

        var row = db.read(lease.job());
        assertThat(row.status()).isEqualTo(JobStatus.QUEUED);
        assertThat(row.failures() + row.losses()).isZero();
        assertThat(db.assign(lease.job(), lease.worker()).epoch()).isEqualTo(2);
    }

    @Test
    void the_leases_of_a_worker_that_is_gone_are_taken_back_and_no_others() {
        var lost = db.aRunningJob();
        var kept = db.aRunningJob();
        db.workers.leave(lost.worker());

        var reaped = db.leader.reap(ERROR);

        assertThat(reaped).extracting(r -> r.lease()).contains(lost).doesNotContain(kept);
        assertThat(db.read(lost.job()).losses()).isEqualTo(1);
        assertThat(db.leases.complete(lost, db.aResult(lost))).isEqualTo(Completion.STALE);
        assertThat(db.read(kept.job()).status()).isEqualTo(JobStatus.RUNNING);
    }

    @Test
    void what_only_waited_behind_another_job_is_not_blamed_for_the_loss_of_its_worker() {
        long worker = db.aWorker("gpu-behind");
        var first = db.assign(db.aWaitingJob(), worker);
        var behind = db.assign(db.aWaitingJob(), worker);
        var begun = db.assign(db.aWaitingJob(), worker);
        db.report(begun, LeaseStage.RUNNING, 0.1);
        db.workers.leave(worker);

        db.leader.reap(ERROR);

        assertThat(db.read(first.job()).losses()).isEqualTo(1);
        assertThat(db.read(behind.job()).losses()).isZero();
        assertThat(db.read(begun.job()).losses()).isEqualTo(1);
    }

    @Test
    void what_waits_behind_files_that_are_being_stored_is_first_in_turn() {
        long worker = db.aWorker("gpu-storing");
        var storing = db.assign(db.aWaitingJob(), worker);
        var next = db.assign(db.aWaitingJob(), worker);
        db.report(storing, LeaseStage.STORING, 1);
        db.workers.leave(worker);

        db.leader.reap(ERROR);

        assertThat(db.read(next.job()).losses()).isEqualTo(1);
    }

    @Test
    void what_was_given_to_a_worker_that_was_dead_already_is_not_blamed_for_its_loss() {
        var lease = db.anAssignedJob();
        db.workers.leave(lease.worker());

        db.leader.reap(ERROR);

        assertThat(db.read(lease.job()).losses()).isZero();
        assertThat(again(lease).epoch()).isEqualTo(2);
    }

    @Test
    void a_job_that_three_workers_were_lost_with_is_suspected_and_fails() {
        var lease = db.aRunningJob();
        for (int i = 0; i < 2; i++) {
            db.workers.leave(lease.worker());
            db.leader.reap(ERROR);
            lease = again(lease);
            db.report(lease, LeaseStage.ASSIGNED, 0);
        }
        db.workers.leave(lease.worker());
        db.leader.reap(ERROR);

        var row = db.read(lease.job());
        assertThat(row.status()).isEqualTo(JobStatus.FAILED);
        assertThat(row.errorCode()).isEqualTo("poison_suspected");
    }

    @Test
    void a_canceled_lease_of_a_lost_worker_just_goes() {
        var lease = db.aRunningJob();
        db.jobs.cancel(TENANT, lease.job());
        db.workers.leave(lease.worker());

        db.leader.reap(ERROR);

        assertThat(db.read(lease.job()).status()).isEqualTo(JobStatus.CANCELED);
        assertThat(db.leader.leases()).extracting(l -> l.key()).doesNotContain(lease);
    }

    @Test
    void a_worker_that_was_silent_too_long_is_gone_and_is_told_so() {
        long worker = db.aWorker("silent");
        db.execute("UPDATE worker SET last_seen = now() - interval '31 s' WHERE id = " + worker);

        assertThat(db.leader.markSilentWorkersGone(Duration.ofSeconds(30))).contains("silent");

        assertThat(
                        db.workers.heartbeat(
                                worker, new WorkerStore.Standing(true, null, null), List.of()))
                .isEmpty();
    }

    @Test
    void a_newer_process_of_the_same_name_evicts_the_older() {
        long older = db.aWorker("gpu-same");
        long newer = db.aWorker("gpu-same");

        assertThat(
                        db.workers.heartbeat(
                                older, new WorkerStore.Standing(true, null, null), List.of()))
                .isEmpty();
        assertThat(
                        db.workers.heartbeat(
                                newer, new WorkerStore.Standing(true, null, null), List.of()))
                .isPresent();
    }

    @Test
    void a_heartbeat_tells_a_worker_of_an_assignment_it_missed() {
        var lease = db.anAssignedJob();

        var held =
                db.workers
                        .heartbeat(
                                lease.worker(),
                                new WorkerStore.Standing(true, null, null),
                                List.of())
                        .orElseThrow()
                        .held();

        assertThat(held).extracting(h -> h.lease()).containsExactly(lease);
        assertThat(db.leases.assignment(lease).orElseThrow().graph()).contains("SaveImage");
        assertThat(db.leases.assignment(new LeaseKey(lease.job(), 7, lease.worker()))).isEmpty();
    }

    @Test
    void a_heartbeat_about_a_lease_of_another_epoch_changes_nothing() {
        var lease = db.anAssignedJob();

        db.report(new LeaseKey(lease.job(), 9, lease.worker()), LeaseStage.RUNNING, 0.9);

        assertThat(db.read(lease.job()).phase()).isEqualTo("assigned");
    }

    @Test
    void the_revision_never_falls_through_a_life_of_failure_and_success() {
        var job = db.aWaitingJob();
        long last = db.read(job).revision();
        var lease = db.assign(job, db.aWorker("rev"));
        last = rises(job, last);
        db.report(lease, LeaseStage.RUNNING, 0.1);
        last = rises(job, last);
        db.report(lease, LeaseStage.STORING, 1);
        last = rises(job, last);
        db.leases.fail(lease, ErrorCode.OUTPUT_UPLOAD_FAILED, ERROR);
        last = rises(job, last);
        lease = again(lease);
        last = rises(job, last);
        db.leases.complete(lease, db.aResult(lease));
        rises(job, last);
    }

    @Test
    void jobs_are_listed_newest_first_by_status() {
        var waiting = db.aWaitingJob();
        var running = db.aRunningJob().job();

        assertThat(ids(JobFilter.NONE, null, 2)).containsExactly(running, waiting);
        assertThat(ids(JobFilter.of(JobStatus.RUNNING), null, 1)).containsExactly(running);
        assertThat(ids(JobFilter.of(JobStatus.QUEUED), running, 1)).containsExactly(waiting);
    }

    @Test
    void an_idempotency_key_stands_for_one_request() {
        var id = Database.newId().value();
        var body = new byte[] {1};

        assertThat(db.idempotency.claim(TENANT, "POST /jobs", "k", body, id))
                .isInstanceOf(dev.comfyapi.db.job.IdempotencyStore.Claim.First.class);
        assertThat(db.idempotency.claim(TENANT, "POST /jobs", "k", body, Database.newId().value()))
                .isEqualTo(new dev.comfyapi.db.job.IdempotencyStore.Claim.Replay(id));
        assertThat(db.idempotency.claim(TENANT, "POST /jobs", "k", new byte[] {2}, id))
                .isInstanceOf(dev.comfyapi.db.job.IdempotencyStore.Claim.Reused.class);
        assertThat(db.idempotency.claim(2, "POST /jobs", "k", new byte[] {2}, id))
                .isInstanceOf(dev.comfyapi.db.job.IdempotencyStore.Claim.First.class);
    }

    @Test
    void an_idempotency_key_is_free_again_after_a_day() {
        var body = new byte[] {1};
        db.idempotency.claim(TENANT, "POST /jobs", "old", body, Database.newId().value());
        db.execute("UPDATE idempotency SET created_at = now() - interval '25 h' WHERE key = 'old'");

        assertThat(
                        db.idempotency.claim(
                                TENANT,
                                "POST /jobs",
                                "old",
                                new byte[] {2},
                                Database.newId().value()))
                .isInstanceOf(dev.comfyapi.db.job.IdempotencyStore.Claim.First.class);
        assertThat(db.idempotency.forgetOld(100)).isZero();
    }

    @Test
    void a_day_whose_rows_wait_in_the_default_partition_does_not_keep_others_from_being_made() {
        var later = Instant.now().plus(Duration.ofDays(40));
        var early =
                new JobId(
                        new java.util.UUID(
                                later.toEpochMilli() << 16 | 0x7000,
                                java.util.UUID.randomUUID().getLeastSignificantBits()));
        var job = db.aJob();
        db.execute(
                """
                WITH j AS (
                    INSERT INTO job (id, tenant_id, class_id, band, graph) VALUES ('%s', 1, %d, 2, '{}') RETURNING id)
                INSERT INTO queue (tenant_id, class_id, band, job_id) SELECT 1, %d, 2, id FROM j
                """
                        .formatted(early, job.classId(), job.classId()));

        var made =
                db.jdbc
                        .sql("SELECT make_job_partitions((now() AT TIME ZONE 'UTC')::date + 39, 3)")
                        .query((rs, _) -> rs.getInt(1))
                        .single();

        assertThat(made).isEqualTo(2);
        assertThat(db.read(early).status()).isEqualTo(JobStatus.QUEUED);
    }

    @Test
    void every_column_says_what_it_is_for() {
        var silent =
                db.jdbc
                        .sql(
                                """
                                SELECT c.relname || '.' || a.attname
                                FROM pg_class c
                                JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
                                JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                                WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
                                  AND c.relname <> 'flyway_schema_history'
                                  AND col_description(c.oid, a.attnum) IS NULL
                                """)
                        .query((rs, _) -> rs.getString(1))
                        .list();

        assertThat(silent).isEmpty();
    }

    @Test
    void a_job_of_today_is_kept_in_its_own_partition() {
        var job = db.aWaitingJob();

        var table =
                db.jdbc
                        .sql("SELECT tableoid::regclass::text FROM job WHERE id = :id")
                        .param("id", job.value())
                        .query((rs, _) -> rs.getString(1))
                        .single();

        assertThat(table).matches("job_\\d{8}");
    }

    private long rises(JobId job, long last) {
        long now = db.read(job).revision();
        assertThat(now).isGreaterThan(last);
        return now;
    }

    private LeaseKey again(LeaseKey lease) {
        db.execute("UPDATE delayed SET due_at = now() WHERE job_id = '%s'".formatted(lease.job()));
        db.leader.promote(1_000);
        return db.assign(lease.job(), db.aWorker("again-" + Database.newId()));
    }

    private double waitOf(JobId job) {
        return db.jdbc
                .sql("SELECT extract(epoch FROM due_at - now()) FROM delayed WHERE job_id = :id")
                .param("id", job.value())
                .query((rs, _) -> rs.getDouble(1))
                .single();
    }

    private List<JobId> ids(JobFilter filter, @Nullable JobId after, int limit) {
        return db
                .jobs
                .list(TENANT, filter, new Part(Order.NEWEST_FIRST, after, limit))
                .jobs()
                .stream()
                .map(row -> row.id())
                .toList();
    }
}
