package dev.comfyapi.api.dispatch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.api.dispatch.Matcher.Matches;
import dev.comfyapi.api.dispatch.Snapshot.Candidate;
import dev.comfyapi.api.dispatch.Snapshot.Policy;
import dev.comfyapi.api.dispatch.Snapshot.Share;
import dev.comfyapi.api.dispatch.Snapshot.Waiting;
import dev.comfyapi.db.queue.Assigning;
import dev.comfyapi.db.queue.Estimate;
import dev.comfyapi.db.queue.Group;
import dev.comfyapi.db.queue.Head;
import dev.comfyapi.db.queue.LeaderStore.Capabilities;
import dev.comfyapi.db.queue.Pauses;
import dev.comfyapi.model.job.JobClass;
import dev.comfyapi.model.job.JobId;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.IntStream;

class MatcherTest {

    private static final String SD15 = "checkpoints/sd15.safetensors";
    private static final String FLUX = "checkpoints/flux.safetensors";
    private static final Policy POLICY = new Policy(300_000, 4, 3_000, 8);
    private static final Estimate ONE_SECOND = new Estimate(1_000, 8_000, 10);

    private static final JobClass ON_SD15 = needs(SD15, 0);
    private static final JobClass ON_FLUX = needs(FLUX, 16_000);

    private final Map<Integer, Share> shares = new HashMap<>(Map.of(1, new Share(0, 1, 100)));

    private Pauses pauses = Pauses.NONE;

    @Test
    void what_is_paused_gets_nothing_and_holds_up_nobody() {
        var waiting = List.of(group(1, ON_SD15, 2, head(10)), group(1, elsewhere(), 2, head(20)));

        pauses = new Pauses(false, Set.of("elsewhere"));
        var here = jobs(match(waiting, idle(1, SD15)));
        pauses = new Pauses(false, Set.of("default"));
        var none = jobs(match(waiting, idle(1, SD15)));
        pauses = new Pauses(true, Set.of());
        var nowhere = jobs(match(waiting, idle(1, SD15)));

        assertThat(here).containsExactly(id(10));
        assertThat(none).isEmpty();
        assertThat(nowhere).isEmpty();
    }

    private static JobClass elsewhere() {
        return new JobClass(SD15, List.of(SD15), List.of("KSampler"), 0, "elsewhere");
    }

    @Test
    void jobs_go_out_by_band_and_then_in_order_of_submission() {
        var matched =
                match(
                        List.of(
                                group(1, ON_SD15, 2, head(10), head(30)),
                                group(1, ON_SD15, 0, head(40))),
                        idle(1, SD15),
                        idle(2, SD15));

        assertThat(jobs(matched)).startsWith(id(40), id(10));
    }

    @Test
    void five_minutes_without_a_worker_raise_a_group_by_one_band_for_one_job() {
        var urgent = group(1, ON_SD15, 1, head(40));
        var old = group(1, ON_SD15, 2, waiting(50, 300_000));

        assertThat(jobs(match(List.of(urgent, old), busy(1, SD15, 0))).getFirst())
                .isEqualTo(id(40));
        var older = group(1, ON_SD15, 2, waiting(50, 600_000), waiting(51, 600_000));
        assertThat(jobs(match(List.of(urgent, older), idle(1, SD15))))
                .containsExactly(id(50), id(40), id(51));
    }

    @Test
    void the_tenant_that_has_used_least_of_its_share_comes_first_whatever_the_bands() {
        shares.put(1, new Share(50, 1, 100));
        shares.put(2, new Share(10, 1, 100));

        var matched =
                match(
                        List.of(
                                group(1, ON_SD15, 0, waiting(1, 6_000_000)),
                                group(2, ON_SD15, 2, head(2), head(3))),
                        idle(1, SD15),
                        idle(2, SD15));

        assertThat(jobs(matched)).startsWith(id(2), id(3));
    }

    @Test
    void the_share_that_a_job_takes_counts_at_once_and_by_weight() {
        shares.put(1, new Share(0, 1, 100));
        shares.put(2, new Share(0, 3, 100));
        var workers = IntStream.rangeClosed(1, 8).mapToObj(i -> idle(i, SD15));

        var matched =
                match(
                        List.of(
                                group(1, ON_SD15, 2, heads(1, 9)),
                                group(2, ON_SD15, 2, heads(20, 29))),
                        workers.toArray(Candidate[]::new));

        var firstEight = matched.assignings().subList(0, 8);
        assertThat(firstEight).filteredOn(a -> a.group().tenant() == 2).hasSize(6);
    }

