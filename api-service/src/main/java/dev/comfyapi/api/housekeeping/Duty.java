package dev.comfyapi.api.housekeeping;

import java.io.IOException;
import java.time.Duration;

/// Something that has to be done again and again. May die at any point and be repeated, also by two
/// instances at once.
public interface Duty {

    /// In metrics and logs.
    String name();

    /// How often. After a run that left something undone it is run again at once.
    Duration every();

    /// How long after taking over it is first done.
    default Duration first() {
        return Duration.ZERO;
    }

    /// Does a bounded part of the work.
    Done run() throws IOException, InterruptedException;

    /// @param count how many things were done
    /// @param all whether nothing is left for now
    record Done(int count, boolean all) {

        /// Everything there was.
        public static Done all(int count) {
            return new Done(count, true);
        }
    }
}
