package dev.comfyapi.simulator;

import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;

/// The models in memory, the one used last at the end. Thread-safe.
final class LoadedModels {

    private final LinkedHashSet<String> names = new LinkedHashSet<>();
    private final Timing timing;
    private final Faults faults;

    LoadedModels(Timing timing, Faults faults) {
        this.timing = timing;
        this.faults = faults;
    }

    /// Brings a model into memory, and answers how long that takes: nothing if it is there.
    Duration load(String model) {
        synchronized (this) {
            var known = names.contains(model);
            names.addLast(model);
            if (known) {
                return Duration.ZERO;
            }
            if (names.size() > timing.modelsInMemory()) {
                names.removeFirst();
            }
        }
        var slowed =
                faults.on(
                        FaultKind.MODEL_LOAD_TIME,
                        fault -> fault.text("model").map(model::equals).orElse(true));
        return slowed == null
                ? timing.modelLoads().getOrDefault(model, timing.modelLoad())
                : slowed.time("delay").orElseThrow();
    }

    synchronized List<String> names() {
        return List.copyOf(names);
    }

    synchronized void clear() {
        names.clear();
    }
}
