package dev.comfyapi.api.limit;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

class PatienceTest {

    private static final long USUAL = TimeUnit.SECONDS.toNanos(1);
    private static final long LITTLE = USUAL / 10;

    private static final int LINE = 32;

    /// Near the end of what it counts to: such times overflow.
    private static final long START = Long.MAX_VALUE - 5 * USUAL;

    private final Patience patience = new Patience(Duration.ofSeconds(1), LINE, START);

    private static long at(double seconds) {
        return START + (long) (seconds * USUAL);
    }

    @Test
    void a_burst_may_wait() {
        patience.nobodyWaits(at(7));

        assertThat(patience.somebodyWaits(at(7.1), 0)).isEqualTo(USUAL);
        assertThat(patience.somebodyWaits(at(7.9), 0)).isEqualTo(USUAL);
    }

    @Test
    void a_line_that_stands_gets_little_patience() {
        patience.nobodyWaits(at(7));

        assertThat(patience.somebodyWaits(at(8), 0)).isEqualTo(LITTLE);
        assertThat(patience.somebodyWaits(at(100), 0)).isEqualTo(LITTLE);
    }

    @Test
    void nobody_waits_behind_a_long_line_unless_it_is_a_burst() {
        patience.nobodyWaits(at(7));

        assertThat(patience.somebodyWaits(at(7.5), 1_000)).isEqualTo(USUAL);
        assertThat(patience.somebodyWaits(at(8), LINE)).isZero();
        assertThat(patience.somebodyWaits(at(8), LINE - 1)).isEqualTo(LITTLE);
    }

    @Test
    void an_empty_line_alone_is_not_the_end_of_an_overload() {
        patience.somebodyWaits(at(1), 0);
        patience.nobodyWaits(at(1.1));
        assertThat(patience.somebodyWaits(at(1.2), 0)).isEqualTo(LITTLE);

        patience.nobodyWaits(at(10.9));
        assertThat(patience.somebodyWaits(at(10.95), 0)).isEqualTo(LITTLE);
        assertThat(patience.somebodyWaits(at(11.1), 0)).isEqualTo(USUAL);
    }

    @Test
    void who_comes_after_a_long_quiet_finds_nobody_waiting() {
        patience.nobodyWaits(at(0));
        patience.nobodyWaits(at(3_600));

        assertThat(patience.somebodyWaits(at(3_600.5), 0)).isEqualTo(USUAL);
    }
}
