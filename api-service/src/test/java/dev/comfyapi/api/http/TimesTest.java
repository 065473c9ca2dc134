package dev.comfyapi.api.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.api.Api;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TimesTest {

    @Test
    void times_with_four_digits_of_the_year_are_read() {
        assertThat(Times.parse("2026-01-31T12:00:00+01:00")).isPresent();
        assertThat(Times.parse("0001-01-01T00:00:00Z")).isPresent();
        assertThat(Times.parse("9999-12-31T23:59:59Z")).isPresent();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "+999999999-01-01T00:00:00Z",
                "-999999999-01-01T00:00:00Z",
                "0000-12-31T23:59:59Z",
                "9999-12-31T23:59:59.999999999Z",
                "9999-12-31T23:59:59-18:00",
                "2026-13-01T00:00:00Z",
                "yesterday"
            })
    void others_are_none(String text) {
        assertThat(Times.parse(text)).isEmpty();
    }

    @Test
    void a_time_that_the_database_does_not_have_is_a_bad_parameter() {
        var used =
                Api.shared()
                        .get(
                                "/api/v1/usage?from=%2B999999998-12-01T00:00:00Z&to=%2B999999999-01-01T00:00:00Z");

        assertThat(used.status()).isEqualTo(400);
        assertThat(used.at("/code")).isEqualTo("bad_parameter");
    }
}
