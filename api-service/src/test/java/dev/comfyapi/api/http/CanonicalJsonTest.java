package dev.comfyapi.api.http;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

class CanonicalJsonTest {

    private static final JsonMapper JSON =
            JsonMapper.builder().enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS).build();

    private static String canonical(String json) {
        return CanonicalJson.of(JSON.readTree(json));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    {"b": 1, "a": [true, null]} | {"a":[true,null],"b":1}
                    {}                          | {}
                    []                          | []
                    1.0                         | 1
                    1e2                         | 1E+2
                    100                         | 1E+2
                    -0                          | 0
                    0.00                        | 0
                    "é\\u0041"                  | "éA"
                    18446744073709551615        | 18446744073709551615
                    """)
    void equal_values_are_written_alike(String json, String expected) {
        assertThat(canonical(json)).isEqualTo(expected);
    }

    @Test
    void seeds_beyond_doubles_stay_different() {
        assertThat(canonical("9007199254740993")).isNotEqualTo(canonical("9007199254740992"));
    }

    @Test
    void a_huge_exponent_is_not_written_out() {
        assertThat(canonical("1e999999999")).hasSizeLessThan(20);
    }
}
