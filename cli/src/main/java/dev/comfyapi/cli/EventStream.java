package dev.comfyapi.cli;

import org.jspecify.annotations.Nullable;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/// Reads server-sent events as the HTML standard describes them, section "Server-sent events". Not
/// thread-safe.
final class EventStream implements AutoCloseable {

    private final BufferedReader lines;

    EventStream(InputStream body) {
        lines = new BufferedReader(new InputStreamReader(body, StandardCharsets.UTF_8));
    }

    /// @param id what to resume after; null when this event has none
    record Event(String name, String data, @Nullable String id) {}

    /// Waits for the next event; null at the end of the stream.
    ///
    /// @throws IOException when the connection breaks
    @Nullable Event next() throws IOException {
        var name = "message";
        var data = new StringBuilder();
        @Nullable String id = null;
        while (true) {
            var line = lines.readLine();
            if (line == null) {
                return null;
            }
            if (line.isEmpty()) {
                if (!data.isEmpty()) {
                    return new Event(name, data.toString(), id);
                }
                name = "message";
                id = null;
                continue;
            }
            int colon = line.indexOf(':');
            if (colon == 0) {
                continue;
            }
            var field = colon < 0 ? line : line.substring(0, colon);
            var value = colon < 0 ? "" : line.substring(colon + 1).replaceFirst("^ ", "");
            switch (field) {
                case "event" -> name = value;
                case "data" -> data.append(data.isEmpty() ? "" : "\n").append(value);
                case "id" -> id = value;
                default -> {
                    // `retry` and what later versions may add.
                }
            }
        }
    }

    @Override
    public void close() throws IOException {
        lines.close();
    }
}
