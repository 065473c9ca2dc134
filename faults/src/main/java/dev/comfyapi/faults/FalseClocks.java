package dev.comfyapi.faults;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// Clocks of processes that show what they are told to, by libfaketime: it stands between a process
/// and the C library. Only the time of day is false; the monotonic clock is the machine's.
final class FalseClocks {

    private static final String LIBRARY = "libfaketime.so.1";
    private static final List<String> PLACES =
            List.of("/usr/lib", "/usr/lib64", "/usr/local/lib", "/opt/homebrew/lib");

    private final Path library;
    private final Path folder;

    private FalseClocks(Path library, Path folder) {
        this.library = library;
        this.folder = folder;
    }

    /// Empty where libfaketime is not installed.
    static Optional<FalseClocks> find() throws IOException {
        for (var place : PLACES) {
            var folder = Path.of(place);
            if (Files.isDirectory(folder)) {
                try (Stream<Path> files =
                        Files.find(folder, 4, (path, _) -> path.endsWith("faketime/" + LIBRARY))) {
                    @Nullable Path library = files.findFirst().orElse(null);
                    if (library != null) {
                        return Optional.of(
                                new FalseClocks(library, Files.createTempDirectory("clocks")));
                    }
                }
            }
        }
        return Optional.empty();
    }

    /// Gives a process that is about to start a clock of its own.
    void give(String process, Map<String, String> environment) throws IOException {
        set(process, Duration.ZERO);
        environment.put("LD_PRELOAD", library.toString());
        environment.put("FAKETIME_TIMESTAMP_FILE", file(process).toString());
        environment.put("FAKETIME_CACHE_DURATION", "1");
        environment.put("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        // Otherwise each wait that ends by the monotonic clock, which Java's all do, ends at once.
        environment.put("FAKETIME_FORCE_MONOTONIC_FIX", "0");
    }

    /// From now on, within a second, that process' clock is so much ahead of the machine's.
    void set(String process, Duration ahead) throws IOException {
        var next = folder.resolve(process + ".next");
        Files.writeString(next, "%+d\n".formatted(ahead.toSeconds()));
        Files.move(
                next,
                file(process),
                StandardCopyOption.ATOMIC_MOVE,
                StandardCopyOption.REPLACE_EXISTING);
    }

    private Path file(String process) {
        return folder.resolve(process + ".clock");
    }
}
