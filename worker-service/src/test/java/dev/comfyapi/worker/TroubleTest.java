package dev.comfyapi.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.model.generation.GenerationRequest;
import dev.comfyapi.model.generation.PictureGraph;
import dev.comfyapi.model.generation.Seed;
import dev.comfyapi.model.job.ErrorCode;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.JobState;
import dev.comfyapi.model.job.TokenPlace;
import dev.comfyapi.model.workflow.Graph;
import dev.comfyapi.simulator.ComfyUiSimulator;
import dev.comfyapi.simulator.Execution;
import dev.comfyapi.simulator.FaultKind;
import dev.comfyapi.worker.Platform.Accepted;

import io.micrometer.core.instrument.MeterRegistry;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;

/// Every trouble of the table in `docs/comfyui-troubles.md`, caused in a simulator under a real
/// worker: the job ends as the table says, for the reason it says, in the time it says.
///
/// After a change of [Trouble] the table is written anew with `-Dtroubles.write=true`.
class TroubleTest {

    private static final Path TABLE = Path.of("..", "docs", "comfyui-troubles.md");
    private static final AtomicInteger SEEDS = new AtomicInteger(1_000);
    private static Platform platform = Platform.start();

    @BeforeAll
    static void warm() {
        platform.makeDays();
    }

    @AfterAll
    static void stop() {
        platform.close();
    }

    @ParameterizedTest
    @EnumSource(Trouble.class)
    void a_job_survives_or_ends_as_the_table_says(Trouble trouble) throws Exception {
        var name = "gpu-" + trouble.name().toLowerCase(java.util.Locale.ROOT);
        var folder = Files.createTempDirectory(platform.folder, name);
        try (var comfyUi =
                        ComfyUiSimulator.builder()
                                .models("checkpoints", List.of("dream.safetensors"))
                                .stepDelay(Duration.ofMillis(25))
                                .start();
                var operator = new Operator(comfyUi, folder);
                var worker =
                        platform.startWorker(
                                name,
                                comfyUi.uri(),
                                "--comfyapi.worker.silence=1s",
                                "--comfyapi.worker.stuck=1s",
                                "--comfyapi.worker.stopping=1s",
                                "--comfyapi.worker.rest=1s",
                                "--comfyapi.artifacts.stall=1s",
                                "--comfyapi.artifacts.largest=4MB",
                                "--comfyapi.worker.restart-command=" + operator.command())) {
            awaitAccepting(name);
            var run = new Trouble.Run(comfyUi, platform, name);
            var job = platform.submit(aPicture(trouble.steps()), false, trouble.runTimeout());
            trouble.before(run);
            platform.assign(job, name);
            trouble.during(run, job);

            lead(job, name, Duration.ofSeconds(30));

            var row = platform.read(job);
            assertThat(row.state()).isEqualTo(trouble.end());
            var codes = codes(worker.getBean(MeterRegistry.class));
            if (trouble.code() == null) {
                assertThat(codes).isEmpty();
                assertThat(row.epoch()).isEqualTo(1);
                assertThat(comfyUi.executions()).hasSize(1);
            } else {
                assertThat(codes).containsOnlyKeys(trouble.code().wire());
                assertThat(trouble.code().isRetryable())
                        .isEqualTo(trouble.end() == JobState.SUCCEEDED);
            }
            assertThat(operator.restarts()).isEqualTo(trouble.restarts() ? 1 : 0);
            // Whatever happened, the next job is run as if nothing had.
            comfyUi.faults().clear();
            awaitAccepting(name);
            var next = platform.submit(aPicture(1));
            lead(next, name, Duration.ofSeconds(30));
            assertThat(platform.read(next).state()).isEqualTo(JobState.SUCCEEDED);
            await().atMost(Duration.ofSeconds(40))
                    .untilAsserted(() ->
                            assertThat(comfyUi.executions())
                                    .extracting(Execution::outcome)
                                    .doesNotContain(Execution.Outcome.RUNNING));
        }
        assertThat(platform.invariants.broken()).isEmpty();
    }

