package dev.comfyapi.api.dispatch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.api.dispatch.SimulatedFleet.Model;
import dev.comfyapi.api.dispatch.SimulatedFleet.Placed;
import dev.comfyapi.api.dispatch.SimulatedFleet.Tenant;
import dev.comfyapi.api.dispatch.SimulatedFleet.Tick;
import dev.comfyapi.api.dispatch.Snapshot.Candidate;
import dev.comfyapi.api.dispatch.Snapshot.Policy;
import dev.comfyapi.api.dispatch.Snapshot.Waiting;
import dev.comfyapi.db.queue.Group;
import dev.comfyapi.model.job.JobId;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// What must hold of every decision of the leader, over long random histories. The seed is printed;
/// `-Dsimulation.seed=` repeats a history, `-Dsimulation.ticks=` makes it longer.
class MatcherSimulationTest {

    private static final int TICKS = Integer.getInteger("simulation.ticks", 20_000);
    private static final long SEED = Long.getLong("simulation.seed", System.nanoTime());

    /// Rules are compared on the same jobs each time: it is a figure, and in a short run some jobs
    /// suit one rule better than another.
    private static final long COMPARED = Long.getLong("simulation.seed", 1);

    private static final double STICKINESS = 4;
    private static final Policy OURS = new Policy(300_000, STICKINESS, 3_000, 8);

    private static final Model SD15 = new Model("checkpoints/sd15.safetensors", 1_000, 3_000);
    private static final Model SDXL = new Model("checkpoints/sdxl.safetensors", 4_000, 8_000);
    private static final Model FLUX = new Model("unet/flux.safetensors", 12_000, 20_000);
    private static final List<Model> ALL = List.of(SD15, SDXL, FLUX);
    private static final Set<String> FILES = Set.of(SD15.name(), SDXL.name(), FLUX.name());

    @Test
    void no_decision_breaks_a_rule_whatever_the_tenants_send() {
        System.out.println("seed " + SEED);
        var random = new Random(SEED);
        int left = TICKS;
        while (left > 0) {
            int ticks = Math.min(left, 2_000);
            var tenants =
                    IntStream.range(0, 2 + random.nextInt(6))
                            .mapToObj(_ -> tenant(random))
                            .toList();
            var workers =
                    IntStream.range(0, 1 + random.nextInt(8)).mapToObj(_ -> files(random)).toList();
            var policy =
                    new Policy(
                            60_000,
                            random.nextInt(6),
                            1_000 + random.nextInt(10_000),
                            1 + random.nextInt(8));
            var fleet = new SimulatedFleet(tenants, workers, policy, true, random.nextLong());
            for (int i = 0; i < ticks; i++) {
                var tick = fleet.tick();
                capabilityIsNeverViolated(tick);
                noJobIsGivenTwice(tick);
                workIsConserved(tick);
                noWorkerIsOverfilled(tick);
                for (int t = 0; t < tenants.size(); t++) {
                    assertThat(fleet.leases(t)).isLessThanOrEqualTo(tenants.get(t).maxRunning());
                }
            }
            left -= ticks;
        }
    }

    /// Two tenants that always have work, each with a model of its own: what they have used, by
    /// weight, never differs by more than the bound on stickiness, one job, and what the runs under
    /// way may come out longer or shorter than expected.
    @Test
    void no_tenant_is_overtaken_by_more_than_the_bound() {
        System.out.println("seed " + SEED);
        int workers = 4;
        double surprise = (OURS.horizonMs() + SDXL.runMs()) / 2_000.0;
        double bound =
                STICKINESS * SDXL.loadMs() / 1_000 + SDXL.runMs() / 1_000.0 + workers * surprise;
        var fleet =
                new SimulatedFleet(
                        List.of(
                                new Tenant(1, 100, 2, 1_000, 4, List.of(SD15)),
                                new Tenant(2, 100, 2, 1_000, 4, List.of(SDXL))),
                        IntStream.range(0, workers).mapToObj(_ -> FILES).toList(),
                        OURS,
                        true,
                        SEED);
        fleet.submit(0);
        fleet.submit(1);
        double most = 0;
        for (int i = 0; i < Math.min(TICKS, 10_000); i++) {
            var shares = fleet.tick().snapshot().shares();
            most =
                    Math.max(
                            most,
                            Math.abs(
                                    Objects.requireNonNull(shares.get(0)).vtime()
                                            - Objects.requireNonNull(shares.get(1)).vtime()));
        }
        System.out.printf("furthest apart %.1f s of %.1f s%n", most, bound);
        assertThat(most).isBetween(0.1, bound);
    }

