package dev.comfyapi.api.dispatch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.api.dispatch.SimulatedFleet.Model;
import dev.comfyapi.api.dispatch.SimulatedFleet.Tenant;
import dev.comfyapi.api.dispatch.Snapshot.Policy;
import dev.comfyapi.api.queue.Forecast;
import dev.comfyapi.model.job.JobId;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/// What clients are told of the start of their jobs, against what then happens on a simulated fleet
/// under the real [Matcher]. Each job is asked for once, when it was submitted and has to wait. The
/// seed is printed; `-Dsimulation.seed=` takes another history, `-Dsimulation.ticks=` makes it
/// longer.
class ForecastSimulationTest {

    private static final int TICKS = Integer.getInteger("simulation.ticks", 20_000);
    private static final long SEED = Long.getLong("simulation.seed", 7);

    private static final Policy OURS = new Policy(300_000, 4, 3_000, 8);
    private static final Model SD15 = new Model("checkpoints/sd15.safetensors", 1_000, 3_000);
    private static final Model SDXL = new Model("checkpoints/sdxl.safetensors", 4_000, 8_000);
    private static final Model FLUX = new Model("unet/flux.safetensors", 12_000, 20_000);
    private static final Set<String> FILES = Set.of(SD15.name(), SDXL.name(), FLUX.name());

    @Test
    void one_tenant_with_bursts_is_told_the_truth() {
        assertGood(
                measure(
                        "one tenant, one model",
                        List.of(new Tenant(1, 100, 2, 60_000, 50, List.of(SDXL)))));
    }

    @Test
    void tenants_that_share_the_fleet_are_told_the_truth() {
        assertGood(
                measure(
                        "three tenants, one model",
                        List.of(
                                new Tenant(1, 100, 2, 80_000, 40, List.of(SDXL)),
                                new Tenant(2, 100, 2, 60_000, 15, List.of(SDXL)),
                                new Tenant(1, 100, 2, 20_000, 2, List.of(SDXL)))));
    }

    @Test
    void a_tenant_at_its_limit_is_told_the_truth() {
        assertGood(
                measure(
                        "a limit of two",
                        List.of(
                                new Tenant(1, 2, 2, 60_000, 20, List.of(SDXL)),
                                new Tenant(1, 100, 2, 60_000, 10, List.of(SDXL)))));
    }

    @Test
    void where_models_have_to_be_loaded_the_late_time_still_holds() {
        var came =
                measure(
                        "three tenants, three models",
                        List.of(
                                new Tenant(1, 100, 2, 100_000, 100, List.of(SD15, SDXL)),
                                new Tenant(1, 100, 2, 20_000, 1, List.of(SDXL)),
                                new Tenant(1, 100, 2, 60_000, 1, List.of(FLUX))));
        assertThat(came.error()).isLessThan(0.6);
        assertThat(came.covered()).isGreaterThan(0.75);
    }

    private static void assertGood(Came came) {
        assertThat(came.asked()).isGreaterThan(100);
        assertThat(came.error()).isLessThan(0.45);
        assertThat(came.covered()).isGreaterThan(0.75);
    }

    /// @param error median of the difference between told and true, as a share of the true wait
    /// @param covered share of the jobs that had started by the late time
    private record Came(int asked, double error, double covered) {}

    private record Told(long at, Forecast.Start start) {}

    private static Came measure(String name, List<Tenant> tenants) {
        var fleet =
                new SimulatedFleet(
                        tenants,
                        IntStream.range(0, 4).mapToObj(_ -> FILES).toList(),
                        OURS,
                        true,
                        SEED);
        var told = new HashMap<JobId, Told>();
        var seen = new HashSet<JobId>();
        var errors = new ArrayList<Double>();
        var biases = new ArrayList<Double>();
        int covered = 0;
        for (int i = 0; i < TICKS; i++) {
            for (var placed : fleet.tick().placed()) {
                var was = told.remove(placed.job().id());
                if (was != null) {
                    long waited = fleet.now() + placed.behindMs() - was.at();
                    double off = was.start().likelyMs() - waited;
                    errors.add(Math.abs(off) / Math.max(1_000, waited));
                    biases.add(off / 1_000);
                    covered += waited <= was.start().lateMs() ? 1 : 0;
                }
            }
            for (var job : fleet.waiting()) {
                if (seen.add(job.id())) {
                    fleet.forecast(job)
                            .ifPresent(start -> told.put(job.id(), new Told(fleet.now(), start)));
                }
            }
        }
        errors.sort(null);
        biases.sort(null);
        var came =
                new Came(
                        errors.size(),
                        errors.get(errors.size() / 2),
                        (double) covered / errors.size());
        System.out.printf(
                "%-28s seed %d: %d jobs asked, median error %.0f %% (median of told minus true %.1f"
                        + " s), started by the late time %.1f %%%n",
                name,
                SEED,
                came.asked(),
                came.error() * 100,
                biases.get(biases.size() / 2),
                came.covered() * 100);
        return came;
    }
}
