package dev.comfyapi.db;

import static dev.comfyapi.db.Database.TENANT;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.db.job.BatchRow;
import dev.comfyapi.db.job.BatchStatus;
import dev.comfyapi.db.job.BatchStore;
import dev.comfyapi.db.job.JobFilter;
import dev.comfyapi.db.job.JobStore;
import dev.comfyapi.db.job.LiveJobStore;
import dev.comfyapi.db.job.NewBatch;
import dev.comfyapi.db.job.NewJob;
import dev.comfyapi.db.job.RetentionStore;
import dev.comfyapi.db.webhook.JobWebhook;
import dev.comfyapi.db.webhook.NewSecret;
import dev.comfyapi.db.webhook.WebhookEndpointStore;
import dev.comfyapi.db.webhook.WebhookEndpointStore.Terms;
import dev.comfyapi.db.webhook.WebhookEvent;
import dev.comfyapi.model.job.ErrorCode;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.JobStatus;
import dev.comfyapi.model.job.LeaseStage;
import dev.comfyapi.model.job.Priority;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DriverManagerDataSource;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/// What the leader does for batches, each step on a real Postgres.
class BatchStoreTest {

    private static final String ERROR = "{\"message\": \"no luck\"}";
    private static final JobWebhook HOOK =
            new JobWebhook("https://own.example/x", Set.of(WebhookEvent.BATCH_COMPLETED));

    private final Database db = new Database();
    private final BatchStore batches = new BatchStore(db.jdbc);
    private final LiveJobStore live = new LiveJobStore(db.jdbc);
    private long worker;

    @BeforeEach
    void hire() {
        worker = db.aWorker("gpu-batches");
    }

    @AfterEach
    void no_invariant_is_broken() {
        assertThat(db.invariants.broken()).isEmpty();
    }

    private record Made(UUID id, List<JobId> jobs) {}

    private Made aBatch(int jobs, @Nullable Integer limit) {
        return aBatch(limit, Collections.nCopies(jobs, (Instant) null), null);
    }

    private Made aBatch(
            @Nullable Integer limit, List<@Nullable Instant> runAfters, @Nullable JobWebhook hook) {
        var id = Database.newId().value();
        var jobs =
                runAfters.stream().map(runAfter -> ofBatch(id, runAfter, limit != null)).toList();
        batches.add(
                TENANT, new NewBatch(id, "night run", jobs.size(), limit, false, null, "{}", hook));
        db.jobs.submit(TENANT, jobs);
        return new Made(id, jobs.stream().map(NewJob::id).toList());
    }

    private NewJob ofBatch(UUID batch, @Nullable Instant runAfter, boolean held) {
        var job = db.aJob();
        return new NewJob(
                job.id(),
                job.classId(),
                job.priority(),
                job.graph(),
                job.params(),
                job.metadata(),
                job.tags(),
                batch,
                null,
                null,
                runAfter,
                null,
                null,
                Instant.now().plusSeconds(60),
                2,
                60_000,
                false,
                null,
                "row " + job.id(),
                held);
    }

    private BatchRow read(Made batch) {
        return batches.find(TENANT, batch.id()).orElseThrow();
    }

    private void end(JobId job, char how) {
        switch (how) {
            case 's' -> {
                var lease = db.assign(job, worker);
                db.leases.complete(lease, db.aResult(lease));
            }
            case 'f' ->
                    db.leases.fail(db.assign(job, worker), ErrorCode.NODE_EXECUTION_ERROR, ERROR);
            case 'c' -> db.jobs.cancel(TENANT, job);
            case 'e' -> {
                db.execute(
                        "UPDATE job SET start_by = now() - interval '1 s' WHERE id = '%s'"
                                .formatted(job));
                db.execute(
                        "UPDATE queue SET expire_at = now() - interval '1 s' WHERE job_id = '%s'"
                                .formatted(job));
                db.leader.expire(10, ERROR, ERROR);
            }
            default -> throw new IllegalArgumentException("no end is called " + how);
        }
    }

