package dev.comfyapi.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// The guide tells of every fault, in the words of the code; `-Dfaults.write=true` rewrites its
/// table.
class FaultTableTest {

    private static final Path GUIDE = Path.of("../docs/simulator.md");

    @Test
    void the_table_of_faults_is_that_of_the_code() throws IOException {
        var rows = Arrays.stream(FaultKind.values()).map(FaultKind::row).toList();
        if (Boolean.getBoolean("faults.write")) {
            write(rows);
        }

        assertThat(Files.readAllLines(GUIDE)).filteredOn(FaultTableTest::isRow).isEqualTo(rows);
    }

    private static boolean isRow(String line) {
        return line.startsWith("| `");
    }

    private static void write(List<String> rows) throws IOException {
        var lines = new ArrayList<>(Files.readAllLines(GUIDE));
        lines.removeIf(FaultTableTest::isRow);
        lines.addAll(lines.indexOf("|---|---|---|") + 1, rows);
        Files.write(GUIDE, lines);
    }
}
