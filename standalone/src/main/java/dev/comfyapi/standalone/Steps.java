package dev.comfyapi.standalone;

import java.io.PrintStream;
import java.util.concurrent.Callable;

/// Shows a person what is being started: one line for each part, with the time it took.
final class Steps {

    private final PrintStream out;

    Steps(PrintStream out) {
        this.out = out;
    }

    /// Does the work and shows its line when it is done. Several may run at the same time.
    <T> T run(String name, Callable<T> work) throws Exception {
        long started = System.nanoTime();
        T result = work.call();
        show(name, "%.1f s".formatted((System.nanoTime() - started) / 1e9));
        return result;
    }

    synchronized void show(String name, String detail) {
        out.printf("  ✓ %-34s %s%n", name, detail);
        out.flush();
    }
}
