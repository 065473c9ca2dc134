package dev.comfyapi.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.Map;
import java.util.stream.StreamSupport;

/// The table of node classes is complete and readable.
class NodeSignaturesTest {

    private NodeSignatures signatures;

    @BeforeEach
    void read(@TempDir Path folder) {
        var disk = new ServerFolders(folder);
        signatures = new NodeSignatures(new ModelFolders(Map.of(), disk), disk);
    }

    @Test
    void all_classes_of_the_table_are_there_and_three_of_our_own() {
        assertThat(StreamSupport.stream(signatures.all().spliterator(), false)).hasSize(166);
    }

    @Test
    void seeds_are_unsigned_and_choices_complete() {
        var sampler = signatures.find("KSampler");
        assertThat(sampler).isNotNull();
        var info = signatures.objectInfo(sampler).path("input").path("required");

        assertThat(info.path("seed").path(1).path("max").asString())
                .isEqualTo("18446744073709551615");
        assertThat(info.path("sampler_name").path(0)).hasSize(44);
        assertThat(info.path("scheduler").path(0)).hasSize(9);
        assertThat(info.path("positive").path(0).asString()).isEqualTo("CONDITIONING");
    }

    @Test
    void newer_choices_are_written_as_options() {
        var flip = signatures.find("ImageFlip");
        assertThat(flip).isNotNull();

        var method = signatures.objectInfo(flip).path("input").path("required").path("flip_method");

        assertThat(Json.write(method))
                .isEqualTo(
                        "[\"COMBO\",{\"multiselect\":false,\"options\":[\"x-axis: vertically\",\"y-axis: horizontally\"]}]");
    }

    @Test
    void every_class_can_be_described() {
        for (var node : signatures.all()) {
            var info = signatures.objectInfo(node);
            assertThat(info.path("output").size()).isEqualTo(info.path("output_name").size());
            assertThat(info.path("input_order").path("required").size())
                    .isEqualTo(info.path("input").path("required").size());
        }
    }
}
