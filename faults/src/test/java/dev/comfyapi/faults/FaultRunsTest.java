package dev.comfyapi.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;

import java.nio.file.Path;

/// The fault runs in a short form; `faults/run <name>` has the long one.
class FaultRunsTest {

    private static final Path PROGRAMS = Path.of("target", "postgres");

    private static void assertKept(FaultRun run) throws Exception {
        run.programs = PROGRAMS;
        assertThat(run.report()).isTrue();
    }

    @Test
    void
            whatever_two_of_four_comfyuis_do_every_job_ends_for_the_right_reason_and_the_others_lose_nothing()
                    throws Exception {
        var run = new ComfyUiFaults();
        run.programs = PROGRAMS;
        run.jobs = 100;
        run.pause = 300;

        assertThat(run.report()).isTrue();
    }

    @Test
    void prompts_whose_answer_was_lost_are_found_again_and_not_run_twice() throws Exception {
        var run = new LostReplies();
        run.programs = PROGRAMS;
        run.jobs = 100;

        assertThat(run.report()).isTrue();
    }

    @Test
    void without_kafka_and_after_it_has_lost_all_it_knew_every_job_ends() throws Exception {
        var run = new KafkaAway();
        run.jobs = 5;

        assertKept(run);
    }

    @Test
    void postgres_is_killed_three_times_and_no_accepted_job_is_lost() throws Exception {
        var run = new PostgresKills();
        run.trials = 3;

        assertKept(run);
    }

    @Test
    void workers_are_killed_at_random_and_every_job_makes_its_one_picture() throws Exception {
        var run = new WorkerKills();
        run.jobs = 1_000;
        run.timed = false;

        assertKept(run);
    }

    @Test
    void workers_that_slept_past_their_lease_leave_nothing_behind() throws Exception {
        var run = new Zombies();
        run.trials = 6;

        assertKept(run);
    }

    @Test
    void the_sender_of_webhooks_is_killed_and_everybody_is_told_of_everything() throws Exception {
        var run = new Webhooks();
        run.events = 200;
        run.every = 10;

        assertKept(run);
    }

    /// Killed, restarted, stopped, cut off and poisoned, one after the other, on one platform that
    /// was started in a strange order.
    @Test
    void the_platform_survives_one_fault_after_the_other() throws Exception {
        var run = new Combined();

        assertKept(run);
    }

    /// Where libfaketime is installed.
    @Test
    void clocks_that_jump_expire_nothing_and_start_nothing_before_its_time() throws Exception {
        assumeTrue(FalseClocks.find().isPresent(), "libfaketime is not installed");
        var run = new ClockJumps();
        run.trials = 4;

        assertKept(run);
    }
}