    /// One worker, one tenant with ten thousand waiting jobs, and another that sends one every half
    /// minute. A job begins when the worker has run what it held.
    @Test
    void ten_thousand_waiting_jobs_delay_the_job_of_another_by_at_most_two_job_lengths() {
        System.out.println("seed " + SEED);
        var fleet =
                new SimulatedFleet(
                        List.of(
                                new Tenant(1, 100, 2, 1L << 40, 10_000, List.of(SDXL)),
                                new Tenant(1, 100, 2, 1L << 40, 1, List.of(SDXL))),
                        List.of(FILES),
                        OURS,
                        true,
                        SEED);
        fleet.submit(0);
        int small = 0;
        for (int i = 0; i < Math.min(TICKS, 20_000); i++) {
            if (i % 317 == 0) {
                fleet.submit(1);
            }
            for (var placed : fleet.tick().placed()) {
                if (placed.job().tenant() == 1) {
                    small++;
                    long ahead = placed.waitedMs() + placed.behindMs();
                    // Two of its neighbours, each up to half longer than the mean.
                    assertThat(ahead).isLessThanOrEqualTo(2 * SDXL.runMs() * 3 / 2);
                }
            }
        }
        assertThat(small).isGreaterThan(10);
    }

    /// A tenant that sends urgent work for four fifths of the fleet, for ever, and now and then a
    /// job of the last band, for another model.
    @Test
    void nobody_starves_in_the_last_band() {
        System.out.println("seed " + SEED);
        long agingMs = 10_000;
        var fleet =
                new SimulatedFleet(
                        List.of(new Tenant(1, 100, 0, 1L << 40, 1, List.of(SD15, SDXL))),
                        List.of(FILES, FILES),
                        new Policy(agingMs, STICKINESS, 3_000, 8),
                        true,
                        SEED);
        long bound =
                5 * agingMs + (long) (STICKINESS * SDXL.loadMs()) + OURS.horizonMs() + SDXL.runMs();
        int last = 0;
        for (int i = 0; i < Math.min(TICKS, 50_000); i++) {
            if (i % 6 == 0) {
                fleet.submit(0, SD15, 0, 1);
            }
            if (i % 600 == 0) {
                fleet.submit(0, SDXL, 4, 1);
            }
            for (var placed : fleet.tick().placed()) {
                if (placed.job().group().band() == 4) {
                    last++;
                    assertThat(placed.waitedMs()).isLessThanOrEqualTo(bound);
                }
            }
        }
        assertThat(last).isGreaterThan(10);
    }

    /// The ways to choose that others use, on the same jobs: a large tenant with bursts and two
    /// small ones with other models. Loading models costs GPU time, waiting for them costs the
    /// small.
    @Test
    void models_are_loaded_seldom_and_small_tenants_do_not_pay_for_it() {
        System.out.println("seed " + COMPARED);
        var fifo = run("first come, first served", new Policy(1L << 40, 0, 3_000, 8), false);
        var strict = run("strictly fair", new Policy(1L << 40, 0, 3_000, 8), true);
        var greedy = run("greedy for loaded models", new Policy(1L << 40, 1e6, 3_000, 8), true);
        var ours = run("ours", OURS, true);

        assertThat(ours.useful()).isGreaterThan(strict.useful() * 0.98);
        assertThat(ours.p95()).isLessThan(fifo.p95());
        assertThat(ours.p95()).isLessThan(greedy.p95());
    }

    private record Came(double useful, long p95) {}

