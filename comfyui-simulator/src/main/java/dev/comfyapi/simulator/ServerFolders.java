package dev.comfyapi.simulator;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/// ComfyUI's folders on disk: `output` is kept, `input` takes uploads, `temp` is wiped at every
/// start.
final class ServerFolders {

    enum Kind {
        OUTPUT,
        INPUT,
        TEMP;

        String word() {
            return name().toLowerCase(Locale.ROOT);
        }

        static Optional<Kind> of(String word) {
            return Stream.of(values()).filter(kind -> kind.word().equals(word)).findFirst();
        }
    }

    /// A file name as graphs and `/view` write it: `sub/x.png`, perhaps with ` [output]` behind it.
    record Annotated(String name, @Nullable Kind kind) {
        static Annotated parse(String text) {
            for (var kind : Kind.values()) {
                var suffix = " [" + kind.word() + "]";
                if (text.endsWith(suffix)) {
                    return new Annotated(text.substring(0, text.length() - suffix.length()), kind);
                }
            }
            return new Annotated(text, null);
        }
    }

    private static final List<String> PICTURES =
            List.of(".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp");

    private final Path root;

    ServerFolders(Path root) {
        this.root = root.toAbsolutePath().normalize();
        for (var kind : Kind.values()) {
            create(path(kind));
        }
    }

    Path root() {
        return root;
    }

    Path path(Kind kind) {
        return root.resolve(kind.word());
    }

    /// The path of a name inside a folder; empty if it leads out of it.
    Optional<Path> inside(Kind kind, String name) {
        try {
            var folder = path(kind);
            var path = folder.resolve(name).normalize();
            return path.startsWith(folder) ? Optional.of(path) : Optional.empty();
        } catch (InvalidPathException _) {
            return Optional.empty();
        }
    }

    /// The file that a node input such as `LoadImage.image` names, if it exists.
    Optional<Path> annotatedFile(String text, Kind unlessNamed) {
        var name = Annotated.parse(text);
        return inside(name.kind() == null ? unlessNamed : name.kind(), name.name())
                .filter(Files::isRegularFile);
    }

    /// The file that an output item of the history names.
    Optional<Path> reported(JsonNode item) {
        return Kind.of(item.path("type").asString(""))
                .flatMap(kind ->
                        inside(
                                kind,
                                Path.of(
                                                item.path("subfolder").asString(""),
                                                item.path("filename").asString(""))
                                        .toString()));
    }

    List<String> pictures(Kind kind) {
        return list(kind, "", "").stream()
                .filter(name -> PICTURES.stream().anyMatch(name.toLowerCase(Locale.ROOT)::endsWith))
                .toList();
    }

    List<String> subFolders(Kind kind) {
        try (var files = Files.list(path(kind))) {
            return files.filter(Files::isDirectory)
                    .map(path -> path.getFileName().toString())
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// The names of the files directly in a sub-folder that end in a certain way.
    List<String> list(Kind kind, String subFolder, String ending) {
        var folder = path(kind).resolve(subFolder);
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (var files = Files.list(folder)) {
            return files.filter(Files::isRegularFile)
                    .map(path -> path.getFileName().toString())
                    .filter(name -> name.endsWith(ending))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void wipeTemp() {
        delete(path(Kind.TEMP));
        create(path(Kind.TEMP));
    }

    void deleteAll() {
        delete(root);
    }

    static void create(Path folder) {
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void delete(Path folder) {
        if (!Files.exists(folder)) {
            return;
        }
        try (var files = Files.walk(folder)) {
            for (var path : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
