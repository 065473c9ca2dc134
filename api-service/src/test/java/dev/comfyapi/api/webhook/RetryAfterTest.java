package dev.comfyapi.api.webhook;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.time.Duration;
import java.time.Instant;

class RetryAfterTest {

    private static final Instant NOW = Instant.parse("2026-09-01T12:00:00Z");

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    429 | 120                           | 120
                    503 | ' 7 '                         | 7
                    502 | Tue, 1 Sep 2026 12:00:30 GMT  | 30
                    504 | Tue, 1 Sep 2026 11:00:00 GMT  | 0
                    429 | 999999999                     | 86400
                    429 | 9999999999999                 | 0
                    429 | -5                            | 0
                    429 | soon                          | 0
                    500 | 120                           | 0
                    410 | 120                           | 0
                    """)
    void only_overload_is_asked_when_to_come_back_and_a_day_is_the_most(
            int status, String header, long seconds) {
        assertThat(RetryAfter.of(status, header, NOW)).isEqualTo(Duration.ofSeconds(seconds));
    }

    @Test
    void no_answer_and_no_header_say_nothing() {
        assertThat(RetryAfter.of(null, "5", NOW)).isZero();
        assertThat(RetryAfter.of(429, null, NOW)).isZero();
    }
}
