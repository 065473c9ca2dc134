package dev.comfyapi.model.workflow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Map;

class GraphTest {

    private static final String VALID =
            """
            {"1": {"class_type": "EmptyImage", "inputs": {"width": 64}},
             "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "theirs"}}}
            """;

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "[]|''",
                "{}|''",
                "not json|''",
                "{\"1\": 5}|/1",
                "{\"1\": {\"inputs\": {}}}|/1/class_type",
                "{\"1\": {\"class_type\": \"X\"}}|/1/inputs"
            })
    void what_is_no_graph_is_refused_and_the_place_is_named(String json, String pointer) {
        assertThatThrownBy(() -> graph(json))
                .asInstanceOf(InstanceOfAssertFactories.type(MalformedGraphException.class))
                .extracting(MalformedGraphException::pointer)
                .isEqualTo(pointer);
    }

    @Test
    void seeds_are_exchanged_where_they_are_numbers_and_nowhere_else() {
        var original =
                graph(
                        """
                        {"1": {"class_type": "A", "inputs": {"seed": 18446744073709551615, "steps": 7}},
                         "2": {"class_type": "B", "inputs": {"noise_seed": 7, "seed": ["1", 0]}},
                         "3": {"class_type": "C", "inputs": {"seed": "7"}}}
                        """);

        var other = original.withSeeds(old -> old.subtract(BigInteger.ONE)).toJson();

        assertThat(other.at("/1/inputs/seed").toString()).isEqualTo("18446744073709551614");
        assertThat(other.at("/1/inputs/steps").toString()).isEqualTo("7");
        assertThat(other.at("/2/inputs/noise_seed").toString()).isEqualTo("6");
        assertThat(other.at("/2/inputs/seed").isArray()).isTrue();
        assertThat(other.at("/3/inputs/seed").isString()).isTrue();
    }

    @Test
    void only_a_graph_that_goes_past_the_cache_gets_another_salt() {
        var cached = graph(VALID);
        var salted = cached.withoutCache("one");

        assertThat(cached.withNewSalt("two")).isEqualTo(cached);
        assertThat(salted.withNewSalt("two")).isEqualTo(cached.withoutCache("two"));
    }

    @Test
    void the_prefix_of_its_files_is_the_servers_and_the_original_stays() {
        var original = graph(VALID);

        var patched = original.withFilenamePrefix("jobs/j/1/img");

        assertThat(patched.toJson().at("/2/inputs/filename_prefix").stringValue())
                .isEqualTo("jobs/j/1/img");
        assertThat(original.toJson().at("/2/inputs/filename_prefix").stringValue())
                .isEqualTo("theirs");
        assertThat(patched.toJson().at("/1")).isEqualTo(original.toJson().at("/1"));
    }

    @Test
    void its_text_form_shows_classes_and_no_prompt() {
        assertThat(graph(VALID)).hasToString("Graph{1=EmptyImage, 2=SaveImage}");
    }

    private static Graph graph(String json) {
        return Graph.parse(json.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void a_text_is_replaced_wherever_it_is_an_input_and_nowhere_else() {
        var graph =
                Graph.parse(
                        """
                        {"1": {"class_type": "LoadImage", "inputs": {"image": "a", "n": 1}},
                         "2": {"class_type": "a", "inputs": {"mask": "a", "link": ["a", 0], "other": "a b"}}}
                        """
                                .getBytes(StandardCharsets.UTF_8));

        var changed = graph.withTexts(Map.of("a", "x/y.png", "1", "z"));

        assertThat(graph.texts()).containsExactly("a", "a b");
        assertThat(changed.toText())
                .isEqualTo(
                        "{\"1\":{\"class_type\":\"LoadImage\",\"inputs\":{\"image\":\"x/y.png\",\"n\":1}},"
                                + "\"2\":{\"class_type\":\"a\",\"inputs\":{\"mask\":\"x/y.png\",\"link\":[\"a\",0],\"other\":\"a b\"}}}");
        assertThat(graph.texts()).containsExactly("a", "a b");
    }
}
