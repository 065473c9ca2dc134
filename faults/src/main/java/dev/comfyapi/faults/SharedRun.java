package dev.comfyapi.faults;

import java.io.IOException;
import java.time.Duration;
import java.util.List;

/// A fault on a platform that is well before and afterwards, so that many can follow each other on
/// one: two instances of the API, three workers.
abstract class SharedRun extends FaultRun {

    static final int APIS = 2;
    static final int WORKERS = 3;
    static final Duration STEP = Duration.ofMillis(40);
    static final Duration LONGEST = Duration.ofMinutes(15);

    static Platform.Setting setting() {
        return new Platform.Setting(APIS, List.of(), List.of());
    }

    @Override
    final List<Outcome> run() throws Exception {
        try (var platform = platform(WORKERS, STEP, setting())) {
            return List.of(on(platform));
        }
    }

    /// Makes it short enough for every build.
    abstract void shorten();

    abstract Outcome on(Platform platform) throws Exception;

    /// What was there before this run.
    record Before(int jobs, long executions) {

        static Before on(Platform platform) throws IOException, InterruptedException {
            return new Before(platform.storedJobs(), Outcome.executions(platform));
        }
    }

    static Ledger ledger(Before before) {
        var ledger = new Ledger();
        ledger.knowsNothingOf(before.jobs());
        return ledger;
    }
}