    @ParameterizedTest(name = "{0} is {1}")
    @CsvSource({
        "sss, SUCCEEDED",
        "ssf, PARTIALLY_SUCCEEDED",
        "sce, PARTIALLY_SUCCEEDED",
        "fff, FAILED",
        "fce, FAILED",
        "cce, EXPIRED",
        "eee, EXPIRED",
        "ccc, CANCELED",
        "Ccc, CANCELED",
        "Cfc, CANCELED",
        "Csc, PARTIALLY_SUCCEEDED"
    })
    void how_its_jobs_ended_says_how_a_batch_has(String ends, BatchStatus expected) {
        var batch = aBatch(3, null);
        if (ends.startsWith("C")) {
            batches.cancel(TENANT, batch.id());
        }
        for (int i = 0; i < 3; i++) {
            assertThat(batches.finish(batch.id())).as("with a job that lives").isFalse();
            end(batch.jobs().get(i), Character.toLowerCase(ends.charAt(i)));
        }

        assertThat(batches.finish(batch.id())).isTrue();
        assertThat(batches.finish(batch.id())).isFalse();
        var row = read(batch);
        assertThat(row.status()).isEqualTo(expected);
        assertThat(row.finishedAt()).isNotNull();
        assertThat(row.ended().all()).isEqualTo(3);
        assertThat(row.ended().succeeded())
                .isEqualTo((int) ends.chars().filter(c -> c == 's').count());
        assertThat(batches.find(2, batch.id())).isEmpty();
    }

    @Test
    void the_jobs_of_a_batch_are_counted_as_they_stand() {
        var batch = aBatch(5, null);
        end(batch.jobs().get(0), 's');
        end(batch.jobs().get(1), 'f');
        end(batch.jobs().get(2), 'c');
        db.report(db.assign(batch.jobs().get(3), worker), LeaseStage.RUNNING, 0.5);

        var counts = batches.counts(TENANT, batch.id());

        assertThat(counts).isEqualTo(new BatchStore.Counts(new BatchRow.Ended(1, 1, 1, 0), 1));
        assertThat(batches.counts(2, batch.id()).ended().all()).isZero();
    }

    @Test
    void the_leader_finds_the_first_job_that_lives_from_where_it_was() {
        var batch = aBatch(3, null);
        var open = batches.open(Map.of(), null, 10);
        end(batch.jobs().get(0), 's');
        end(batch.jobs().get(2), 's');

        var second = batches.open(Map.of(batch.id(), batch.jobs().get(0)), null, 10);
        end(batch.jobs().get(1), 's');
        var third = batches.open(Map.of(batch.id(), batch.jobs().get(1)), null, 10);

        assertThat(open)
                .containsExactly(
                        new BatchStore.Open(batch.id(), TENANT, false, false, batch.jobs().get(0)));
        assertThat(second.getFirst().firstLive()).isEqualTo(batch.jobs().get(1));
        assertThat(third.getFirst().firstLive()).isNull();
        assertThat(batches.open(Map.of(), batch.id(), 10)).isEmpty();
        assertThat(batches.over(List.of(batch.id()))).isEmpty();
        batches.finish(batch.id());
        assertThat(batches.open(Map.of(), null, 10)).isEmpty();
        assertThat(batches.over(List.of(batch.id()))).containsExactly(batch.id());
    }

    @Test
    void a_failure_dooms_a_batch_that_fails_fast_and_a_cancel_any() {
        var fast = aBatch(2, null);
        db.execute("UPDATE batch SET fail_fast = true");
        var other = aBatch(2, null);
        assertThat(batches.open(Map.of(), null, 10)).noneMatch(BatchStore.Open::isEnding);

        end(fast.jobs().get(0), 'f');
        end(other.jobs().get(0), 'f');
        assertThat(batches.open(Map.of(), null, 10))
                .filteredOn(BatchStore.Open::isEnding)
                .extracting(BatchStore.Open::id)
                .containsExactly(fast.id());
        batches.cancel(2, other.id());
        assertThat(batches.open(Map.of(), fast.id(), 10))
                .hasSize(1)
                .noneMatch(BatchStore.Open::isEnding);
        batches.cancel(TENANT, other.id());

        assertThat(batches.open(Map.of(), null, 10)).allMatch(BatchStore.Open::isEnding);
        var walked = new ArrayList<JobId>();
        live.walkBatch(TENANT, fast.id(), walked::addAll);
        assertThat(walked).containsExactly(fast.jobs().get(1));
    }

    private UUID anEndpoint(int tenant, Set<WebhookEvent> events, String... tags) {
        var id = Database.newId().value();
        var made =
                new WebhookEndpointStore(db.jdbc)
                        .create(
                                tenant,
                                id,
                                new Terms("https://app.example/", events, List.of(tags), "", true),
                                new NewSecret(Database.newId().value(), 1, "v0.x", null),
                                50);
        assertThat(made).isTrue();
        return id;
    }

    @Test
    void whoever_wants_it_is_told_of_the_end_once_however_many_see_it() throws Exception {
        var wants = anEndpoint(TENANT, Set.of(WebhookEvent.BATCH_COMPLETED));
        anEndpoint(TENANT, WebhookEvent.ENDS);
        anEndpoint(TENANT, Set.of(WebhookEvent.BATCH_COMPLETED), "only this tag");
        anEndpoint(2, Set.of(WebhookEvent.BATCH_COMPLETED));
        var batch = aBatch(null, List.of(Instant.EPOCH), HOOK);
        end(batch.jobs().getFirst(), 's');

        var done = new ArrayList<Boolean>();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var all = new ArrayList<Future<Boolean>>();
            for (int i = 0; i < 8; i++) {
                var own = new BatchStore(JdbcClient.create(new DriverManagerDataSource(db.url)));
                all.add(threads.submit((Callable<Boolean>) () -> own.finish(batch.id())));
            }
            for (var one : all) {
                done.add(one.get());
            }
        }

