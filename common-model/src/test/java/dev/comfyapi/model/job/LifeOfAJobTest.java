package dev.comfyapi.model.job;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

class LifeOfAJobTest {

    @Test
    void the_diagram_in_the_documentation_is_the_table_in_the_code() throws Exception {
        var arrows =
                Arrays.stream(TokenPlace.values())
                        .flatMap(from ->
                                from.successors().stream()
                                        .map(to -> "    %s --> %s".formatted(from, to)))
                        .toList();

        var diagram =
                Files.readAllLines(Path.of("..", "docs", "life-of-a-job.md")).stream()
                        .filter(line -> line.contains(" --> "))
                        .toList();

        assertThat(diagram).containsExactlyElementsOf(arrows);
    }
}
