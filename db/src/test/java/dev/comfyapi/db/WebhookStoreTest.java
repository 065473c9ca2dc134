package dev.comfyapi.db;

import static dev.comfyapi.db.Database.TENANT;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.db.job.ErasureStore;
import dev.comfyapi.db.job.LiveJobStore;
import dev.comfyapi.db.job.NewJob;
import dev.comfyapi.db.webhook.AttemptRow;
import dev.comfyapi.db.webhook.ClaimedDelivery;
import dev.comfyapi.db.webhook.DeliveryRow.State;
import dev.comfyapi.db.webhook.JobWebhook;
import dev.comfyapi.db.webhook.NewSecret;
import dev.comfyapi.db.webhook.WebhookDeliveryStore;
import dev.comfyapi.db.webhook.WebhookDeliveryStore.Limits;
import dev.comfyapi.db.webhook.WebhookEndpointStore;
import dev.comfyapi.db.webhook.WebhookEndpointStore.Terms;
import dev.comfyapi.db.webhook.WebhookEvent;
import dev.comfyapi.db.webhook.WebhookSecretStore;
import dev.comfyapi.model.job.ErrorCode;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.LeaseKey;
import dev.comfyapi.model.job.LeaseStage;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DriverManagerDataSource;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/// Who is told of what is written by the statement that ends the job; and one sender has a message
/// at one time.
class WebhookStoreTest {

    private static final String ERROR = "{\"message\": \"no luck\"}";
    private static final Limits LIMITS =
            new Limits(
                    8,
                    Duration.ofSeconds(30),
                    3,
                    Duration.ofSeconds(30),
                    Duration.ofHours(1),
                    Duration.ofDays(5));

    private final Database db = new Database();
    private final TransactionTemplate transactions =
            new TransactionTemplate(
                    new JdbcTransactionManager(new DriverManagerDataSource(db.url)));
    private final WebhookEndpointStore endpoints = new WebhookEndpointStore(db.jdbc);
    private final WebhookDeliveryStore deliveries = store(db.url);
    private long worker;

    private static WebhookDeliveryStore store(String url) {
        var source = new DriverManagerDataSource(url);
        return new WebhookDeliveryStore(
                JdbcClient.create(source),
                new TransactionTemplate(new JdbcTransactionManager(source)),
                LIMITS);
    }

    @BeforeEach
    void hire() {
        worker = db.aWorker("gpu-hooks");
    }

    @AfterEach
    void no_invariant_is_broken() {
        assertThat(db.invariants.broken()).isEmpty();
    }

    private UUID anEndpoint(int tenant, Set<WebhookEvent> events, String... tags) {
        var id = Database.newId().value();
        assertThat(
                        endpoints.create(
                                tenant,
                                id,
                                new Terms(
                                        "https://app.example/hook",
                                        events,
                                        List.of(tags),
                                        "",
                                        true),
                                aSecret(),
                                50))
                .isTrue();
        return id;
    }

    private static NewSecret aSecret() {
        return new NewSecret(Database.newId().value(), 1, "v0.x", null);
    }

    private NewJob aJobWith(@Nullable JobWebhook webhook) {
        var job = db.aJob();
        return new NewJob(
                job.id(),
                job.classId(),
                job.priority(),
                job.graph(),
                job.params(),
                job.metadata(),
                job.tags(),
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                1,
                job.runTimeoutMs(),
                false,
                webhook);
    }

    private LeaseKey aLeaseOf(NewJob job) {
        db.jobs.submit(TENANT, List.of(job));
        return db.assign(job.id(), worker);
    }

    private List<String> told(JobId job) {
        return db.jdbc
                .sql(
                        "SELECT event || ' ' || coalesce(endpoint_id::text, url) FROM webhook_delivery"
                                + " WHERE subject_id = :job ORDER BY event, endpoint_id")
                .param("job", job.value())
                .query((rs, _) -> rs.getString(1))
                .list();
    }