    @Test
    void everything_that_a_simulator_can_do_has_its_line() {
        var faults = EnumSet.allOf(FaultKind.class);
        Arrays.stream(Trouble.values()).map(Trouble::fault).forEach(faults::remove);

        // This one needs an earlier run of the same graph: see WorkerJourneyTest.
        assertThat(faults).containsExactly(FaultKind.DELETED_OUTPUTS);
    }

    @Test
    void the_table_in_the_documentation_is_the_one_that_is_tested() throws IOException {
        var rows =
                Arrays.stream(Trouble.values()).map(Trouble::row).collect(Collectors.joining("\n"));

        var text = Files.readString(TABLE);
        int begin = text.indexOf("|---|");
        int from = text.indexOf('\n', begin) + 1;
        int to = text.indexOf("\n\n", begin);
        if (Boolean.getBoolean("troubles.write")) {
            Files.writeString(TABLE, text.substring(0, from) + rows + text.substring(to));
            return;
        }

        assertThat(text.substring(Math.min(from, to), to)).isEqualTo(rows);
    }

    /// What the API's dispatcher does, for one job, until it has ended.
    private static void lead(Accepted job, String worker, Duration longest) {
        await().atMost(longest)
                .pollInterval(Duration.ofMillis(50))
                .until(() -> {
                    List<JobId> _ = platform.leader.promote(100);
                    var row = platform.read(job);
                    boolean accepting =
                            platform.worker(worker).filter(w -> w.accepting()).isPresent();
                    if (row.place() == TokenPlace.QUEUE && accepting) {
                        platform.assign(job, worker);
                    }
                    return row.state().isFinal();
                });
    }

    private static void awaitAccepting(String worker) {
        await().atMost(Duration.ofSeconds(40))
                .pollInterval(Duration.ofMillis(50))
                .until(() -> platform.worker(worker).filter(w -> w.accepting()).isPresent());
    }

    /// The codes of the worker's failed attempts, with how many there were.
    private static Map<String, Integer> codes(MeterRegistry metrics) {
        var codes = new TreeMap<String, Integer>();
        for (var counter : metrics.find("comfyapi.worker.attempts").counters()) {
            var outcome = String.valueOf(counter.getId().getTag("outcome"));
            if (counter.count() > 0 && ErrorCode.ofWire(outcome).isPresent()) {
                codes.put(outcome, (int) counter.count());
            }
        }
        return codes;
    }

    private static Graph aPicture(int steps) {
        return PictureGraph.of(
                new GenerationRequest(
                        "a lighthouse",
                        "",
                        128,
                        64,
                        steps,
                        BigDecimal.valueOf(7),
                        "euler",
                        "normal",
                        new Seed(SEEDS.incrementAndGet()),
                        "dream.safetensors",
                        1,
                        List.of()));
    }

    /// Restarts the simulator when the worker's restart command asks for it: the command leaves a
    /// file and waits until the old ComfyUI is gone.
    private static final class Operator implements AutoCloseable {

        private final Path asked;
        private final Path done;
        private final AtomicInteger restarts = new AtomicInteger();
        private final Thread thread;

        Operator(ComfyUiSimulator comfyUi, Path folder) {
            asked = folder.resolve("asked");
            done = folder.resolve("done");
            thread = Thread.ofVirtual().start(() -> serve(comfyUi));
        }

        String command() {
            return "rm -f '%2$s'; touch '%1$s'; while [ ! -e '%2$s' ]; do sleep 0.02; done"
                    .formatted(asked, done);
        }

        int restarts() {
            return restarts.get();
        }

        private void serve(ComfyUiSimulator comfyUi) {
            try {
                while (true) {
                    await().forever()
                            .pollInterval(Duration.ofMillis(20))
                            .until(() -> Files.exists(asked));
                    Files.delete(asked);
                    comfyUi.restart();
                    restarts.incrementAndGet();
                    Files.createFile(done);
                }
            } catch (Exception _) {
                // The test is over.
            }
        }

        @Override
        public void close() {
            thread.interrupt();
        }
    }
}
