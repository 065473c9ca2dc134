package dev.comfyapi.db;

import static dev.comfyapi.db.Database.TENANT;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.db.job.ErasureStore;
import dev.comfyapi.db.job.ErasureStore.Erasing;
import dev.comfyapi.db.job.JobFilter;
import dev.comfyapi.db.job.JobStore.Order;
import dev.comfyapi.db.job.JobStore.Part;
import dev.comfyapi.db.job.RetentionStore;
import dev.comfyapi.db.job.StrayStore;
import dev.comfyapi.db.job.StrayStore.Folder;
import dev.comfyapi.model.job.ErrorCode;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.JobStatus;
import dev.comfyapi.model.job.LeaseKey;
import dev.comfyapi.model.job.LeaseStage;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.sql.DriverManager;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;

/// What is kept how long, and what a client may have erased.
class RetentionTest {

    private static final Duration DAY = Duration.ofDays(1);

    private final Database db = new Database();
    private final RetentionStore retention = new RetentionStore(db.jdbc);
    private final ErasureStore erasures = new ErasureStore(db.jdbc);
    private final StrayStore strays = new StrayStore(db.jdbc);

    @AfterEach
    void no_invariant_is_broken() {
        assertThat(db.invariants.broken()).isEmpty();
    }

    private JobId aSucceededJob() {
        var lease = db.aRunningJob();
        db.leases.complete(lease, db.aResult(lease));
        return lease.job();
    }

    /// Moves a job so far into the past, its end as well when it has one.
    private void age(JobId job, Duration by) {
        db.execute(
                """
                UPDATE job SET created_at = created_at - interval '%1$d s', expires_at = expires_at - interval '%1$d s',
                               finished_at = finished_at - interval '%1$d s'
                WHERE id = '%2$s'
                """
                        .formatted(by.toSeconds(), job));
    }

    private void keepFor(JobId job, Duration time) {
        db.execute(
                "UPDATE job SET expires_at = created_at + interval '%d s' WHERE id = '%s'"
                        .formatted(time.toSeconds(), job));
    }

    private List<JobId> expired() {
        return retention.expired(null, 100).stream().map(RetentionStore.Expired::id).toList();
    }

    @Test
    void an_ended_job_goes_when_its_time_is_over_and_not_before() {
        var job = aSucceededJob();
        keepFor(job, DAY);

        age(job, DAY.minusMinutes(1));
        assertThat(expired()).isEmpty();
        assertThat(retention.remove(List.of(job))).isZero();
        age(job, Duration.ofMinutes(2));

        assertThat(expired()).containsExactly(job);
        assertThat(retention.remove(List.of(job))).isEqualTo(1);
        assertThat(retention.remove(List.of(job))).isZero();
        assertThat(db.jobs.find(TENANT, job)).isEmpty();
    }

    @Test
    void a_job_that_waited_long_is_kept_for_its_time_after_its_end() {
        var lease = db.aRunningJob();
        keepFor(lease.job(), DAY);
        age(lease.job(), Duration.ofDays(3));
        assertThat(expired()).isEmpty();
        db.leases.complete(lease, db.aResult(lease));

        assertThat(expired()).isEmpty();
        assertThat(db.read(lease.job()).expiresAt())
                .isBetween(
                        Instant.now().plus(DAY).minusSeconds(60),
                        Instant.now().plus(DAY).plusSeconds(60));
        age(lease.job(), DAY);
        assertThat(expired()).containsExactly(lease.job());
    }

    @Test
    void a_live_job_is_never_removed_nor_one_that_a_worker_has_to_let_go() {
        var waiting = db.aWaitingJob();
        var running = db.aRunningJob();
        var canceled = db.aRunningJob();
        db.jobs.cancel(TENANT, canceled.job());
        for (var job : List.of(waiting, running.job(), canceled.job())) {
            keepFor(job, DAY);
            age(job, Duration.ofDays(30));
        }

        assertThat(expired()).isEmpty();
        assertThat(retention.remove(List.of(waiting, running.job(), canceled.job()))).isZero();
        db.leases.release(canceled);
        assertThat(expired()).containsExactly(canceled.job());
        assertThat(retention.remove(expired())).isEqualTo(1);
    }

