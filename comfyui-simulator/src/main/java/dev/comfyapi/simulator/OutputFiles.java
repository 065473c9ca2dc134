package dev.comfyapi.simulator;

import tools.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The files of one output node: where its prefix leads, and which number comes next.
final class OutputFiles {

    private final ServerFolders.Kind kind;
    private final Path folder;
    private final String subfolder;
    private final String name;
    private int counter;

    private OutputFiles(
            ServerFolders.Kind kind, Path folder, String subfolder, String name, int counter) {
        this.kind = kind;
        this.folder = folder;
        this.subfolder = subfolder;
        this.name = name;
        this.counter = counter;
    }

    /// @throws NodeFailure if the prefix leads out of the folder
    static OutputFiles at(
            ServerFolders disk, ServerFolders.Kind kind, String prefix, int width, int height)
            throws NodeFailure {
        var root = disk.path(kind);
        var filled = placeholders(prefix, width, height, LocalDateTime.now(ZoneId.systemDefault()));
        Path relative;
        try {
            relative = Path.of(filled.isEmpty() ? "." : filled).normalize();
        } catch (InvalidPathException e) {
            throw new NodeFailure("ValueError", "embedded null byte");
        }
        var parent = relative.getParent();
        var subfolder = parent == null ? "" : parent.toString();
        var name = relative.getFileName() == null ? "." : relative.getFileName().toString();
        var folder = root.resolve(subfolder).normalize();
        if (!folder.startsWith(root) || relative.startsWith("..")) {
            throw new NodeFailure(
                    "Exception",
                    "**** ERROR: Saving image outside the output folder is not allowed.\n folder: %s\n"
                            .formatted(folder));
        }
        ServerFolders.create(folder);
        return new OutputFiles(
                kind, folder, subfolder, name.isEmpty() ? "." : name, nextNumber(folder, name));
    }

    private static String placeholders(String prefix, int width, int height, LocalDateTime now) {
        var filled = prefix;
        for (var entry :
                Map.of(
                                "%width%", width,
                                "%height%", height,
                                "%year%", now.getYear())
                        .entrySet()) {
            filled = filled.replace(entry.getKey(), entry.getValue().toString());
        }
        for (var entry :
                Map.of(
                                "%month%", now.getMonthValue(),
                                "%day%", now.getDayOfMonth(),
                                "%hour%", now.getHour(),
                                "%minute%", now.getMinute(),
                                "%second%", now.getSecond())
                        .entrySet()) {
            filled = filled.replace(entry.getKey(), "%02d".formatted(entry.getValue()));
        }
        return filled;
    }

    private static int nextNumber(Path folder, String name) {
        var numbered = Pattern.compile(Pattern.quote(name) + "_(\\d{1,9})(_.*|\\..*)");
        try (var files = Files.list(folder)) {
            return files.map(path -> numbered.matcher(path.getFileName().toString()))
                            .filter(Matcher::matches)
                            .mapToInt(match -> Integer.parseInt(match.group(1)))
                            .max()
                            .orElse(0)
                    + 1;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Writes the next file and answers its entry for the history.
    ///
    /// @param ending what follows the number, for example `_.png`
    ObjectNode write(byte[] content, int indexInBatch, String ending) {
        var file =
                "%s_%05d%s"
                        .formatted(
                                name.replace("%batch_num%", Integer.toString(indexInBatch)),
                                counter++,
                                ending);
        try {
            Files.write(folder.resolve(file), content);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return Json.object()
                .put("filename", file)
                .put("subfolder", subfolder)
                .put("type", kind.word());
    }
}
