package dev.comfyapi.standalone;

import org.jspecify.annotations.Nullable;

import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// What the person who starts it may choose, by environment variables.
///
/// @param port `PORT`: where the API listens, 8080
/// @param host `HOST`: 127.0.0.1; nothing but a loopback address, for no keys are needed
/// @param dataDir `DATA_DIR`: everything that is kept, `.data`
/// @param workers `WORKERS`: how many workers, 2; one for each ComfyUI when those are named
/// @param comfyUis `COMFYUI_URLS`: real ComfyUIs instead of simulators, separated by commas
/// @param stepDelayMs `STEP_DELAY_MS`: how long a simulator takes for one sampler step, 40
record Options(
        int port, String host, Path dataDir, int workers, List<URI> comfyUis, int stepDelayMs) {

    Options {
        comfyUis = List.copyOf(comfyUis);
    }

    /// @throws UsageException naming the variable that cannot be used
    static Options of(Map<String, String> environment) {
        var comfyUis = uris(environment.get("COMFYUI_URLS"));
        int workers =
                number(environment, "WORKERS", comfyUis.isEmpty() ? 2 : comfyUis.size(), 1, 32);
        if (!comfyUis.isEmpty() && workers != comfyUis.size()) {
            throw new UsageException(
                    "WORKERS is %d but COMFYUI_URLS names %d; leave WORKERS out: each ComfyUI gets one worker"
                            .formatted(workers, comfyUis.size()));
        }
        return new Options(
                number(environment, "PORT", 8080, 1, 65_535),
                loopback(environment.getOrDefault("HOST", "127.0.0.1")),
                Path.of(environment.getOrDefault("DATA_DIR", ".data")).toAbsolutePath().normalize(),
                workers,
                comfyUis,
                number(environment, "STEP_DELAY_MS", 40, 0, 60_000));
    }

    private static int number(
            Map<String, String> environment, String name, int otherwise, int least, int most) {
        @Nullable String text = environment.get(name);
        if (text == null || text.isBlank()) {
            return otherwise;
        }
        try {
            int number = Integer.parseInt(text.strip());
            if (number >= least && number <= most) {
                return number;
            }
        } catch (NumberFormatException _) {
            // Said below, with the range.
        }
        throw new UsageException(
                "%s is '%s'; it has to be a number from %d to %d"
                        .formatted(name, text, least, most));
    }

    private static List<URI> uris(@Nullable String text) {
        if (text == null || text.isBlank()) {
            return List.of();
        }
        return Arrays.stream(text.split(",")).map(String::strip).map(Options::uri).toList();
    }

    private static URI uri(String text) {
        try {
            var uri = URI.create(text.endsWith("/") ? text.substring(0, text.length() - 1) : text);
            if (("http".equals(uri.getScheme()) || "https".equals(uri.getScheme()))
                    && uri.getHost() != null) {
                return uri;
            }
        } catch (IllegalArgumentException _) {
            // Said below, with an example.
        }
        throw new UsageException(
                "COMFYUI_URLS has '%s'; it has to be like http://127.0.0.1:8188".formatted(text));
    }

    private static String loopback(String host) {
        try {
            if (InetAddress.getByName(host).isLoopbackAddress()) {
                return host;
            }
        } catch (UnknownHostException _) {
            // Not a loopback address either.
        }
        throw new UsageException(
                "HOST is '%s', but this mode needs no keys and listens on loopback only; start api-service by itself to open it (docs/security.md)"
                        .formatted(host));
    }
}
