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

    /// Each guard of the statements is there for a reason: without it, the run above fails.
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
                        "true"));
    }
}
