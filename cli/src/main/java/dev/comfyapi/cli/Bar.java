package dev.comfyapi.cli;

import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

import org.jspecify.annotations.Nullable;

import java.io.PrintStream;

/// Progress as a bar on a terminal, as lines elsewhere: a log shall not be full of bars.
final class Bar implements AutoCloseable {

    private static final int WHOLE = 1000;

    private final PrintStream err;
    private final String task;
    private final @Nullable ProgressBar bar;
    private String said = "";

    private Bar(PrintStream err, String task, @Nullable ProgressBar bar) {
        this.err = err;
        this.task = task;
        this.bar = bar;
    }

    /// @param task short: it stands before the bar
    static Bar start(Terminal terminal, String task) {
        if (!terminal.isInteractive()) {
            return new Bar(terminal.err(), task, null);
        }
        var bar =
                new ProgressBarBuilder()
                        .setTaskName(task)
                        .setInitialMax(WHOLE)
                        .setStyle(ProgressBarStyle.COLORFUL_UNICODE_BLOCK)
                        .setUpdateIntervalMillis(100)
                        .setMaxRenderedLength(100)
                        .hideEta()
                        .clearDisplayOnFinish()
                        .build();
        return new Bar(terminal.err(), task, bar);
    }

    /// @param fraction 0 to 1
    /// @param what is being done
    void show(double fraction, String what) {
        if (bar != null) {
            bar.stepTo(Math.round(fraction * WHOLE));
            bar.setExtraMessage(" " + what);
        } else if (!what.equals(said)) {
            said = what;
            err.printf("%s: %s%n", task, what);
        }
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close();
        }
    }
}
