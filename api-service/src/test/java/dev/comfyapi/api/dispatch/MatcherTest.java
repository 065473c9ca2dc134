package dev.comfyapi.api.dispatch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.api.dispatch.Matcher.Candidate;
import dev.comfyapi.db.queue.Assigning;
import dev.comfyapi.db.queue.Group;
import dev.comfyapi.db.queue.Head;
import dev.comfyapi.db.queue.LeaderStore.Capabilities;
import dev.comfyapi.model.job.JobClass;
import dev.comfyapi.model.job.JobId;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;

class MatcherTest {

    private static final String SD15 = "checkpoints/sd15.safetensors";
    private static final String FLUX = "checkpoints/flux.safetensors";
    private static final Map<Integer, JobClass> CLASSES =
            Map.of(
                    1, new JobClass(SD15, List.of(SD15), List.of("KSampler"), 0, "default"),
                    2, new JobClass(FLUX, List.of(FLUX), List.of("KSampler"), 16_000, "default"),
                    3, new JobClass("", List.of(), List.of("KSampler"), 0, "night"));

    @Test
    void jobs_go_out_by_band_and_then_in_order_of_submission() {
        var late = head(1, 2, 30);
        var early = head(1, 2, 10);
        var urgent = head(1, 0, 40);

        var matched = match(List.of(late, early, urgent), worker(1, 0, 2));

        assertThat(jobs(matched)).containsExactly(urgent.job(), early.job());
    }

    @Test
    void a_worker_without_the_model_the_node_the_memory_or_the_pool_gets_nothing() {
        var withoutModel = worker(1, "default", 24_000, Set.of(SD15), Set.of("KSampler"));
        var withoutNode = worker(2, "default", 24_000, Set.of(FLUX), Set.of());
        var withoutMemory = worker(3, "default", 8_000, Set.of(FLUX), Set.of("KSampler"));
        var ofAnotherPool = worker(4, "night", 24_000, Set.of(FLUX), Set.of("KSampler"));

        assertThat(
                        match(
                                List.of(head(2, 2, 1)),
                                withoutModel,
                                withoutNode,
                                withoutMemory,
                                ofAnotherPool))
                .isEmpty();
    }

    @Test
    void a_job_that_nobody_can_run_holds_up_no_other() {
        var impossible = head(3, 0, 1);
        var possible = head(1, 4, 2);

        assertThat(jobs(match(List.of(impossible, possible), worker(1, 0, 1))))
                .containsExactly(possible.job());
    }

    @Test
    void idle_workers_are_filled_before_anyone_gets_a_second_job() {
        var matched =
                match(
                        List.of(head(1, 2, 1), head(1, 2, 2), head(1, 2, 3)),
                        worker(1, 1, 1),
                        worker(2, 0, 2),
                        worker(3, 0, 2));

        assertThat(matched).extracting(Assigning::worker).startsWith(2L, 3L);
    }

    @Test
    void among_equally_free_workers_the_one_that_holds_the_model_is_taken() {
        var cold = new Candidate(1, "default", FLUX, 24_000, all(), 0, 1);
        var warm = new Candidate(2, "default", SD15, 24_000, all(), 0, 1);

        assertThat(match(List.of(head(1, 2, 1)), cold, warm))
                .extracting(Assigning::worker)
                .containsExactly(2L);
    }

    @Test
    void the_worker_a_job_failed_on_is_avoided_while_others_have_room() {
        var head = new Head(new Group(1, 1, (short) 2), id(1), 1L);

        assertThat(match(List.of(head), worker(1, 0, 1), worker(2, 1, 1)))
                .extracting(Assigning::worker)
                .containsExactly(2L);
        assertThat(match(List.of(head), worker(1, 0, 1), worker(2, 2, 0)))
                .extracting(Assigning::worker)
                .containsExactly(1L);
        assertThat(match(List.of(head), worker(1, 0, 1)))
                .extracting(Assigning::worker)
                .containsExactly(1L);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void whatever_waits_nobody_gets_more_than_fits_or_what_it_cannot_run(long seed) {
        var random = new Random(seed);
        for (int round = 0; round < 200; round++) {
            var waiting = new ArrayList<Head>();
            for (int i = 0; i < random.nextInt(30); i++) {
                waiting.add(head(1 + random.nextInt(3), random.nextInt(5), i));
            }
            var workers = new ArrayList<Candidate>();
            for (int i = 1; i <= random.nextInt(8); i++) {
                int held = random.nextInt(3);
                workers.add(
                        new Candidate(
                                i,
                                random.nextBoolean() ? "default" : "night",
                                random.nextBoolean() ? SD15 : null,
                                random.nextBoolean() ? 8_000 : 24_000,
                                random.nextBoolean()
                                        ? all()
                                        : new Capabilities(Set.of(SD15), Set.of("KSampler")),
                                held,
                                2 - held));
            }
            int most = 1 + random.nextInt(10);

            var matched = Matcher.match(waiting, CLASSES, workers, most);

            assertThat(matched).hasSizeLessThanOrEqualTo(most);
            assertThat(new HashSet<>(jobs(matched))).hasSameSizeAs(matched);
            for (var worker : workers) {
                var given = matched.stream().filter(m -> m.worker() == worker.id()).toList();
                assertThat(given).hasSizeLessThanOrEqualTo(worker.room());
                assertThat(given)
                        .allMatch(m ->
                                worker.canRun(CLASSES.getOrDefault(m.group().classId(), NONE)));
            }
            if (matched.size() < most) {
                // Work-conserving: what was left over fits nowhere.
                waiting.stream()
                        .filter(head -> !jobs(matched).contains(head.job()))
                        .forEach(head ->
                                assertThat(workers)
                                        .noneMatch(w ->
                                                w.canRun(
                                                                CLASSES.getOrDefault(
                                                                        head.group().classId(),
                                                                        NONE))
                                                        && matched.stream()
                                                                        .filter(m ->
                                                                                m.worker()
                                                                                        == w.id())
                                                                        .count()
                                                                < w.room()));
            }
        }
    }

    private static final JobClass NONE = new JobClass("", List.of(), List.of(), 0, "none");

    private static List<Assigning> match(List<Head> waiting, Candidate... workers) {
        return Matcher.match(waiting, CLASSES, List.of(workers), 100);
    }

    private static List<JobId> jobs(List<Assigning> assignings) {
        return assignings.stream().map(Assigning::job).toList();
    }

    private static Head head(int classId, int band, int order) {
        return new Head(new Group(1, classId, (short) band), id(order), null);
    }

    private static JobId id(int order) {
        return new JobId(new UUID(order, order));
    }

    private static Candidate worker(long id, int held, int room) {
        return new Candidate(id, "default", null, 24_000, all(), held, room);
    }

    private static Candidate worker(
            long id, String pool, @Nullable Integer vram, Set<String> models, Set<String> nodes) {
        return new Candidate(id, pool, null, vram, new Capabilities(models, nodes), 0, 1);
    }

    private static Capabilities all() {
        return new Capabilities(Set.of(SD15, FLUX), Set.of("KSampler"));
    }
}
