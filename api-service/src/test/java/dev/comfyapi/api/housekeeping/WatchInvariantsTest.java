package dev.comfyapi.api.housekeeping;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.api.Api;
import dev.comfyapi.api.dispatch.Leading;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

import java.time.Clock;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/// Every rule is broken by hand, is seen, and is seen to be whole again.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class WatchInvariantsTest {

    /// Statements by the rule that they break; `%1$s` is a waiting job, `%2$s` one with a lease,
    /// `%3$s` one that has succeeded.
    private static final Map<String, String> BREAKING = new LinkedHashMap<>();

    static {
        BREAKING.put(
                "artifacts", "UPDATE job SET result = '{\"artifacts\": []}' WHERE id = '%3$s'");
        BREAKING.put(
                "batch_end",
                batch("NULL", "now()")
                        + "UPDATE job SET batch_id = b.id FROM b WHERE job.id = '%1$s'");
        BREAKING.put(
                "batch_limit",
                batch("1", "NULL")
                        + "UPDATE job SET batch_id = b.id FROM b WHERE job.id IN ('%1$s', '%2$s')");
        BREAKING.put("canceled_lease", "UPDATE lease SET canceled = true WHERE job_id = '%2$s'");
        BREAKING.put(
                "deadline",
                "UPDATE queue SET expire_at = now() - interval '2 minutes' WHERE job_id = '%1$s'");
        BREAKING.put("epoch", "UPDATE lease SET failures = 1 WHERE job_id = '%2$s'");
        BREAKING.put(
                "erasure", "INSERT INTO erasure VALUES ('%3$s', 1, now() - interval '2 hours')");
        BREAKING.put(
                "held_token",
                """
                WITH q AS (DELETE FROM queue WHERE job_id = '%1$s' RETURNING *)
                INSERT INTO delayed (job_id, due_at, tenant_id, class_id, band, held_by)
                SELECT job_id, now(), tenant_id, class_id, band, gen_random_uuid() FROM q
                """);
        BREAKING.put(
                "hook_iff_terminal",
                "INSERT INTO webhook_delivery (tenant_id, lane, url, event, subject_id, happened_at)"
                        + " VALUES (1, gen_random_uuid(), 'https://app.example/', 1, '%1$s', now())");
        BREAKING.put(
                "lost_lease",
                "UPDATE worker SET gone = true, last_seen = now() - interval '3 minutes'");
        BREAKING.put("one_token", "DELETE FROM queue WHERE job_id = '%1$s'");
        BREAKING.put(
                "overrun_lease",
                "UPDATE lease SET run_until = now() - interval '2 minutes' WHERE job_id = '%2$s'");
        BREAKING.put(
                "poison_bound", "UPDATE queue SET epoch = 3, losses = 3 WHERE job_id = '%1$s'");
        BREAKING.put(
                "promotion",
                """
                WITH q AS (DELETE FROM queue WHERE job_id = '%1$s' RETURNING *)
                INSERT INTO delayed (job_id, due_at, tenant_id, class_id, band)
                SELECT job_id, now() - interval '2 minutes', tenant_id, class_id, band FROM q
                """);
        BREAKING.put(
                "retention",
                """
                UPDATE job SET created_at = '2020-01-01Z', expires_at = '2020-01-08Z', finished_at = '2020-01-01Z'
                WHERE id = '%3$s'
                """);
        BREAKING.put("running_limit", "UPDATE tenant SET max_running = 0");
        BREAKING.put(
                "token_without_live_job",
                "UPDATE job SET state = 3, finished_at = now() WHERE id = '%1$s'");
    }

    private static String batch(String limit, String finishedAt) {
        return """
        WITH b AS (
            INSERT INTO batch (id, tenant_id, total, max_concurrency, finished_at, state)
            SELECT gen_random_uuid(), 1, 2, %s, f.at, CASE WHEN f.at IS NULL THEN 0 ELSE 1 END
            FROM (SELECT %s::timestamptz AS at) f RETURNING id)
        """
                .formatted(limit, finishedAt);
    }

    private record Leads(AtomicBoolean leads) implements Leading {
        @Override
        public boolean isLeading() {
            return leads.get();
        }

        @Override
        public Duration silence() {
            return Duration.ofSeconds(30);
        }
    }

    private final Leads leads = new Leads(new AtomicBoolean(true));
    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();

    @SuppressWarnings("NullAway.Init")
    private Api api;

    @SuppressWarnings("NullAway.Init")
    private WatchInvariants watch;

    @BeforeAll
    void start() {
        api = Api.fresh();
        watch =
                new WatchInvariants(
                        api.bean(HousekeepingDatabase.class),
                        api.bean(HousekeepingProperties.class),
                        leads,
                        metrics);
    }

    @AfterAll
    void stop() {
        api.close();
    }

    private Map<String, Double> look() {
        watch.hurry();
        watch.run();
        var seen = new LinkedHashMap<String, Double>();
        for (var gauge : metrics.find("comfyapi.invariant.violations").gauges()) {
            seen.put(String.valueOf(gauge.getId().getTag("rule")), gauge.value());
        }
        return seen;
    }

    @Test
    void each_rule_is_seen_broken_and_whole_again() {
        var worker = api.aWorker("gpu-watched", "checkpoints/" + Api.CHECKPOINT);
        assertThat(look().keySet()).containsExactlyInAnyOrderElementsOf(BREAKING.keySet());

        for (var rule : BREAKING.keySet()) {
            var waiting = api.submitted();
            var running = api.assign(api.submitted(), worker);
            var done = api.assign(api.submitted(), worker);
            api.succeed(done, new byte[] {1});
            assertThat(look().values()).as("before " + rule).containsOnly(0.0);

            execute(BREAKING.get(rule).formatted(waiting, running.job(), done.job()));

            assertThat(look()).as(rule).containsEntry(rule, 1.0);
            mend();
        }
    }

    /// To the state before: no job, one live worker.
    private void mend() {
        for (var table :
                List.of(
                        "job",
                        "batch",
                        "queue",
                        "delayed",
                        "lease",
                        "webhook_delivery",
                        "erasure")) {
            execute("DELETE FROM " + table);
        }
        execute("UPDATE tenant SET max_running = 100");
        execute("UPDATE worker SET gone = false, last_seen = now()");
    }

    private void execute(String sql) {
        int _ = api.jdbc().sql(sql).update();
    }

    @Test
    void who_does_not_lead_says_nothing_of_them() {
        look();

        leads.leads.set(false);
        assertThat(look().values()).allMatch(value -> value.isNaN());
        leads.leads.set(true);

        assertThat(look().values()).containsOnly(0.0);
    }

    @Test
    void what_costs_much_is_looked_at_seldom() {
        look();

        // Nothing is due within the minute.
        assertThat(watch.run().count()).isZero();
    }

    @Test
    void a_duty_that_fails_is_counted_and_keeps_no_other_from_being_done() throws Exception {
        var fails = new AtomicBoolean(true);
        var failing = new ADuty("failing", fails);
        var other = new ADuty("other", new AtomicBoolean());
        var housekeeping =
                new Housekeeping(List.of(failing, other), leads, Clock.systemUTC(), metrics);

        housekeeping.run(failing);
        housekeeping.run(other);

        assertThat(count("failures", "failing")).isEqualTo(1);
        assertThat(count("failures", "other")).isZero();
        assertThat(count("done", "other")).isEqualTo(3);
        assertThat(lastSuccess("failing")).isZero();
        assertThat(lastSuccess("other")).isPositive();
        fails.set(false);
        housekeeping.run(failing);
        assertThat(lastSuccess("failing")).isPositive();
        assertThat(count("failures", "failing")).isEqualTo(1);
    }

    private double count(String what, String duty) {
        return metrics.get("comfyapi.housekeeping." + what).tag("duty", duty).counter().count();
    }

    private double lastSuccess(String duty) {
        return metrics.get("comfyapi.housekeeping.last.success").tag("duty", duty).gauge().value();
    }

    private record ADuty(String name, AtomicBoolean fails) implements Duty {

        @Override
        public Duration every() {
            return Duration.ofMinutes(1);
        }

        @Override
        public Done run() {
            if (fails.get()) {
                throw new IllegalStateException("no luck");
            }
            return Done.all(3);
        }
    }
}
