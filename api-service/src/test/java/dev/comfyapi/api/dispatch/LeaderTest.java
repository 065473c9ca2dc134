package dev.comfyapi.api.dispatch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.api.Api;
import dev.comfyapi.db.operator.OperatedWorkerStore;
import dev.comfyapi.db.operator.OperatedWorkerStore.Mode;
import dev.comfyapi.db.queue.LeaderStore;
import dev.comfyapi.db.secret.GraphSeal;
import dev.comfyapi.db.worker.WorkerStore;
import dev.comfyapi.db.worker.WorkerStore.Standing;
import dev.comfyapi.messaging.MessageSender;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.JobState;
import dev.comfyapi.model.job.LeaseKey;
import dev.comfyapi.model.message.JobEvent;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.List;
import java.util.UUID;

/// The leader's duties one by one on a real Postgres: what it does about pauses, about wishes of
/// operators and about jobs that nobody can run.
class LeaderTest {

    private static final String MODEL = "checkpoints/" + Api.CHECKPOINT;
    private static final Duration TIMEOUT = Duration.ofMinutes(15);

    private Api api;
    private LeaderStore store;
    private Assign assign;

    @BeforeEach
    void start() {
        api = Api.fresh();
        store = new LeaderStore(api.jdbc());
        assign =
                new Assign(
                        api.bean(MessageSender.class),
                        api.bean(GraphSeal.class),
                        api.bean(DispatchProperties.class));
    }

    @AfterEach
    void stop() {
        assertThat(api.brokenInvariants()).isEmpty();
        api.close();
    }

    private int look() {
        assign.settle(store);
        assign.read(store);
        return assign.look(store, new Hints()).assigned();
    }

    private String phase(JobId job) {
        return api.get("/api/v1/jobs/" + job).at("/phase");
    }

    @Test
    void nothing_of_what_is_paused_is_started_until_it_is_resumed() {
        api.aWorker("w", MODEL);
        api.submitted();
        for (var what : new String[] {"queues/default", "queues", "tenants/1"}) {
            api.post("/api/v1/admin/%s/pause".formatted(what), "");
            assertThat(look()).as(what).isZero();
            api.post("/api/v1/admin/%s/resume".formatted(what), "");
        }

        assertThat(look()).isOne();
    }

    @Test
    void a_worker_that_shall_not_work_gets_nothing_from_the_next_look_on() {
        api.aWorker("w", MODEL);
        api.submitted();
        var operator = new OperatedWorkerStore(api.jdbc());
        operator.wish("w", Mode.DRAIN);
        int drained = look();
        operator.wish("w", Mode.QUARANTINE);
        int quarantined = look();
        operator.wish("w", Mode.WORK);
        operator.askFreeMemory("w");
        int freeing = look();
        int _ = api.jdbc().sql("UPDATE worker_wish SET free_asked = false").update();

        assertThat(drained + quarantined + freeing).isZero();
        assertThat(look()).isOne();
    }

    @Test
    void a_worker_that_missed_two_heartbeats_gets_nothing_until_it_is_heard_again() {
        var worker = api.aWorker("w", MODEL);
        api.submitted();
        int _ = api.jdbc().sql("UPDATE worker SET last_seen = now() - interval '11 s'").update();

        assertThat(look()).isZero();
        var _ =
                new WorkerStore(api.jdbc())
                        .heartbeat(worker.id(), new Standing(true, null, null), List.of());

        assertThat(look()).isOne();
    }

    private int strand(Strand strand, Duration sinceTheStart) {
        assign.settle(store);
        assign.read(store);
        return strand.run(store, assign.stranded(store), sinceTheStart.toNanos());
    }

    private void age(Duration by) {
        int _ =
                api.jdbc()
                        .sql("UPDATE queue SET queued_at = queued_at - :ms * interval '1 ms'")
                        .param("ms", by.toMillis())
                        .update();
    }

    @Test
    void a_job_that_no_live_worker_could_run_for_so_long_fails() {
        api.aWorker("other", "checkpoints/other.safetensors");
        var able = api.aWorker("able", MODEL);
        var old = api.submitted();
        age(TIMEOUT);
        api.leave(able);
        var strand = new Strand(api.bean(MessageSender.class), TIMEOUT);

        int first = strand(strand, Duration.ZERO);
        var young = new JobId[1];
        int early = strand(strand, TIMEOUT.minusSeconds(1));
        young[0] = submittedAnyway();
        int late = strand(strand, TIMEOUT);
        var failed = api.get("/api/v1/jobs/" + old);

        assertThat(first + early).isZero();
        assertThat(late).isOne();
        assertThat(failed.at("/status")).isEqualTo("failed");
        assertThat(failed.at("/error/code")).isEqualTo("no_capable_worker");
        assertThat(failed.at("/error/fault")).isEqualTo("platform");
        assertThat(phase(young[0])).isEqualTo("waiting_capable_worker");
    }