    @Test
    void a_job_with_an_open_delivery_waits_for_it_but_not_for_ever() {
        var job = aSucceededJob();
        keepFor(job, Duration.ofMinutes(1));
        age(job, DAY);
        db.execute(
                """
                INSERT INTO webhook_delivery (tenant_id, lane, url, event, subject_id, happened_at)
                VALUES (1, gen_random_uuid(), 'https://app.example/', 1, '%s', now())
                """
                        .formatted(job));

        assertThat(expired()).isEmpty();
        age(job, Duration.ofDays(3));
        assertThat(expired()).containsExactly(job);
        assertThat(retention.remove(List.of(job))).isEqualTo(1);
    }

    @Test
    void a_page_begins_where_the_last_one_ended_whatever_became_of_it() {
        var jobs = List.of(aSucceededJob(), aSucceededJob(), aSucceededJob());
        for (var job : jobs) {
            db.execute(
                    """
                    UPDATE job SET created_at = '2020-01-01Z', finished_at = '2020-01-01Z', expires_at = '2020-01-02Z'
                    WHERE id = '%s'
                    """
                            .formatted(job));
        }

        var first = retention.expired(null, 2);
        var second = retention.expired(first.getLast(), 2);

        assertThat(first).extracting(RetentionStore.Expired::id).isSubsetOf(jobs).hasSize(2);
        assertThat(second).hasSize(1).doesNotContainAnyElementsOf(first);
        retention.remove(jobs);
    }

    private JobId aJobOf(String day) {
        long time = Instant.parse(day + "T12:00:00Z").toEpochMilli();
        return new JobId(
                new UUID(time << 16 | 0x7000, UUID.randomUUID().getLeastSignificantBits()));
    }

    private void insert(JobId job, int state) {
        db.execute(
                """
                INSERT INTO job (id, tenant_id, class_id, band, graph, state, finished_at, created_at, expires_at)
                VALUES ('%1$s', 1, %2$d, 2, '{}', %3$d, CASE WHEN %3$d <> 0 THEN timestamptz '2020-03-04Z' END,
                        '2020-03-04Z', '2020-03-05Z')
                """
                        .formatted(job, db.aJob().classId(), state));
    }

    private boolean exists(String table) {
        return db.jdbc
                .sql("SELECT to_regclass(:table) IS NOT NULL")
                .param("table", table)
                .query(Boolean.class)
                .single();
    }

    @Test
    void a_day_is_dropped_when_its_last_job_is_gone() {
        db.execute("DO $$ BEGIN PERFORM make_job_partitions('2020-03-03', 2); END $$");
        var canceled = aJobOf("2020-03-04");
        var live = aJobOf("2020-03-03");
        insert(canceled, 3);
        insert(live, 0);
        db.execute(
                "INSERT INTO queue (tenant_id, class_id, band, job_id) SELECT tenant_id, class_id, band, id FROM job WHERE id = '%s'"
                        .formatted(live));

        assertThat(retention.dropEmptyDay()).isEmpty();
        retention.remove(List.of(canceled, live));

        assertThat(retention.dropEmptyDay()).contains("job_20200304");
        assertThat(retention.dropEmptyDay()).isEmpty();
        assertThat(exists("job_20200304")).isFalse();
        assertThat(db.read(live).status()).isEqualTo(JobStatus.QUEUED);
        assertThat(retention.makeDays(3)).isZero();
        db.jobs.cancel(TENANT, live);
        assertThat(retention.remove(List.of(live))).isEqualTo(0);
    }

    @Test
    void a_job_whose_day_was_dropped_is_kept_in_the_default_partition_and_goes_like_others() {
        var late = aJobOf("2020-03-04");
        insert(late, 3);

        assertThat(db.read(late).status()).isEqualTo(JobStatus.CANCELED);
        assertThat(expired()).containsExactly(late);
        assertThat(retention.remove(expired())).isEqualTo(1);
    }

