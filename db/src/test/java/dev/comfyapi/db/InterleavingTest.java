package dev.comfyapi.db;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.db.Interleaving.Mutation;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.time.Duration;
import java.util.List;

/// Whoever does what at the same time, no job is lost, ended twice or revived. Longer with
/// `-Dinterleaving.seconds=`; `-Dinterleaving.seed=` repeats what each actor chose, though not how
/// they met.
class InterleavingTest {

    private static final int SECONDS = Integer.getInteger("interleaving.seconds", 15);
    private static final long SEED = Long.getLong("interleaving.seed", System.nanoTime());

    @Test
    void no_job_is_lost_or_ended_twice_or_revived_however_statements_meet()
            throws InterruptedException {
        var interleaving = new Interleaving(null, SEED);

        var wrong = interleaving.run(Duration.ofSeconds(SECONDS));

        System.out.printf("seed %d, %d steps%n", SEED, interleaving.steps.get());
        assertThat(wrong).isEmpty();
        assertThat(interleaving.steps.get()).isGreaterThan(1_000);
    }

    /// Each guard of the statements is there for a reason: without it, the run above fails. That a
    /// change waits for no token, which would be a deadlock now and then, is shown by [LifeTest].
    @ParameterizedTest(name = "{0}")
    @MethodSource("mutations")
    void without_a_guard_something_goes_wrong(Mutation mutation) throws InterruptedException {
        assertThat(new Interleaving(mutation, SEED).run(Duration.ofSeconds(20)))
                .as("seed %d", SEED)
                .isNotEmpty();
    }

    static List<Mutation> mutations() {
        String fence = "epoch = ? AND worker_id = ?";
        String noFence = "(epoch = ? OR true) AND (worker_id = ? OR true)";
        return List.of(
                new Mutation("complete without its fence", "SET state = 1", fence, noFence),
                new Mutation("fail without its fence", "power(4", fence, noFence),
                new Mutation(
                        "complete of a job that has ended",
                        "SET state = 1",
                        "AND state = 0",
                        "AND state >= 0"),
                new Mutation(
                        "fail of a canceled job",
                        "power(4",
                        "WHERE NOT canceled AND NOT dead",
                        "WHERE NOT dead"),
                new Mutation("release of a canceled job", "RETURNING *)", "WHERE NOT canceled", ""),
                new Mutation(
                        "reap of a canceled job",
                        "w.gone OR",
                        "WHERE NOT canceled AND NOT dead",
                        "WHERE NOT dead"),
                new Mutation(
                        "cancel without flagging the lease",
                        "SET state = 3",
                        "SET canceled = true",
                        "SET canceled = l.canceled"),
                new Mutation(
                        "assign with the old epoch", "INSERT INTO lease", "q.epoch + 1", "q.epoch"),
                new Mutation(
                        "assign after the start deadline",
                        "INSERT INTO lease",
                        "AND (q.expire_at IS NULL OR q.expire_at > now())",
                        ""),
                new Mutation(
                        "promote before its time",
                        "DELETE FROM delayed WHERE job_id IN",
                        "due_at <= now() ORDER BY",
                        "true ORDER BY"),
                new Mutation(
                        "expire of a job with time left",
                        "SET state = 4",
                        "expire_at <= now()",
                        "true"),
                new Mutation(
                        "submit without the finish deadline",
                        "INSERT INTO job (",
                        "least(start_by, finish_by)",
                        "start_by"),
                new Mutation(
                        "assign without the finish deadline",
                        "INSERT INTO lease",
                        "j.finish_by",
                        "NULL::timestamptz"),
                new Mutation(
                        "expire of a lease with time left",
                        "'expired', assigned_at",
                        "finish_by <= now()",
                        "true"),
                new Mutation(
                        "expire without flagging the lease",
                        "'expired', assigned_at",
                        "SET canceled = true",
                        "SET canceled = canceled"),
                new Mutation(
                        "expire of a lease that is over",
                        "'expired', assigned_at",
                        "<= now() AND NOT canceled",
                        "<= now()"),
                new Mutation(
                        "change of a job that has ended",
                        "edits = edits + 1",
                        "AND state = 0",
                        "AND state >= 0"),
                new Mutation(
                        "change of what was changed meanwhile",
                        "edits = edits + 1",
                        "AND edits = ?",
                        "AND (edits = ? OR true)"),
                new Mutation(
                        "change without the token",
                        "edits = edits + 1",
                        "FROM t WHERE id = t.job_id",
                        "FROM k WHERE job.id = k.id"),
                new Mutation(
                        "change that leaves the token in its old band",
                        "edits = edits + 1",
                        "class_id, ?, job_id",
                        "class_id, coalesce(band, ?), job_id"),
                new Mutation(
                        "change that leaves the lease as it was",
                        "edits = edits + 1",
                        "UPDATE lease SET band = ?,",
                        "UPDATE lease SET band = coalesce(band, ?),"),
                new Mutation(
                        "promote of what a batch holds",
                        "DELETE FROM delayed WHERE job_id IN",
                        "held_by IS NULL AND",
                        ""),
                new Mutation(
                        "release of more than the limit of a batch",
                        "SET active = ARRAY",
                        "- (SELECT count(*) FROM a)",
                        ""),
                new Mutation(
                        "release by two leaders at once",
                        "SET active = ARRAY",
                        "FOR UPDATE),",
                        "),"),
                new Mutation(
                        "the end of a batch of which a job lives",
                        "AS leaves_at",
                        "AND c.live = 0",
                        ""),
                new Mutation(
                        "cancel of many without flagging their leases",
                        "= ANY (?::uuid[]) AND tenant_id = ? AND state = 0",
                        "SET canceled = true",
                        "SET canceled = canceled"),
                new Mutation(
                        "cancel of many without their tokens",
                        "= ANY (?::uuid[]) AND tenant_id = ? AND state = 0",
                        "FROM t WHERE id = t.job_id",
                        "FROM (SELECT k.id AS job_id, t.epoch, t.worker_id FROM k LEFT JOIN t ON t.job_id = k.id) t WHERE id = t.job_id"));
    }
}
