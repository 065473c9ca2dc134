package dev.comfyapi.cli;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;

/// Columns as wide as what stands in them.
final class Table {

    private final List<String[]> rows = new ArrayList<>();
    private final int columns;

    Table(String... titles) {
        columns = titles.length;
        rows.add(titles);
    }

    void row(String... cells) {
        rows.add(cells);
    }

    void print(PrintStream out) {
        var widths = new int[columns];
        for (var row : rows) {
            for (int i = 0; i < columns; i++) {
                widths[i] = Math.max(widths[i], row[i].length());
            }
        }
        for (var row : rows) {
            var line = new StringBuilder();
            for (int i = 0; i < columns; i++) {
                line.append(row[i]).repeat(' ', widths[i] - row[i].length() + 2);
            }
            out.println(line.toString().stripTrailing());
        }
    }
}