    private AttemptRow anAttempt(@Nullable Integer status) {
        return new AttemptRow(Instant.now(), 12, status, null, "{}", "ok");
    }

    @Test
    void every_way_to_end_a_job_writes_one_message_for_each_address_that_wants_it() {
        var all = anEndpoint(TENANT, WebhookEvent.ENDS);
        var failures = anEndpoint(TENANT, Set.of(WebhookEvent.JOB_FAILED), "shop", "other");
        anEndpoint(TENANT, WebhookEvent.ENDS, "other");
        anEndpoint(2, WebhookEvent.ENDS);
        var own = new JobWebhook("https://own.example/x?a=1", WebhookEvent.ENDS);
        var url = own.url();

        var completed = aLeaseOf(aJobWith(own));
        db.leases.complete(completed, db.aResult(completed));
        db.leases.complete(completed, db.aResult(completed));
        var failed = aLeaseOf(aJobWith(own));
        db.leases.fail(failed, ErrorCode.NODE_EXECUTION_ERROR, ERROR);
        db.leases.fail(failed, ErrorCode.NODE_EXECUTION_ERROR, ERROR);
        var canceled = aJobWith(own);
        db.jobs.submit(TENANT, List.of(canceled));
        db.jobs.cancel(TENANT, canceled.id());
        db.jobs.cancel(TENANT, canceled.id());
        var expired = Database.with(aJobWith(own), null, Instant.now().minusSeconds(1));
        db.jobs.submit(TENANT, List.of(expired));
        db.leader.expire(100, ERROR, ERROR);
        var bulk = aJobWith(own);
        db.jobs.submit(TENANT, List.of(bulk));
        new LiveJobStore(db.jdbc).cancel(TENANT, List.of(bulk.id()));
        var late = aLeaseOf(aJobWith(own));
        db.execute("UPDATE lease SET finish_by = now() WHERE job_id = '%s'".formatted(late.job()));
        db.leader.expireLeases(100, ERROR);
        db.leases.release(late);
        var stranded = aJobWith(own);
        db.jobs.submit(TENANT, List.of(stranded));
        db.leader.failStranded(db.leader.groups(), Duration.ofSeconds(-1), 100, ERROR);
        var reaped = aLeaseOf(aJobWith(own));
        db.execute("UPDATE lease SET losses = 5 WHERE job_id = '%s'".formatted(reaped.job()));
        db.workers.leave(worker);
        db.leader.reap(ERROR);
        db.leader.reap(ERROR);

        assertThat(told(completed.job())).containsExactly("1 " + all, "1 " + url);
        assertThat(told(failed.job())).containsExactly("2 " + all, "2 " + failures, "2 " + url);
        assertThat(told(canceled.id())).containsExactly("3 " + all, "3 " + url);
        assertThat(told(expired.id())).containsExactly("4 " + all, "4 " + url);
        assertThat(told(bulk.id())).containsExactly("3 " + all, "3 " + url);
        assertThat(told(late.job())).containsExactly("4 " + all, "4 " + url);
        assertThat(told(stranded.id())).containsExactly("2 " + all, "2 " + failures, "2 " + url);
        assertThat(told(reaped.job())).containsExactly("2 " + all, "2 " + failures, "2 " + url);
    }

    @Test
    void nobody_is_told_of_what_nobody_wants_or_what_did_not_end() {
        var disabled = anEndpoint(TENANT, WebhookEvent.ENDS);
        endpoints.disable(disabled, "gone");
        anEndpoint(TENANT, Set.of(WebhookEvent.JOB_FAILED));
        var own = new JobWebhook("https://own.example/x", Set.of(WebhookEvent.JOB_CANCELED));

        var completed = aLeaseOf(aJobWith(own));
        db.leases.complete(completed, db.aResult(completed));
        var again = aLeaseOf(db.aJob());
        db.leases.fail(again, ErrorCode.TRANSIENT, ERROR);

        assertThat(told(completed.job())).isEmpty();
        assertThat(told(again.job())).isEmpty();
    }