    @Test
    void no_tenant_gets_more_leases_than_it_has_room_for() {
        shares.put(1, new Share(0, 1, 2));

        var matched =
                match(
                        List.of(group(1, ON_SD15, 2, heads(1, 9))),
                        idle(1, SD15),
                        idle(2, SD15),
                        idle(3, SD15));

        assertThat(matched.assignings()).hasSize(2);
    }

    @Test
    void a_tenant_that_is_not_known_gets_nothing() {
        assertThat(jobs(match(List.of(group(9, ON_SD15, 2, head(1))), idle(1, SD15)))).isEmpty();
    }

    @Test
    void a_worker_without_the_model_the_node_the_memory_or_the_pool_gets_nothing() {
        var nodes = Set.of("KSampler");
        var both = Set.of(SD15, FLUX);

        assertThat(
                        jobs(
                                match(
                                        List.of(group(1, ON_FLUX, 2, head(1))),
                                        able(1, "default", 24_000, Set.of(SD15), nodes),
                                        able(2, "default", 24_000, both, Set.of()),
                                        able(3, "default", 8_000, both, nodes),
                                        able(4, "night", 24_000, both, nodes))))
                .isEmpty();
    }

    @Test
    void a_job_that_nobody_can_run_holds_up_no_other() {
        var elsewhere = new JobClass("", List.of(), List.of("KSampler"), 0, "night");

        assertThat(
                        jobs(
                                match(
                                        List.of(
                                                group(1, elsewhere, 0, head(1)),
                                                group(1, ON_SD15, 4, head(2))),
                                        idle(1, SD15))))
                .containsExactly(id(2));
    }

    @Test
    void idle_workers_are_filled_before_anyone_gets_a_second_job() {
        var matched =
                match(
                        List.of(group(1, ON_SD15, 2, heads(1, 3))),
                        busy(1, SD15, 1_000),
                        idle(2, SD15),
                        idle(3, SD15));

        assertThat(matched.assignings()).extracting(Assigning::worker).startsWith(2L, 3L);
    }

    @Test
    void a_worker_is_given_work_for_the_next_seconds_and_not_behind_a_long_run() {
        var line = group(1, ON_SD15, 2, heads(1, 9));

        assertThat(jobs(match(List.of(line), busy(1, SD15, 2_500)))).hasSize(1);
        assertThat(jobs(match(List.of(line), busy(1, SD15, 3_000)))).isEmpty();
        assertThat(jobs(match(List.of(line), busy(1, SD15, Candidate.UNKNOWN)))).isEmpty();
        assertThat(jobs(match(List.of(line), idle(1, SD15)))).hasSize(3);
    }

    @Test
    void however_short_the_jobs_no_worker_holds_more_than_it_may() {
        var line =
                new Waiting(
                        new Group(1, 1, (short) 2),
                        ON_SD15,
                        new Estimate(1, 1, 10),
                        List.of(heads(1, 50)),
                        0,
                        0);

        assertThat(jobs(match(List.of(line), idle(1, SD15)))).hasSize(8);
    }

    @Test
    void a_worker_stays_with_its_model_while_the_fair_one_has_not_waited_for_long() {
        shares.put(1, new Share(20, 1, 100));
        shares.put(2, new Share(0, 1, 100));
        var fair = group(2, ON_FLUX, 2, head(1));
        var sticky = group(1, ON_SD15, 2, head(2));

        var matched = match(List.of(fair, sticky), busy(1, SD15, 2_500));

        assertThat(jobs(matched)).containsExactly(id(2));
        assertThat(matched.passed()).containsExactly(fair.group());
    }

    @Test
    void it_does_not_stay_when_the_other_tenant_is_behind_by_more_than_the_bound() {
        shares.put(1, new Share(40, 1, 100));
        shares.put(2, new Share(0, 1, 100));

        var matched =
                match(
                        List.of(group(2, ON_FLUX, 2, head(1)), group(1, ON_SD15, 2, head(2))),
                        busy(1, SD15, 2_500));

        assertThat(jobs(matched)).containsExactly(id(1));
        assertThat(matched.loads()).containsExactly(id(1));
    }

    @Test
    void it_does_not_stay_when_the_fair_one_was_passed_over_for_too_long() {
        var fair = passed(group(1, ON_FLUX, 2, head(1)), 32_001);

        assertThat(jobs(match(List.of(fair, group(1, ON_SD15, 2, head(2))), busy(1, SD15, 2_500))))
                .containsExactly(id(1));
    }

