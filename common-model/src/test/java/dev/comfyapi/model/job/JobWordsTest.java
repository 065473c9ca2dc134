package dev.comfyapi.model.job;

import static dev.comfyapi.model.job.TokenPlace.DELAYED;
import static dev.comfyapi.model.job.TokenPlace.GONE;
import static dev.comfyapi.model.job.TokenPlace.LEASE;
import static dev.comfyapi.model.job.TokenPlace.QUEUE;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;

class JobWordsTest {

    @Test
    void a_token_moves_only_along_the_table() {
        record Move(TokenPlace from, TokenPlace to) {}
        var allowed =
                Set.of(
                        new Move(DELAYED, QUEUE),
                        new Move(DELAYED, GONE),
                        new Move(QUEUE, LEASE),
                        new Move(QUEUE, GONE),
                        new Move(LEASE, QUEUE),
                        new Move(LEASE, DELAYED),
                        new Move(LEASE, GONE));

        var found = new HashSet<Move>();
        for (var from : TokenPlace.values()) {
            for (var to : TokenPlace.values()) {
                if (from.successors().contains(to)) {
                    found.add(new Move(from, to));
                }
            }
        }

        assertThat(found).isEqualTo(allowed);
    }

    @Test
    void a_revision_rises_along_every_life_within_an_epoch_and_to_the_next() {
        var life =
                List.of(
                        Revision.delayed(0),
                        Revision.queued(0),
                        Revision.leased(1, LeaseStage.ASSIGNED, 0),
                        Revision.leased(1, LeaseStage.RUNNING, 0),
                        Revision.leased(1, LeaseStage.RUNNING, 0.5),
                        Revision.leased(1, LeaseStage.RUNNING, 1),
                        Revision.leased(1, LeaseStage.STORING, 1),
                        Revision.delayed(1),
                        Revision.queued(1),
                        Revision.leased(2, LeaseStage.ASSIGNED, 0),
                        Revision.ended(2));

        assertThat(life).isSorted().doesNotHaveDuplicates();
        assertThat(Revision.ended(0)).isGreaterThan(Revision.queued(0));
        assertThat(Revision.leased(1, LeaseStage.RUNNING, 7))
                .isEqualTo(Revision.leased(1, LeaseStage.RUNNING, 1));
    }

    @Test
    void an_attempt_has_the_same_id_each_time_it_is_asked_and_another_in_the_next_epoch() {
        var job = new JobId(UUID.fromString("0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f"));

        assertThat(new LeaseKey(job, 1, 5).attemptId())
                .isEqualTo(new LeaseKey(job, 1, 6).attemptId());
        assertThat(new LeaseKey(job, 2, 5).attemptId())
                .isNotEqualTo(new LeaseKey(job, 1, 5).attemptId());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "x",
                "0198F3C2-7d41-7c55-9a3e-5b0f6c1d2e3f",
                "0198f3c27d417c559a3e5b0f6c1d2e3f",
                "198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f0"
            })
    void only_the_canonical_form_is_an_id(String text) {
        assertThat(JobId.parse(text)).isEmpty();
    }

    @Test
    void ids_sort_as_postgres_sorts_them() {
        var low = new JobId(UUID.fromString("7fffffff-ffff-7fff-bfff-ffffffffffff"));
        var high = new JobId(UUID.fromString("80000000-0000-7000-8000-000000000000"));

        assertThat(low).isLessThan(high);
    }

    @ParameterizedTest
    @EnumSource(JobState.class)
    void what_is_stored_is_read_back(JobState state) {
        assertThat(JobState.ofCode(state.code())).isEqualTo(state);
    }

    @Test
    void what_no_state_is_stored_as_is_refused() {
        assertThatThrownBy(() -> JobState.ofCode(9)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> LeaseStage.ofCode(9)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void priority_and_band_are_the_same_upside_down() {
        for (int value = Priority.LOWEST; value <= Priority.HIGHEST; value++) {
            var priority = new Priority(value);
            assertThat(Priority.ofBand(priority.band())).isEqualTo(priority);
        }
        assertThat(new Priority(2).band()).isZero();
    }

    @Test
    void jobs_that_need_the_same_are_of_one_class_in_whatever_order_they_say_it() {
        var one = new JobClass("a", List.of("b", "a"), List.of("Y", "X", "X"), 0, "default");
        var same = new JobClass("a", List.of("a", "b"), List.of("X", "Y"), 0, "default");
        var other = new JobClass("a", List.of("a"), List.of("b", "X", "Y"), 0, "default");

        assertThat(one.hash()).isEqualTo(same.hash());
        assertThat(other.hash()).isNotEqualTo(same.hash());
    }
}