    @Test
    void the_beginning_is_told_once_by_a_heartbeat_or_else_with_the_end() {
        var endpoint =
                anEndpoint(TENANT, Set.of(WebhookEvent.JOB_STARTED, WebhookEvent.JOB_SUCCEEDED));

        var lease = aLeaseOf(aJobWith(null));
        db.report(lease, LeaseStage.ASSIGNED, 0);
        db.report(lease, LeaseStage.RUNNING, 0.1);
        db.report(lease, LeaseStage.RUNNING, 0.5);
        assertThat(told(lease.job())).containsExactly("5 " + endpoint);
        db.leases.complete(lease, db.aResult(lease));
        var quick = aLeaseOf(aJobWith(null));
        db.leases.complete(quick, db.aResult(quick));

        assertThat(told(lease.job())).containsExactly("1 " + endpoint, "5 " + endpoint);
        assertThat(told(quick.job())).containsExactly("1 " + endpoint, "5 " + endpoint);
    }

    private void anEnd(String url) {
        var lease = aLeaseOf(aJobWith(new JobWebhook(url, WebhookEvent.ENDS)));
        db.leases.complete(lease, db.aResult(lease));
    }

    @Test
    void a_message_has_one_sender_and_comes_back_when_that_one_dies() {
        anEnd("https://own.example/x");

        var claimed = deliveries.claim(10);
        assertThat(claimed).hasSize(1);
        assertThat(deliveries.claim(10)).isEmpty();
        assertThat(deliveries.hasDue()).isFalse();
        db.execute("UPDATE webhook_delivery SET next_at = now()");
        var again = deliveries.claim(10);

        assertThat(again).hasSize(1);
        assertThat(again.getFirst().id()).isEqualTo(claimed.getFirst().id());
        assertThat(deliveries.delivered(claimed.getFirst(), anAttempt(200))).isFalse();
        assertThat(deliveries.delivered(again.getFirst(), anAttempt(200))).isTrue();
        assertThat(deliveries.delivered(again.getFirst(), anAttempt(200))).isFalse();
        assertThat(deliveries.attempts(again.getFirst().id(), 10)).hasSize(1);
        var row = deliveries.find(TENANT, again.getFirst().id()).orElseThrow();
        assertThat(row.state()).isEqualTo(State.DELIVERED);
        assertThat(deliveries.find(2, row.id())).isEmpty();
    }

    @Test
    void a_message_keeps_the_bytes_it_was_first_sent_with() {
        anEnd("https://own.example/x");
        var delivery = deliveries.claim(1).getFirst();

        assertThat(deliveries.keepBody(delivery.id(), "{\"a\":\"ä\"}")).isEqualTo("{\"a\":\"ä\"}");
        assertThat(deliveries.keepBody(delivery.id(), "other")).isEqualTo("{\"a\":\"ä\"}");
    }

    @Test
    void erasing_a_job_empties_what_was_said_of_it() {
        anEnd("https://own.example/x");
        var delivery = deliveries.claim(1).getFirst();
        deliveries.keepBody(delivery.id(), "{\"prompt\": \"secret\"}");
        deliveries.failedForGood(delivery, anAttempt(500));

        new ErasureStore(db.jdbc).erase(TENANT, new JobId(delivery.subject()));

        assertThat(deliveries.find(TENANT, delivery.id()).orElseThrow().body()).isNull();
        assertThat(deliveries.attempts(delivery.id(), 10).getFirst().answer()).isNull();
    }

