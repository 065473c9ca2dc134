package dev.comfyapi.api.clock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.springframework.dao.QueryTimeoutException;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.atomic.AtomicReference;

class DatabaseTimeTest {

    private static final Instant THEN = Instant.parse("2001-02-03T04:05:06Z");
    private static final Duration MOMENT = Duration.ofSeconds(20);

    @Test
    void before_the_first_reading_it_is_the_time_of_this_machine() {
        var time = new DatabaseTime(() -> THEN);

        assertThat(time.instant()).isCloseTo(Instant.now(), within(20, ChronoUnit.SECONDS));
    }

    @Test
    void afterwards_it_is_the_time_of_the_database_and_goes_on() {
        var time = new DatabaseTime(() -> THEN);
        time.read();

        var first = time.instant();
        var second = time.instant();

        assertThat(first).isBetween(THEN, THEN.plus(MOMENT));
        assertThat(second).isAfterOrEqualTo(first);
    }

    @Test
    void a_database_that_does_not_answer_takes_nothing_from_the_reading_before() {
        var database = new AtomicReference<Instant>(THEN);
        var time =
                new DatabaseTime(() -> {
                    var now = database.get();
                    if (now.equals(Instant.MAX)) {
                        throw new QueryTimeoutException("away");
                    }
                    return now;
                });
        time.read();
        database.set(Instant.MAX);

        assertThatThrownBy(time::read).isInstanceOf(QueryTimeoutException.class);

        assertThat(time.instant()).isBetween(THEN, THEN.plus(MOMENT));
    }
}
