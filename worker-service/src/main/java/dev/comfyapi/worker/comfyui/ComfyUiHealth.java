package dev.comfyapi.worker.comfyui;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;

import java.io.IOException;
import java.net.ConnectException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;

/// Whether ComfyUI can be given work: asks it every second, and remembers what attempts found out.
/// Thread-safe.
public final class ComfyUiHealth implements SmartLifecycle {

    private static final Logger LOG = LoggerFactory.getLogger(ComfyUiHealth.class);
    private static final Duration INTERVAL = Duration.ofSeconds(1);

    /// A restart by its supervisor may take this long without anybody having to know.
    private static final Duration REFUSED_FOR = Duration.ofSeconds(3);

    /// It may be slow to answer while its GPU is busy.
    private static final Duration SILENT_FOR = Duration.ofSeconds(30);

    /// How ComfyUI is.
    public enum Condition {
        READY,
        /// It does not answer. What it held is lost; it is used again as soon as it is back.
        AWAY,
        /// It answers but is not to be trusted until it was restarted.
        QUARANTINED
    }

    private final ComfyUi comfyUi;
    private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
    private volatile Condition condition = Condition.READY;
    private volatile @Nullable Thread thread;

    public ComfyUiHealth(ComfyUi comfyUi) {
        this.comfyUi = comfyUi;
    }

    public Condition condition() {
        return condition;
    }

    /// @param listener told, quickly, that the condition has changed
    public void onChange(Runnable listener) {
        listeners.add(listener);
    }

    /// Takes it out of use until it was restarted, or this worker was.
    public void quarantine(String reason) {
        if (condition != Condition.QUARANTINED) {
            LOG.warn(
                    "ComfyUI is not given work any more: {}. Restart it; the worker goes on as soon"
                            + " as it is back",
                    reason);
            change(Condition.QUARANTINED);
        }
    }

    private void run() {
        long lastAnswer = System.nanoTime();
        while (!Thread.currentThread().isInterrupted()) {
            try {
                try {
                    comfyUi.probe();
                    lastAnswer = System.nanoTime();
                    answered();
                } catch (IOException e) {
                    failed(e, Duration.ofNanos(System.nanoTime() - lastAnswer));
                }
                TimeUnit.NANOSECONDS.sleep(INTERVAL.toNanos());
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void answered() {
        if (condition == Condition.AWAY) {
            LOG.info("ComfyUI answers again");
            change(Condition.READY);
        }
    }

    private void failed(IOException failure, Duration silence) {
        boolean refused = failure instanceof ConnectException;
        // Whom nobody trusts anyway is taken at the first sign of its restart.
        var limit =
                refused && condition == Condition.QUARANTINED
                        ? Duration.ZERO
                        : refused ? REFUSED_FOR : SILENT_FOR;
        if (condition != Condition.AWAY && silence.compareTo(limit) > 0) {
            LOG.warn(
                    "ComfyUI has not answered for {} s ({}); jobs are given back until it does",
                    silence.toSeconds(),
                    failure.toString());
            change(Condition.AWAY);
        }
    }

    private void change(Condition next) {
        condition = next;
        listeners.forEach(Runnable::run);
    }

    @Override
    public void start() {
        thread = Thread.ofVirtual().name("comfyui-health").start(this::run);
    }

    @Override
    public void stop() {
        var running = thread;
        if (running != null) {
            running.interrupt();
            thread = null;
        }
    }

    @Override
    public boolean isRunning() {
        return thread != null;
    }

    /// Runs as long as there are attempts.
    @Override
    public int getPhase() {
        return DEFAULT_PHASE - 200;
    }
}