    private static Came run(String name, Policy policy, boolean shared) {
        var fleet =
                new SimulatedFleet(
                        List.of(
                                new Tenant(1, 100, 2, 100_000, 130, List.of(SD15, SDXL)),
                                new Tenant(1, 100, 2, 20_000, 1, List.of(SDXL)),
                                new Tenant(1, 100, 2, 60_000, 1, List.of(FLUX))),
                        IntStream.range(0, 4).mapToObj(_ -> FILES).toList(),
                        policy,
                        shared,
                        COMPARED);
        var small = new ArrayList<Long>();
        for (int i = 0; i < TICKS; i++) {
            fleet.tick().placed().stream()
                    .filter(placed -> placed.job().tenant() > 0)
                    .forEach(placed -> small.add(placed.waitedMs()));
        }
        small.sort(null);
        var came =
                new Came(
                        (double) fleet.usefulMs / fleet.busyMs, small.get(small.size() * 95 / 100));
        System.out.printf(
                "%-26s useful GPU share %.3f, small tenants wait p95 %.1f s%n",
                name, came.useful(), came.p95() / 1_000.0);
        return came;
    }

    // -- what must hold -------------------------------------------------------------------------

    private static void capabilityIsNeverViolated(Tick tick) {
        for (Placed placed : tick.placed()) {
            var needs = line(tick, placed.job().group()).needs();
            assertThat(placed.worker().models).containsAll(needs.models());
        }
    }

    private static void noJobIsGivenTwice(Tick tick) {
        var seen = new HashSet<JobId>();
        tick.matches().assignings().forEach(a -> assertThat(seen.add(a.job())).isTrue());
    }

    /// A worker idles only if nobody waits whom it could run, except for those that are left to a
    /// worker with their model, and those not for longer than the bound.
    private static void workIsConserved(Tick tick) {
        var taken =
                tick.matches().assignings().stream().map(a -> a.job()).collect(Collectors.toSet());
        var busy =
                tick.matches().assignings().stream()
                        .map(a -> a.worker())
                        .collect(Collectors.toSet());
        var got =
                tick.matches().assignings().stream()
                        .collect(
                                Collectors.groupingBy(
                                        a -> a.group().tenant(), Collectors.counting()));
        for (Candidate worker : tick.snapshot().workers()) {
            if (worker.held() > 0 || busy.contains(worker.id())) {
                continue;
            }
            for (var line : tick.snapshot().waiting()) {
                long room =
                        Objects.requireNonNull(tick.snapshot().shares().get(line.group().tenant()))
                                        .room()
                                - got.getOrDefault(line.group().tenant(), 0L);
                boolean waits = line.heads().stream().anyMatch(h -> !taken.contains(h.job()));
                if (waits && room > 0 && worker.canRun(line.needs())) {
                    assertThat(tick.matches().passed()).contains(line.group());
                    assertThat(line.passedMs())
                            .isLessThanOrEqualTo(
                                    (long)
                                            (tick.snapshot().policy().stickiness()
                                                    * line.estimate().loadMs()));
                }
            }
        }
    }

    private static void noWorkerIsOverfilled(Tick tick) {
        for (var placed : tick.placed()) {
            assertThat(placed.worker().held)
                    .hasSizeLessThanOrEqualTo(tick.snapshot().policy().ahead());
        }
    }

    private static Waiting line(Tick tick, Group group) {
        return tick.snapshot().waiting().stream()
                .filter(w -> w.group().equals(group))
                .findFirst()
                .orElseThrow();
    }

    private static Tenant tenant(Random random) {
        var models = ALL.stream().filter(_ -> random.nextBoolean()).toList();
        return new Tenant(
                1 + random.nextInt(4),
                1 + random.nextInt(10),
                random.nextInt(5),
                500 + random.nextInt(30_000),
                1 + random.nextInt(20),
                models.isEmpty() ? ALL : models);
    }

    private static Set<String> files(Random random) {
        return FILES.stream().filter(_ -> random.nextInt(4) > 0).collect(Collectors.toSet());
    }
}