    @Test
    void a_day_in_use_is_not_waited_for_long_and_dropped_the_next_time() throws Exception {
        db.execute("DO $$ BEGIN PERFORM make_job_partitions('2020-03-04', 1); END $$");
        try (var reader = DriverManager.getConnection(db.url);
                var statement = reader.createStatement()) {
            reader.setAutoCommit(false);
            statement.execute("SELECT count(*) FROM job");

            long start = System.nanoTime();
            assertThat(retention.dropEmptyDay()).isEmpty();
            assertThat(Duration.ofNanos(System.nanoTime() - start))
                    .isLessThan(Duration.ofSeconds(2));
            assertThat(db.read(db.aWaitingJob()).status()).isEqualTo(JobStatus.QUEUED);
            reader.rollback();
        }

        assertThat(retention.dropEmptyDay()).contains("job_20200304");
    }

    @Test
    void erasing_leaves_of_a_job_its_id_times_and_usage() {
        var job = aSucceededJob();
        var before = db.read(job);

        assertThat(erasures.erase(TENANT, job)).isEqualTo(Erasing.ERASED);
        var after = db.read(job);
        assertThat(erasures.erase(TENANT, job)).isEqualTo(Erasing.ERASED);

        assertThat(after.erasedAt()).isNotNull().isEqualTo(db.read(job).erasedAt());
        assertThat(after.status()).isEqualTo(JobStatus.SUCCEEDED);
        assertThat(after.params()).isNull();
        assertThat(after.result()).isNull();
        assertThat(after.metadata()).isEqualTo("{}");
        assertThat(after.tags()).isEmpty();
        assertThat(db.jobs.findGraph(TENANT, job)).contains("");
        assertThat(after.createdAt()).isEqualTo(before.createdAt());
        assertThat(after.finishedAt()).isEqualTo(before.finishedAt());
        assertThat(after.gpuMs()).isEqualTo(before.gpuMs());
        assertThat(after.revision()).isGreaterThan(before.revision());
        assertThat(
                        db.jobs
                                .list(
                                        TENANT,
                                        JobFilter.NONE,
                                        new Part(Order.NEWEST_FIRST, null, 10))
                                .jobs())
                .hasSize(1);
        assertThat(erasures.unfinished(10)).containsExactly(new ErasureStore.Unfinished(job, 1));
        erasures.finish(job);
        assertThat(erasures.unfinished(10)).isEmpty();
    }

    @Test
    void a_failed_job_keeps_its_code_and_loses_what_was_said() {
        var lease = db.aRunningJob();
        db.leases.fail(lease, ErrorCode.INVALID_WORKFLOW, "{\"message\": \"the fox is naked\"}");

        assertThat(erasures.erase(TENANT, lease.job())).isEqualTo(Erasing.ERASED);

        assertThat(db.read(lease.job()).errorCode()).isEqualTo("invalid_workflow");
        assertThat(db.read(lease.job()).error()).isNull();
        assertThat(db.jobs.attempts(TENANT, lease.job()))
                .isNotEmpty()
                .allMatch(attempt -> attempt.error() == null);
        keepFor(lease.job(), Duration.ofMinutes(1));
        age(lease.job(), DAY);
        assertThat(retention.remove(List.of(lease.job()))).isEqualTo(1);
        assertThat(db.jdbc.sql("SELECT count(*) FROM attempt").query(Integer.class).single())
                .isZero();
    }

    @Test
    void nothing_is_erased_of_live_jobs_or_for_other_tenants() {
        var job = aSucceededJob();
        var live = db.aRunningJob().job();

        assertThat(erasures.erase(2, job)).isEqualTo(Erasing.ABSENT);
        assertThat(erasures.erase(TENANT, Database.newId())).isEqualTo(Erasing.ABSENT);
        assertThat(erasures.erase(TENANT, live)).isEqualTo(Erasing.LIVE);

        assertThat(db.read(job).result()).isNotNull();
        assertThat(db.read(live).params()).isNotNull();
        assertThat(erasures.unfinished(10)).isEmpty();
    }