        assertThat(done).containsOnlyOnce(true);
        assertThat(
                        db.jdbc
                                .sql(
                                        "SELECT coalesce(endpoint_id::text, url) FROM webhook_delivery"
                                                + " WHERE subject_id = :batch AND event = 8")
                                .param("batch", batch.id())
                                .query(String.class)
                                .list())
                .containsExactlyInAnyOrder(wants.toString(), HOOK.url());
    }

    private List<JobId> release(Made batch) {
        return batches.release(batch.id());
    }

    @Test
    void no_more_of_a_batch_than_its_limit_wait_and_run_and_each_end_lets_the_next_one_go() {
        var batch = aBatch(5, 2);
        var jobs = batch.jobs();

        assertThat(db.read(jobs.get(0)).status()).isEqualTo(JobStatus.QUEUED);
        assertThat(db.read(jobs.get(0)).phase()).isEqualTo("waiting_concurrency");
        db.leader.promote(100);
        assertThat(db.leader.groups()).isEmpty();
        assertThat(release(batch)).containsExactlyInAnyOrder(jobs.get(0), jobs.get(1));
        assertThat(release(batch)).isEmpty();
        assertThat(db.read(jobs.get(0)).phase()).isEqualTo("waiting_capacity");

        var first = db.assign(jobs.get(0), worker);
        db.leases.fail(first, ErrorCode.TRANSIENT, ERROR);
        assertThat(release(batch)).as("between two attempts it keeps its place").isEmpty();
        end(jobs.get(1), 's');
        assertThat(release(batch)).containsExactly(jobs.get(2));
        db.jobs.cancel(TENANT, jobs.get(3));
        db.jobs.cancel(TENANT, jobs.get(0));
        assertThat(release(batch)).containsExactly(jobs.get(4));

        end(jobs.get(2), 's');
        end(jobs.get(4), 's');
        assertThat(batches.finish(batch.id())).isTrue();
    }

    @Test
    void a_held_job_that_is_not_due_yet_keeps_no_other_waiting() {
        var later = Instant.now().plusSeconds(3_600);
        var batch = aBatch(1, Arrays.asList(later, null, null), null);

        assertThat(db.read(batch.jobs().get(0)).status()).isEqualTo(JobStatus.SCHEDULED);
        assertThat(release(batch)).containsExactly(batch.jobs().get(1));
        assertThat(list(JobStatus.QUEUED))
                .containsExactlyInAnyOrder(batch.jobs().get(1), batch.jobs().get(2));
        assertThat(list(JobStatus.SCHEDULED)).containsExactly(batch.jobs().get(0));
        end(batch.jobs().get(1), 's');
        assertThat(release(batch)).containsExactly(batch.jobs().get(2));
        end(batch.jobs().get(2), 's');
        assertThat(release(batch)).isEmpty();
        db.execute("UPDATE delayed SET due_at = now()");
        assertThat(release(batch)).containsExactly(batch.jobs().get(0));
    }

    private List<JobId> list(JobStatus status) {
        return db
                .jobs
                .list(
                        TENANT,
                        JobFilter.of(status),
                        new JobStore.Part(JobStore.Order.NEWEST_FIRST, null, 10))
                .jobs()
                .stream()
                .map(row -> row.id())
                .toList();
    }

    @Test
    void a_held_job_can_be_changed_and_expires_like_any_other() {
        var batch = aBatch(3, 1);
        release(batch);
        var held = db.read(batch.jobs().get(1));

        var changed =
                db.jobs.change(
                        held,
                        new JobStore.Terms(
                                Priority.ofBand(0),
                                Instant.now().minusSeconds(1),
                                null,
                                List.of(),
                                "{}"));
        var expired = db.leader.expire(10, ERROR, ERROR);
        end(batch.jobs().get(0), 's');

        assertThat(changed).isTrue();
        assertThat(expired).containsExactly(batch.jobs().get(1));
        assertThat(release(batch)).containsExactly(batch.jobs().get(2));
    }

    @Test
    void of_a_canceled_batch_nothing_is_let_go() {
        var batch = aBatch(2, 1);
        batches.cancel(TENANT, batch.id());

        assertThat(release(batch)).isEmpty();
        live.cancel(TENANT, batch.jobs());
        assertThat(batches.finish(batch.id())).isTrue();
        assertThat(read(batch).status()).isEqualTo(BatchStatus.CANCELED);
    }

    @Test
    void two_leaders_at_once_let_no_more_go_than_one() throws Exception {
        var batch = aBatch(60, 4);
        int ended = 0;
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            while (ended < 60) {
                var all = new ArrayList<Future<List<JobId>>>();
                for (int i = 0; i < 4; i++) {
                    var own =
                            new BatchStore(JdbcClient.create(new DriverManagerDataSource(db.url)));
                    all.add(threads.submit((Callable<List<JobId>>) () -> own.release(batch.id())));
                }
                var released = new ArrayList<JobId>();
                for (var one : all) {
                    released.addAll(one.get());
                }
                assertThat(released).hasSize(4).doesNotHaveDuplicates();
                live.cancel(TENANT, released);
                ended += released.size();
            }
        }

        assertThat(batches.finish(batch.id())).isTrue();
    }

    @Test
    void jobs_stay_until_their_batch_has_ended_and_the_batch_until_they_are_gone() {
        var batch = aBatch(null, Arrays.asList(null, null), HOOK);
        end(batch.jobs().get(0), 's');
        db.execute(
                "UPDATE job SET created_at = now() - interval '3 min', expires_at = now() - interval '2 min',"
                        + " finished_at = finished_at - interval '2 min'");
        var retention = new RetentionStore(db.jdbc);

        assertThat(retention.expired(null, 10)).isEmpty();
        assertThat(retention.remove(batch.jobs())).isZero();
        end(batch.jobs().get(1), 's');
        db.execute("UPDATE job SET finished_at = now() - interval '2 min'");
        batches.finish(batch.id());
        assertThat(batches.forget(10)).isZero();
        assertThat(retention.remove(batch.jobs())).isEqualTo(2);
        assertThat(batches.forget(10)).as("its message is on its way").isZero();
        db.execute("UPDATE webhook_delivery SET state = 1, ended_at = now()");

        assertThat(batches.forget(10)).isEqualTo(1);
        assertThat(batches.find(TENANT, batch.id())).isEmpty();
        assertThat(
                        db.jdbc
                                .sql("SELECT count(*) FROM webhook_delivery")
                                .query(Integer.class)
                                .single())
                .isZero();
    }

    @Test
    void what_ended_is_listed_in_the_order_in_which_it_did() {
        var batch = aBatch(4, null);
        var jobs = batch.jobs();
        end(jobs.get(2), 's');
        end(jobs.get(3), 'f');
        end(jobs.get(0), 's');

        assertThat(batches.ended(TENANT, batch.id(), true, null, Duration.ZERO))
                .containsExactly(jobs.get(2), jobs.get(0));
        assertThat(batches.ended(TENANT, batch.id(), true, jobs.get(3), Duration.ZERO))
                .containsExactly(jobs.get(0));
        assertThat(batches.ended(TENANT, batch.id(), false, null, Duration.ZERO))
                .containsExactly(jobs.get(3));
        assertThat(batches.ended(TENANT, batch.id(), true, null, Duration.ofMinutes(1))).isEmpty();
        assertThat(batches.ended(2, batch.id(), true, null, Duration.ZERO)).isEmpty();
        assertThat(batches.hasEnded(TENANT, batch.id(), jobs.get(3))).isTrue();
        assertThat(batches.hasEnded(TENANT, batch.id(), jobs.get(1))).isFalse();
        assertThat(batches.hasEnded(2, batch.id(), jobs.get(3))).isFalse();
        assertThat(db.read(jobs.get(0)).customId()).isEqualTo("row " + jobs.get(0));
    }

    /// Else Postgres would have to write all indexes anew for every job that ends. A BRIN index
    /// does not count: it knows pages, not rows.
    @Test
    void no_index_of_jobs_knows_what_changes_when_a_job_succeeds() {
        var known =
                db.jdbc
                        .sql(
                                """
                                SELECT i.relname || ' ' || a.attname
                                FROM pg_index x
                                JOIN pg_class i ON i.oid = x.indexrelid
                                JOIN pg_am m ON m.oid = i.relam AND m.amname <> 'brin'
                                JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = i.oid
                                    AND d.refclassid = 'pg_class'::regclass AND d.refobjid = x.indrelid
                                JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                                WHERE x.indrelid = 'job'::regclass
                                """)
                        .query(String.class)
                        .list();

        assertThat(known)
                .contains("job_batch batch_id", "job_batch_error error_code")
                .noneMatch(column ->
                        column.matches(
                                ".* (state|started_at|finished_at|epoch|worker_id|gpu_ms|store_ms|result)"));
    }
}