    @Test
    void it_does_not_stay_for_a_job_of_a_lower_band() {
        assertThat(
                        jobs(
                                match(
                                        List.of(
                                                group(1, ON_FLUX, 1, head(5)),
                                                group(1, ON_SD15, 2, head(2))),
                                        busy(1, SD15, 2_500))))
                .containsExactly(id(5));
    }

    @Test
    void a_job_is_left_to_a_worker_that_has_its_model_and_is_free_before_another_could_load_it() {
        var line = group(1, ON_FLUX, 2, head(1));

        assertThat(jobs(match(List.of(line), idle(1, SD15), busy(2, FLUX, 7_000)))).isEmpty();
        assertThat(match(List.of(line), idle(1, SD15), busy(2, FLUX, 9_000)).assignings())
                .extracting(Assigning::worker)
                .containsExactly(1L);
        assertThat(
                        match(List.of(passed(line, 32_001)), idle(1, SD15), busy(2, FLUX, 7_000))
                                .assignings())
                .extracting(Assigning::worker)
                .containsExactly(1L);
    }

    @Test
    void the_model_that_is_wanted_least_is_dropped_for_another() {
        var matched =
                match(
                        List.of(group(1, ON_FLUX, 1, head(1)), group(1, ON_SD15, 2, heads(2, 9))),
                        idle(1, SD15),
                        idle(2, "checkpoints/forgotten.safetensors"));

        assertThat(matched.assignings())
                .filteredOn(a -> a.job().equals(id(1)))
                .extracting(Assigning::worker)
                .containsExactly(2L);
    }

    @Test
    void the_worker_a_job_failed_on_is_avoided_while_others_have_room() {
        var line = group(1, ON_SD15, 2, new Head(new Group(1, 1, (short) 2), id(1), 1L, 0));

        assertThat(match(List.of(line), idle(1, SD15), busy(2, SD15, 1_000)).assignings())
                .extracting(Assigning::worker)
                .containsExactly(2L);
        assertThat(match(List.of(line), idle(1, SD15), busy(2, SD15, 60_000)).assignings())
                .extracting(Assigning::worker)
                .containsExactly(1L);
        assertThat(match(List.of(line), idle(1, SD15)).assignings())
                .extracting(Assigning::worker)
                .containsExactly(1L);
    }

    // -- what is matched ------------------------------------------------------------------------

    private Matches match(List<Waiting> waiting, Candidate... workers) {
        return Matcher.match(new Snapshot(waiting, List.of(workers), shares, pauses, POLICY, 100));
    }

    private static List<JobId> jobs(Matches matches) {
        return matches.assignings().stream().map(Assigning::job).toList();
    }

    private static Waiting group(int tenant, JobClass needs, int band, Head... heads) {
        var group = new Group(tenant, needs.affinity().equals(FLUX) ? 2 : 1, (short) band);
        return new Waiting(
                group,
                needs,
                ONE_SECOND,
                Arrays.stream(heads)
                        .map(h -> new Head(group, h.job(), h.avoidWorker(), h.waitedMs()))
                        .toList(),
                heads.length == 0 ? 0 : heads[0].waitedMs(),
                0);
    }

    private static Waiting passed(Waiting line, long passedMs) {
        return new Waiting(
                line.group(),
                line.needs(),
                line.estimate(),
                line.heads(),
                line.unservedMs(),
                passedMs);
    }

    private static Head head(int order) {
        return waiting(order, 0);
    }

    private static Head waiting(int order, long waitedMs) {
        return new Head(new Group(0, 0, (short) 0), id(order), null, waitedMs);
    }

    private static Head[] heads(int from, int to) {
        return IntStream.rangeClosed(from, to).mapToObj(MatcherTest::head).toArray(Head[]::new);
    }

    private static JobId id(int order) {
        return new JobId(new UUID(order, order));
    }

    private static JobClass needs(String model, int vram) {
        return new JobClass(model, List.of(model), List.of("KSampler"), vram, "default");
    }

    private static Candidate idle(long id, @Nullable String loaded) {
        return worker(id, loaded, 0, 0);
    }

    private static Candidate busy(long id, @Nullable String loaded, long remainingMs) {
        return worker(id, loaded, remainingMs == 0 ? 0 : 1, remainingMs);
    }

    private static Candidate worker(long id, @Nullable String loaded, int held, long remainingMs) {
        return new Candidate(
                id,
                "default",
                loaded,
                24_000,
                new Capabilities(Set.of(SD15, FLUX), Set.of("KSampler")),
                held,
                remainingMs);
    }

    private static Candidate able(
            long id, String pool, int vram, Set<String> models, Set<String> nodes) {
        return new Candidate(id, pool, null, vram, new Capabilities(models, nodes), 0, 0);
    }
}
