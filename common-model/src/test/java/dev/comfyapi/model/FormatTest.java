package dev.comfyapi.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.ImportOrderer;
import com.google.googlejavaformat.java.JavaFormatterOptions;
import com.google.googlejavaformat.java.JavaFormatterOptions.Style;
import com.google.googlejavaformat.java.RemoveUnusedImports;

import org.junit.jupiter.api.Test;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Holds every Java file of every module to one format.
///
/// A test and not a Maven plugin, because the formatter parses with the compiler of the JVM it runs
/// in: tests run on JDK 25 also when Maven runs on an older one. `mvn -pl common-model test
/// -Dtest=FormatTest -Dformat.write=true` mends.
class FormatTest {

    private static final Formatter FORMATTER =
            new Formatter(JavaFormatterOptions.builder().style(Style.AOSP).build());

    @Test
    void every_source_file_is_formatted() throws Exception {
        var unformatted = new ArrayList<Path>();

        for (var file : sources()) {
            var source = Files.readString(file);
            var formatted =
                    ImportOrderer.reorderImports(
                            RemoveUnusedImports.removeUnusedImports(FORMATTER.formatSource(source)),
                            Style.AOSP);
            if (!formatted.equals(source)) {
                if (Boolean.getBoolean("format.write")) {
                    Files.writeString(file, formatted);
                } else {
                    unformatted.add(file);
                }
            }
        }

        assertThat(unformatted)
                .as("mvn -pl common-model test -Dtest=FormatTest -Dformat.write=true")
                .isEmpty();
    }

    private static List<Path> sources() throws Exception {
        try (var files = Files.walk(Path.of(".."))) {
            return files.filter(file -> file.toString().endsWith(".java"))
                    .filter(file -> file.toString().contains("/src/"))
                    .toList();
        }
    }
}
