package dev.comfyapi.db;

import static dev.comfyapi.db.Database.TENANT;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.db.job.DeadLetterStore;
import dev.comfyapi.db.job.JobFilter;
import dev.comfyapi.db.job.JobRow;
import dev.comfyapi.db.job.JobStore.Order;
import dev.comfyapi.db.job.JobStore.Part;
import dev.comfyapi.db.job.LiveJobStore;
import dev.comfyapi.db.job.LiveJobStore.Canceled;
import dev.comfyapi.db.tenant.TenantStore;
import dev.comfyapi.db.tenant.TenantStore.Limits;
import dev.comfyapi.model.job.ErrorCode;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.JobStatus;
import dev.comfyapi.model.job.Priority;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Lists, many jobs at a time, and what tenants may do, on a real Postgres.
class JobListTest {

    private Database db = new Database();
    private LiveJobStore live = new LiveJobStore(db.jdbc);

    @BeforeEach
    void migrate() {
        db = new Database();
        live = new LiveJobStore(db.jdbc);
    }

    @AfterEach
    void no_invariant_is_broken() {
        assertThat(db.invariants.broken()).isEmpty();
    }

    private List<JobId> ids(JobFilter filter) {
        return db.jobs.list(TENANT, filter, new Part(Order.NEWEST_FIRST, null, 50)).jobs().stream()
                .map(JobRow::id)
                .toList();
    }

    /// Jobs that have ended, by one statement: so many would take minutes the usual way.
    ///
    /// @param shiftMs how much younger than now the first one is
    private void manyCanceled(int count, int shiftMs) {
        int _ =
                db.jdbc
                        .sql(
                                """
                                INSERT INTO job (id, tenant_id, class_id, band, state, finished_at, graph)
                                SELECT (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint + :shift + n), 12, '0')
                                        || '70008000000000000000')::uuid,
                                       1, 1, 2, 3, now(), '{}'
                                FROM generate_series(1, :count) n
                                """)
                        .param("count", count)
                        .param("shift", shiftMs)
                        .update();
    }

    @Test
    void a_filter_looks_at_ten_thousand_jobs_and_says_where_it_stopped() {
        var wanted = db.aRunningJob();
        db.leases.fail(wanted, ErrorCode.NO_OUTPUTS, "{}");
        // Its id is older than those of the many.
        db.execute("UPDATE job SET id = '00000000-0000-7000-8000-000000000001'");
        manyCanceled(15_000, -1_000_000);
        var filter = JobFilter.of(JobStatus.FAILED);

        var first = db.jobs.list(TENANT, filter, new Part(Order.NEWEST_FIRST, null, 50));
        var second =
                db.jobs.list(TENANT, filter, new Part(Order.NEWEST_FIRST, first.lookedTo(), 50));
        var oldest = db.jobs.list(TENANT, filter, new Part(Order.OLDEST_FIRST, null, 1));
        var all = db.jobs.list(TENANT, JobFilter.NONE, new Part(Order.NEWEST_FIRST, null, 50));

        assertThat(first.jobs()).isEmpty();
        assertThat(first.lookedTo()).isNotNull();
        assertThat(second.jobs()).hasSize(1);
        assertThat(second.lookedTo()).isNull();
        assertThat(oldest.jobs()).hasSize(1);
        assertThat(all.jobs()).hasSize(50);
        assertThat(all.lookedTo()).isNull();
    }

    @Test
    void what_an_index_answers_is_found_however_far_it_is() {
        var running = db.aRunningJob();
        var batch = Database.newId().value();
        var batched = inBatch(batch);
        manyCanceled(10_001, 1_000_000);

        assertThat(ids(JobFilter.of(JobStatus.RUNNING))).containsExactly(running.job());
        assertThat(ids(new JobFilter(List.of(), batch, null, Map.of(), null, null, null, null)))
                .containsExactly(batched);
        var walked = new ArrayList<JobId>();
        live.walkBatch(2, batch, walked::addAll);
        assertThat(walked).isEmpty();
        live.walkBatch(TENANT, batch, walked::addAll);
        assertThat(walked).containsExactly(batched);
    }

    private JobId inBatch(java.util.UUID batch) {
        var job = db.aWaitingJob();
        db.execute("UPDATE job SET batch_id = '%s' WHERE id = '%s'".formatted(batch, job));
        return job;
    }

    @Test
    void each_word_of_a_filter_counts() {
        var failed = db.aRunningJob();
        db.leases.fail(failed, ErrorCode.NO_OUTPUTS, "{}");
        var waiting = db.aWaitingJob();
        db.execute(
                """
                UPDATE job SET tags = '{x,"y, z"}', metadata = '{"a": "1", "b": "2"}' WHERE id = '%s'
                """
                        .formatted(waiting));
        var worker = db.read(failed.job()).worker();
        var now = Instant.now();

        assertThat(ids(JobFilter.NONE)).containsExactly(waiting, failed.job());
        assertThat(ids(tagged("y, z"))).containsExactly(waiting);
        assertThat(ids(tagged("y"))).isEmpty();
        assertThat(ids(with(Map.of("b", "2", "a", "1"), null, null))).containsExactly(waiting);
        assertThat(ids(with(Map.of("a", "2"), null, null))).isEmpty();
        assertThat(ids(with(Map.of(), "no_outputs", null))).containsExactly(failed.job());
        assertThat(ids(with(Map.of(), null, worker))).containsExactly(failed.job());
        assertThat(ids(between(now.minusSeconds(60), now.plusSeconds(60)))).hasSize(2);
        assertThat(ids(between(now.plusSeconds(60), null))).isEmpty();
        assertThat(ids(between(null, now.minusSeconds(60)))).isEmpty();
        assertThat(ids(between(db.read(failed.job()).createdAt(), null))).containsExactly(waiting);
    }

