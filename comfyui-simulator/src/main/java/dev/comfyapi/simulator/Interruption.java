package dev.comfyapi.simulator;

/// The one flag that asks the running prompt to stop. It is looked at between nodes and between
/// sampler steps.
final class Interruption {

    private final Faults faults;
    private volatile boolean asked;

    Interruption(Faults faults) {
        this.faults = faults;
    }

    void ask() {
        asked = true;
    }

    /// An interrupt that came while nothing ran, or just before this start, is lost.
    void clear() {
        asked = false;
    }

    void check() throws Interrupted {
        if (asked && !faults.ignoresCancel()) {
            asked = false;
            throw new Interrupted();
        }
    }

    static final class Interrupted extends Exception {
        Interrupted() {
            super("interrupted");
        }
    }
}