    @Test
    void a_lane_has_at_most_eight_at_once_however_many_senders_there_are() throws Exception {
        for (int i = 0; i < 20; i++) {
            anEnd("https://busy.example/%d".formatted(i));
        }
        anEnd("https://other.example/");

        var claimed = new ConcurrentSkipListSet<UUID>();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var all = new ArrayList<Future<List<ClaimedDelivery>>>();
            for (int i = 0; i < 6; i++) {
                var own = store(db.url);
                all.add(threads.submit((Callable<List<ClaimedDelivery>>) () -> own.claim(100)));
            }
            for (var one : all) {
                for (var delivery : one.get()) {
                    assertThat(claimed.add(delivery.id())).isTrue();
                }
            }
        }

        assertThat(claimed).hasSize(9);
    }

    @Test
    void a_lane_that_fails_is_paused_then_probed_and_a_success_ends_that() {
        for (int i = 0; i < 6; i++) {
            anEnd("https://bad.example/%d".formatted(i));
        }
        var all = deliveries.claim(100);
        for (var delivery : all.subList(0, 5)) {
            deliveries.failed(delivery, anAttempt(500), Duration.ZERO);
        }
        anEnd("https://good.example/");

        assertThat(deliveries.claim(100))
                .extracting(ClaimedDelivery::url)
                .containsExactly("https://good.example/");
        assertThat(
                        db.jdbc
                                .sql(
                                        "SELECT streak || ' ' || (open_until < now() + interval '31 s') FROM webhook_lane")
                                .query(String.class)
                                .single())
                .isEqualTo("3 true");

        db.execute("UPDATE webhook_lane SET open_until = now()");
        db.execute("UPDATE webhook_delivery SET next_at = now() WHERE NOT sending");
        db.execute(
                "UPDATE webhook_delivery SET sending = false, next_at = now() WHERE state = 0 AND sending");
        var probe = deliveries.claim(100);
        assertThat(probe).hasSize(2);
        var bad = probe.stream().filter(d -> String.valueOf(d.url()).contains("bad")).toList();
        assertThat(bad).hasSize(1);
        deliveries.delivered(bad.getFirst(), anAttempt(204));

        assertThat(deliveries.claim(100)).hasSize(5);
    }

    @Test
    void after_the_patience_is_over_an_endpoint_is_disabled_once_and_the_others_hear_of_it() {
        var bad = anEndpoint(TENANT, WebhookEvent.ENDS);
        var lease = aLeaseOf(aJobWith(null));
        db.leases.complete(lease, db.aResult(lease));
        var other = anEndpoint(TENANT, Set.of(WebhookEvent.JOB_FAILED));
        var first = deliveries.claim(10).getFirst();
        assertThat(deliveries.failed(first, anAttempt(500), Duration.ZERO)).isFalse();
        db.execute("UPDATE webhook_lane SET failing_since = now() - interval '5 days 1 s'");
        var second = deliveries.claim(10).getFirst();

        assertThat(deliveries.failed(second, anAttempt(500), Duration.ofHours(1))).isTrue();
        assertThat(endpoints.disable(bad, "unreachable")).isTrue();
        assertThat(endpoints.disable(bad, "unreachable")).isFalse();

        var row = endpoints.find(TENANT, bad).orElseThrow();
        assertThat(row.enabled()).isFalse();
        assertThat(row.disabledReason()).isEqualTo("unreachable");
        assertThat(deliveries.find(TENANT, first.id()).orElseThrow().failure())
                .isEqualTo("endpoint_disabled");
        var news = deliveries.claim(10);
        assertThat(news).hasSize(1);
        assertThat(news.getFirst().endpoint()).isEqualTo(other);
        assertThat(news.getFirst().event()).isEqualTo(WebhookEvent.ENDPOINT_DISABLED);
        assertThat(news.getFirst().subject()).isEqualTo(bad);
    }

    @Test
    void an_ended_message_is_replayed_under_its_id_and_forgotten_after_its_time() {
        var endpoint = anEndpoint(TENANT, WebhookEvent.ENDS);
        var lease = aLeaseOf(aJobWith(null));
        db.leases.complete(lease, db.aResult(lease));
        var delivery = deliveries.claim(1).getFirst();
        deliveries.failedForGood(delivery, anAttempt(500));
        var now = Instant.now();
        assertThat(deliveries.claim(1)).isEmpty();

        assertThat(
                        deliveries.replay(
                                2,
                                endpoint,
                                State.FAILED,
                                now.minusSeconds(60),
                                now.plusSeconds(60),
                                9))
                .isZero();
        assertThat(
                        deliveries.replay(
                                TENANT,
                                endpoint,
                                State.FAILED,
                                now.minusSeconds(60),
                                now.plusSeconds(60),
                                9))
                .isEqualTo(1);
        var again = deliveries.claim(1).getFirst();
        deliveries.replay(TENANT, again.id());
        deliveries.delivered(again, anAttempt(200));

        assertThat(again.id()).isEqualTo(delivery.id());
        assertThat(deliveries.attempts(again.id(), 10)).hasSize(2);
        assertThat(deliveries.forgetEnded(Duration.ofDays(7), 100)).isZero();
        db.execute("UPDATE webhook_delivery SET ended_at = now() - interval '8 days'");
        assertThat(deliveries.forgetEnded(Duration.ofDays(7), 100)).isEqualTo(1);
        assertThat(deliveries.attempts(again.id(), 10)).isEmpty();
    }

    @Test
    void what_waited_too_long_is_given_up_and_shown() {
        anEnd("https://never.example/");
        db.execute("UPDATE webhook_delivery SET since = now() - interval '6 days'");

        assertThat(deliveries.giveUpOld(100)).isEqualTo(1);

        assertThat(
                        db.jdbc
                                .sql("SELECT failure FROM webhook_delivery WHERE state = 2")
                                .query(String.class)
                                .list())
                .containsExactly("unreachable");
    }

    @Test
    void a_deleted_endpoint_leaves_its_log_and_nothing_to_send() {
        var endpoint = anEndpoint(TENANT, WebhookEvent.ENDS);
        var lease = aLeaseOf(aJobWith(null));
        db.leases.complete(lease, db.aResult(lease));

        assertThat(endpoints.delete(2, endpoint)).isFalse();
        assertThat(endpoints.delete(TENANT, endpoint)).isTrue();

        assertThat(deliveries.claim(10)).isEmpty();
        assertThat(deliveries.ofJob(TENANT, lease.job().value(), 10))
                .extracting(row -> row.failure())
                .containsExactly("endpoint_deleted");
        assertThat(db.jdbc.sql("SELECT count(*) FROM webhook_secret").query(Integer.class).single())
                .isZero();
    }

    @Test
    void the_key_before_signs_until_the_overlap_is_over_and_at_most_three_sign() {
        var secrets = new WebhookSecretStore(db.jdbc, transactions);
        var first = aSecret();
        secrets.createDefault(TENANT, first);
        secrets.createDefault(TENANT, aSecret());
        assertThat(secrets.live(TENANT, null)).extracting(s -> s.id()).containsExactly(first.id());

        var second = aSecret();
        secrets.rotate(TENANT, null, second, Duration.ofHours(1));
        assertThat(secrets.live(TENANT, null))
                .extracting(s -> s.id())
                .containsExactly(second.id(), first.id());
        var third = aSecret();
        secrets.rotate(TENANT, null, third, Duration.ofHours(1));
        var fourth = aSecret();
        secrets.rotate(TENANT, null, fourth, Duration.ofHours(1));
        assertThat(secrets.live(TENANT, null))
                .extracting(s -> s.id())
                .containsExactly(fourth.id(), third.id(), second.id());

        secrets.rotate(TENANT, null, aSecret(), Duration.ZERO);
        assertThat(secrets.live(TENANT, null)).hasSize(1);
        secrets.forgetExpired();
        assertThat(db.jdbc.sql("SELECT count(*) FROM webhook_secret").query(Integer.class).single())
                .isEqualTo(1);
    }
}