    private static JobFilter tagged(String tag) {
        return new JobFilter(List.of(), null, tag, Map.of(), null, null, null, null);
    }

    private static JobFilter with(
            Map<String, String> metadata, @Nullable String error, @Nullable String worker) {
        return new JobFilter(List.of(), null, null, metadata, error, worker, null, null);
    }

    private static JobFilter between(@Nullable Instant after, @Nullable Instant before) {
        return new JobFilter(List.of(), null, null, Map.of(), null, null, after, before);
    }

    @Test
    void all_live_jobs_of_a_tenant_are_shown_and_can_be_canceled_together() {
        var jobs = new ArrayList<JobId>();
        for (int i = 0; i < 1_500; i++) {
            jobs.add(Database.newId());
        }
        var class1 = db.aJob().classId();
        int _ =
                db.jdbc
                        .sql(
                                """
                                WITH j AS (
                                    INSERT INTO job (id, tenant_id, class_id, band, graph)
                                    SELECT unnest(:ids::uuid[]), 1, :class, 2, '{}' RETURNING id)
                                INSERT INTO queue (tenant_id, class_id, band, job_id) SELECT 1, :class, 2, id FROM j
                                """)
                        .param("ids", jobs.stream().map(JobId::toString).toArray(String[]::new))
                        .param("class", class1)
                        .update();
        var scheduled = Database.with(db.aJob(), Instant.now().plusSeconds(3_600), null);
        db.jobs.submit(TENANT, List.of(scheduled));
        var running = db.aRunningJob();
        var ended = db.aRunningJob();
        db.leases.complete(ended, db.aResult(ended));
        jobs.add(scheduled.id());
        jobs.add(running.job());

        var shown = new ArrayList<JobId>();
        live.walk(TENANT, shown::addAll);
        assertThat(shown).containsExactlyInAnyOrderElementsOf(jobs);
        assertThat(live.select(TENANT, JobFilter.of(JobStatus.SCHEDULED), shown))
                .containsExactly(scheduled.id());
        assertThat(live.select(TENANT, JobFilter.of(JobStatus.RUNNING), shown))
                .containsExactly(running.job());
        assertThat(live.select(TENANT, JobFilter.NONE, List.of(ended.job()))).isEmpty();
        assertThat(live.cancel(2, shown)).isEmpty();

        var canceled = live.cancel(TENANT, shown);

        assertThat(canceled).extracting(Canceled::job).containsExactlyInAnyOrderElementsOf(jobs);
        assertThat(canceled)
                .filteredOn(c -> c.running() != null)
                .extracting(c -> String.valueOf(c.running()))
                .singleElement()
                .asString()
                .contains(running.toString());
        assertThat(live.cancel(TENANT, shown)).isEmpty();
        assertThat(db.read(running.job()).status()).isEqualTo(JobStatus.CANCELED);
        assertThat(db.read(ended.job()).status()).isEqualTo(JobStatus.SUCCEEDED);
        live.walk(TENANT, more -> assertThat(more).isEmpty());
    }

    @Test
    void dead_letters_are_what_the_platform_failed_newest_first() {
        var dead = new DeadLetterStore(db.jdbc);
        var theirs = db.aRunningJob();
        db.leases.fail(theirs, ErrorCode.NODE_EXECUTION_ERROR, "{}");
        var first = failedFor(ErrorCode.TRANSIENT);
        var second = failedFor(ErrorCode.OUTPUT_UPLOAD_FAILED);

        assertThat(dead.list(null, 10)).extracting(JobRow::id).containsExactly(second, first);
        assertThat(dead.list(null, 1)).extracting(JobRow::id).containsExactly(second);
        assertThat(dead.list(second, 10)).extracting(JobRow::id).containsExactly(first);
        assertThat(dead.tenantOf(first)).hasValue(TENANT);
        assertThat(dead.tenantOf(theirs.job())).isEmpty();
        assertThat(dead.tenantOf(db.aWaitingJob())).isEmpty();
    }

    private JobId failedFor(ErrorCode code) {
        var job = Database.aJob(db.aJob().classId(), 1);
        db.jobs.submit(TENANT, List.of(job));
        db.leases.fail(db.assign(job.id(), db.aWorker("w-" + job.id())), code, "{}");
        return job.id();
    }

    @Test
    void the_waiting_jobs_of_a_tenant_are_counted_no_further_than_to_its_limit() {
        var tenants = new TenantStore(db.jdbc);
        assertThat(tenants.limits(TENANT)).isEqualTo(new Limits(100_000, 0, new Priority(2)));
        db.aWaitingJob();
        db.aWaitingJob();
        db.jobs.submit(
                TENANT, List.of(Database.with(db.aJob(), Instant.now().plusSeconds(3_600), null)));
        db.aRunningJob();
        assertThat(tenants.limits(TENANT).waiting()).isEqualTo(3);

        db.execute("UPDATE tenant SET max_queued = 1, best_band = 3");

        assertThat(tenants.limits(TENANT)).isEqualTo(new Limits(1, 2, new Priority(-1)));
    }
}