    /// Of the same class, though nobody has the model any more.
    private JobId submittedAnyway() {
        var worker = api.aWorker("short", MODEL);
        var job = api.submitted();
        api.leave(worker);
        return job;
    }

    @Test
    void the_time_begins_anew_with_a_capable_worker_a_pause_an_empty_fleet_and_a_new_leader() {
        var other = api.aWorker("other", "checkpoints/other.safetensors");
        api.leave(api.aWorker("able", MODEL));
        var job = submittedAnyway();
        age(TIMEOUT.multipliedBy(10));
        var strand = new Strand(api.bean(MessageSender.class), TIMEOUT);
        assertThat(strand(strand, Duration.ZERO)).isZero();

        var back = api.aWorker("able", MODEL);
        assertThat(strand(strand, TIMEOUT)).isZero();
        api.leave(back);
        assertThat(strand(strand, TIMEOUT.plusSeconds(1))).isZero();
        api.post("/api/v1/admin/queues/pause", "");
        assertThat(strand(strand, TIMEOUT.multipliedBy(2).plusSeconds(1))).isZero();
        api.post("/api/v1/admin/queues/resume", "");
        assertThat(strand(strand, TIMEOUT.multipliedBy(2).plusSeconds(2))).isZero();
        api.leave(other);
        assertThat(strand(strand, TIMEOUT.multipliedBy(4))).isZero();
        api.aWorker("other", "checkpoints/other.safetensors");
        assertThat(strand(strand, TIMEOUT.multipliedBy(4).plusSeconds(1))).isZero();
        var heir = new Strand(api.bean(MessageSender.class), TIMEOUT);
        assertThat(strand(heir, TIMEOUT.multipliedBy(5))).isZero();

        assertThat(phase(job)).isEqualTo("waiting_capable_worker");
        assertThat(strand(strand, TIMEOUT.multipliedBy(5).plusSeconds(1))).isOne();
    }

    /// With the limit of one running job.
    private void limitedToOne() {
        assertThat(api.jdbc().sql("UPDATE tenant SET max_running = 1").update()).isPositive();
    }

    private LeaseKey lease() {
        return api.jdbc()
                .sql("SELECT job_id, epoch, worker_id FROM lease")
                .query((rs, _) ->
                        new LeaseKey(
                                new JobId(rs.getObject(1, UUID.class)),
                                rs.getInt(2),
                                rs.getLong(3)))
                .single();
    }

    private int lookWithoutReading(Hints hints) {
        return assign.look(store, hints).assigned();
    }

    @Test
    void between_two_readings_of_the_fleet_a_limit_holds_and_the_word_that_a_job_ended_is_enough() {
        limitedToOne();
        api.aWorker("one", MODEL);
        api.aWorker("other", MODEL);
        api.submitted();
        api.submitted();
        var hints = new Hints();
        assertThat(look()).isOne();
        assertThat(lookWithoutReading(hints)).isZero();

        var lease = lease();
        api.succeed(lease, new byte[] {1});
        assertThat(lookWithoutReading(hints)).isZero();
        assertThat(hints.hear(new JobEvent.Finished(lease.job(), JobState.SUCCEEDED))).isTrue();

        assertThat(lookWithoutReading(hints)).isOne();
    }

    @Test
    void the_word_that_a_running_job_was_canceled_does_not_free_its_worker() {
        limitedToOne();
        api.aWorker("one", MODEL);
        api.submitted();
        api.submitted();
        assertThat(look()).isOne();
        var hints = new Hints();

        hints.hear(new JobEvent.Finished(lease().job(), JobState.CANCELED));

        assertThat(lookWithoutReading(hints)).isZero();
    }

    @Test
    void a_worker_that_left_since_the_fleet_was_read_gets_nothing() {
        var leaving = api.aWorker("leaving", MODEL);
        var job = api.submitted();
        assign.settle(store);
        assign.read(store);

        api.leave(leaving);

        assertThat(lookWithoutReading(new Hints())).isZero();
        assertThat(api.get("/api/v1/jobs/" + job).at("/status")).isEqualTo("queued");
        api.aWorker("staying", MODEL);
        assertThat(look()).isOne();
    }
}
