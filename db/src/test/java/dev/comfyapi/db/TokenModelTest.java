package dev.comfyapi.db;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/// The protocol of token, epoch and lease as a model (`src/test/promela/token.pml`), for which Spin
/// tries every order of events: what [InterleavingTest] can only sample. In return this knows
/// nothing of SQL.
///
/// Needs `spin` and a C compiler (`apt-get install spin gcc`); skipped without them. With
/// `-Dmodel.mishaps=1` everything that may go wrong does so in each of the runs, which then take
/// minutes.
class TokenModelTest {

    private static final Path MODEL =
            Path.of("src", "test", "promela", "token.pml").toAbsolutePath();
    private static final String MISHAPS = "-DMISHAPS=" + Integer.getInteger("model.mishaps", 0);
    private static final Pattern ERRORS = Pattern.compile("errors: (\\d+)");
    private static final Pattern STATES = Pattern.compile("(\\d+) states, stored");

    @TempDir private Path folder;

    @BeforeAll
    static void spin_is_there() {
        for (var program : List.of("spin", "cc")) {
            assumeTrue(
                    isOnPath(program),
                    () -> program + " is not installed: the model is not checked");
        }
    }

    private static boolean isOnPath(String program) {
        return List.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator)).stream()
                .anyMatch(path -> Files.isExecutable(Path.of(path, program)));
    }

    @Test
    void
            a_job_has_one_token_and_one_end_and_only_the_latest_assignment_counts_whatever_goes_wrong_and_when()
                    throws Exception {
        build("-O1", "-DMISHAPS=1");

        var found = check("-noclaim");

        assertThat(errors(found)).as(found).isZero();
        assertThat(number(STATES, found)).as(found).isGreaterThan(1_000_000);
    }

    @Test
    void every_job_ends_and_leaves_no_lease() throws Exception {
        build("-O0", MISHAPS);

        var found = check("-a", "-f");

        assertThat(errors(found)).as(found).isZero();
    }

    @Test
    void two_leaders_at_once_do_no_harm() throws Exception {
        build("-O0", MISHAPS, "-DLEADERS=2");

        var found = check("-noclaim");

        assertThat(errors(found)).as(found).isZero();
    }

    /// All four are found here. [InterleavingTest] takes the same guards out of the real
    /// statements.
    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"COMPLETE_BY_ID", "COMPLETE_ANY_LEASE", "COMPLETE_ENDED", "SAME_EPOCH"})
    void without_a_guard_something_goes_wrong(String mutation) throws Exception {
        build("-O0", MISHAPS, "-D" + mutation);

        var found = check("-noclaim");

        assertThat(errors(found)).as(found).isPositive();
        assertThat(found).contains("assertion violated");
    }

    @Test
    void without_what_heartbeats_tell_a_lost_message_leaves_a_job_waiting_for_ever()
            throws Exception {
        build("-O0", MISHAPS, "-DDEAF_HEARTBEAT");

        var found = check("-a", "-f");

        assertThat(errors(found)).as(found).isPositive();
        assertThat(found).contains("acceptance cycle");
    }

    /// @param effort of the C compiler: a short search is not worth much
    private void build(String effort, String... defines) throws Exception {
        var spin = new ArrayList<>(List.of("spin"));
        spin.addAll(List.of(defines));
        spin.addAll(List.of("-a", MODEL.toString()));
        var unused = run(spin);
        // Fairness for more than six processes.
        var compiled =
                run(
                        List.of(
                                "cc",
                                effort,
                                "-w",
                                "-DNFAIR=3",
                                "-DMEMLIM=3000",
                                "-o",
                                "pan",
                                "pan.c"));
        assertThat(folder.resolve("pan")).as(unused + compiled).isExecutable();
    }

    private String check(String... options) throws Exception {
        var command = new ArrayList<>(List.of(folder.resolve("pan").toString(), "-m100000"));
        command.addAll(List.of(options));
        var found = run(command);
        // Nothing is shown by a search that was given up.
        assertThat(found)
                .doesNotContain("max search depth too small")
                .doesNotContain("out of memory");
        return found;
    }

    private String run(List<String> command) throws IOException, InterruptedException {
        var output = folder.resolve("output");
        var process =
                new ProcessBuilder(command)
                        .directory(folder.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile())
                        .start();
        try {
            assertThat(process.waitFor(30, TimeUnit.MINUTES)).as("%s ends", command).isTrue();
        } finally {
            process.destroyForcibly();
        }
        return Files.readString(output);
    }

    private static long errors(String found) {
        return number(ERRORS, found);
    }

    private static long number(Pattern pattern, String found) {
        var matcher = pattern.matcher(found);
        assertThat(matcher.find()).as(found).isTrue();
        return Long.parseLong(matcher.group(1));
    }
}
