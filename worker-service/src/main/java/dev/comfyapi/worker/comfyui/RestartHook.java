package dev.comfyapi.worker.comfyui;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/// The operator's command that restarts ComfyUI, for when nothing else helps. Not thread-safe.
///
/// It is run by the shell with `COMFYUI_URL` in its environment, and must end with status 0 after
/// the old process is gone; it need not wait for the new one. While it does not help it is repeated
/// after one minute, two, four, and so on up to fifteen.
public final class RestartHook {

    private static final Logger LOG = LoggerFactory.getLogger(RestartHook.class);
    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final Duration FIRST_PAUSE = Duration.ofMinutes(1);
    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(15);

    /// A restart after a quiet hour is not a repetition.
    private static final Duration FORGOTTEN_AFTER = Duration.ofHours(1);

    private static final int SHOWN = 2_000;

    private final String command;
    private final URI comfyUi;
    private Duration pause = Duration.ZERO;
    private long lastNanos = System.nanoTime();

    /// @param command blank for none
    public RestartHook(String command, URI comfyUi) {
        this.command = command.strip();
        this.comfyUi = comfyUi;
    }

    /// What happens next, for the log.
    String advice() {
        return command.isEmpty()
                ? "Restart it; the worker goes on as soon as it is back"
                : "It is restarted with comfyapi.worker.restart-command";
    }

    boolean isThere() {
        return !command.isEmpty();
    }

    /// Runs the command if there is one, due or not: a person asks for it.
    ///
    /// @return whether it was run and ended well
    boolean runNow() throws InterruptedException {
        pause = Duration.ZERO;
        return run();
    }

    /// Runs the command if there is one and it is due.
    ///
    /// @return whether it was run and ended well
    boolean run() throws InterruptedException {
        var since = Duration.ofNanos(System.nanoTime() - lastNanos);
        if (command.isEmpty() || since.compareTo(pause) < 0) {
            return false;
        }
        pause =
                pause.isZero() || since.compareTo(FORGOTTEN_AFTER) > 0
                        ? FIRST_PAUSE
                        : shorter(pause.multipliedBy(2), LONGEST_PAUSE);
        try {
            return execute();
        } catch (IOException e) {
            LOG.error("The restart command could not be run", e);
            return false;
        } finally {
            lastNanos = System.nanoTime();
        }
    }

    private boolean execute() throws IOException, InterruptedException {
        LOG.info("Restarting ComfyUI: {}", command);
        var output = Files.createTempFile("comfyapi-restart", ".log");
        try {
            var builder = new ProcessBuilder(shell()).redirectErrorStream(true);
            builder.redirectOutput(output.toFile());
            builder.environment().put("COMFYUI_URL", comfyUi.toString());
            var process = builder.start();
            try {
                process.getOutputStream().close();
                if (!process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
                    LOG.error("The restart command has not ended for {} s", LIMIT.toSeconds());
                    return false;
                }
            } finally {
                // What it left behind on purpose, a ComfyUI of its own, is no child any more.
                process.descendants()
                        .forEach(child -> {
                            if (process.isAlive()) {
                                child.destroyForcibly();
                            }
                        });
                process.destroyForcibly();
            }
            if (process.exitValue() != 0) {
                LOG.error(
                        "The restart command ended with status {}: {}",
                        process.exitValue(),
                        end(output));
                return false;
            }
            LOG.info("The restart command has ended well");
            return true;
        } finally {
            Files.deleteIfExists(output);
        }
    }

    private List<String> shell() {
        return System.getProperty("os.name").toLowerCase(Locale.ROOT).contains("win")
                ? List.of("cmd", "/c", command)
                : List.of("/bin/sh", "-c", command);
    }

    private static String end(Path output) throws IOException {
        try (var channel = Files.newByteChannel(output)) {
            long size = channel.size();
            channel.position(Math.max(0, size - SHOWN));
            var bytes = ByteBuffer.allocate(SHOWN);
            while (bytes.hasRemaining() && channel.read(bytes) >= 0) {
                // Until it is full or the file is over.
            }
            return new String(bytes.array(), 0, bytes.position(), StandardCharsets.UTF_8).strip();
        }
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }
}