    @Test
    void an_erasure_is_not_finished_while_a_worker_may_still_store() {
        var lease = db.aRunningJob();
        db.jobs.cancel(TENANT, lease.job());
        erasures.erase(TENANT, lease.job());

        erasures.finish(lease.job());
        assertThat(erasures.unfinished(10)).isEmpty();
        db.leases.complete(lease, db.aResult(lease));

        assertThat(erasures.unfinished(10)).hasSize(1);
        assertThat(db.read(lease.job()).result()).isNull();
        assertThat(db.read(lease.job()).status()).isEqualTo(JobStatus.CANCELED);
        erasures.finish(lease.job());
        assertThat(erasures.unfinished(10)).isEmpty();
    }

    @Test
    void what_a_worker_still_holds_brings_nothing_back() {
        var lease = db.aRunningJob();
        db.leases.complete(lease, db.aResult(lease));
        erasures.erase(TENANT, lease.job());

        db.leases.complete(lease, db.aResult(lease));
        db.leases.fail(lease, ErrorCode.INTERNAL, "{\"message\": \"fox\"}");
        db.report(lease, LeaseStage.STORING, 1);

        assertThat(db.read(lease.job()).result()).isNull();
        assertThat(db.read(lease.job()).error()).isNull();
    }

    @Test
    void folders_of_live_jobs_and_of_the_attempt_that_succeeded_are_no_strays() {
        var live = db.aRunningJob();
        var done = aSucceededJob();
        var erased = aSucceededJob();
        erasures.erase(TENANT, erased);
        var lost = new Folder(TENANT, done.value(), 2);
        var all =
                List.of(
                        folder(live),
                        new Folder(TENANT, live.job().value(), 7),
                        new Folder(TENANT, done.value(), 1),
                        lost,
                        new Folder(2, done.value(), 1),
                        new Folder(TENANT, erased.value(), 1),
                        new Folder(TENANT, UUID.randomUUID(), 1),
                        new Folder(TENANT, UUID.randomUUID(), 0));

        assertThat(strays.stray(all, DAY)).isEmpty();
        assertThat(strays.stray(all, DAY)).isEmpty();
        db.execute("UPDATE stray_folder SET seen_at = seen_at - interval '25 h'");

        assertThat(strays.stray(all, DAY)).containsExactlyInAnyOrderElementsOf(all.subList(3, 8));
        strays.forget(all);
        assertThat(strays.stray(all, DAY)).isEmpty();
    }

    @Test
    void a_stray_that_is_known_again_begins_anew() {
        var job = aSucceededJob();
        var folder = List.of(new Folder(TENANT, job.value(), 1));
        db.execute(
                "INSERT INTO stray_folder VALUES (1, '%s', 1, now() - interval '9 days')"
                        .formatted(job));

        assertThat(strays.stray(folder, DAY)).isEmpty();
        keepFor(job, Duration.ofMinutes(1));
        age(job, DAY);
        retention.remove(List.of(job));

        assertThat(strays.stray(folder, DAY)).isEmpty();
    }

    @Test
    void workers_that_ended_a_week_ago_are_forgotten_and_no_others() {
        long live = db.aWorker("live");
        long gone = db.aWorker("gone");
        long holding = db.aRunningJob().worker();
        long fresh = db.aWorker("fresh");
        db.execute("UPDATE worker SET gone = true WHERE id <> %d".formatted(live));
        db.execute(
                "UPDATE worker SET last_seen = now() - interval '8 days' WHERE id IN (%d, %d)"
                        .formatted(gone, live));

        assertThat(db.workers.forgetGone(100)).isEqualTo(1);
        assertThat(db.jdbc.sql("SELECT id FROM worker").query((rs, _) -> rs.getLong(1)).list())
                .containsExactlyInAnyOrder(live, holding, fresh);
        assertThat(db.workers.forgetCatalogues()).isZero();
        db.execute("DELETE FROM worker");
        db.execute("UPDATE catalogue SET seen_at = now() - interval '8 days'");
        assertThat(db.workers.forgetCatalogues()).isPositive();
        db.execute("DELETE FROM lease; UPDATE job SET state = 3, finished_at = now()");
    }

    private static Folder folder(LeaseKey lease) {
        return new Folder(TENANT, lease.job().value(), lease.epoch());
    }
}
