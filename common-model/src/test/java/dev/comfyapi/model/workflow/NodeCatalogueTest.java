package dev.comfyapi.model.workflow;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.math.BigDecimal;
import java.util.List;
import java.util.Optional;
import java.util.Set;

class NodeCatalogueTest {

    private static final String OLD =
            """
            {"Blur": {"input": {"required": {
                "image": ["IMAGE"],
                "kind": [["box", "gauss"], {"default": "box"}],
                "radius": ["INT", {"min": 1, "max": 31}],
                "sigma": ["FLOAT", {"min": 0.1}]}},
              "output": ["IMAGE"], "output_node": false}}
            """;

    private static final String NEW =
            """
            {"Blur": {"input": {"required": {
                "image": ["IMAGE"],
                "kind": [["gauss", "lens"], {}],
                "radius": ["INT", {"min": 0, "max": 15}],
                "sigma": ["FLOAT", {"min": "-Infinity"}],
                "edge": ["COMBO", {"options": ["wrap", "clamp"]}]}},
              "output": ["IMAGE", ["a", "b"]], "output_node": false},
             "Save": {"input": {}, "output": [], "output_node": true}}
            """;

    private static JsonNode json(String text) {
        return JsonMapper.shared().readTree(text);
    }

    private static NodeCatalogue merged(String... infos) {
        return NodeCatalogue.merged(
                Set.of("Undescribed"),
                List.of(infos).stream().map(NodeCatalogueTest::json).toList());
    }

    private static NodeInput input(NodeClass nodeClass, String name) {
        return Optional.ofNullable(nodeClass.inputs().get(name)).orElseThrow();
    }

    @Test
    void what_any_installation_takes_is_taken() {
        var blur = merged(OLD, NEW).find("Blur").orElseThrow();
        var radius = input(blur, "radius");

        assertThat(input(blur, "kind").choices()).containsOnly("box", "gauss", "lens");
        assertThat(radius.min()).isEqualByComparingTo(BigDecimal.ZERO);
        assertThat(radius.max()).isEqualByComparingTo(BigDecimal.valueOf(31));
        assertThat(input(blur, "sigma").min()).isNull();
        assertThat(input(blur, "edge").required()).isFalse();
        assertThat(input(blur, "edge").choices()).containsOnly("wrap", "clamp");
    }

    @Test
    void merging_leaves_what_is_merged_as_it_is() {
        var old = json(OLD);
        var newer = json(NEW);

        var first = NodeCatalogue.merged(Set.of(), List.of(old, newer, old));

        assertThat(first.names()).containsOnly("Blur", "Save");
        assertThat(old).isEqualTo(json(OLD));
        assertThat(newer).isEqualTo(json(NEW));
    }

    @Test
    void a_class_may_be_known_by_name_only() {
        var catalogue = merged(NEW);

        assertThat(catalogue.names()).containsOnly("Blur", "Save", "Undescribed");
        assertThat(catalogue.find("Undescribed")).isEmpty();
        assertThat(catalogue.find("Save").orElseThrow().isOutput()).isTrue();
        assertThat(catalogue.find("Blur").orElseThrow().outputs())
                .containsExactly("IMAGE", "COMBO");
        assertThat(NodeCatalogue.merged(Set.of(), List.of()).isEmpty()).isTrue();
    }
}
