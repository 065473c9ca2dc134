package dev.comfyapi.api.dispatch;

import java.time.Duration;

/// Whether this instance leads, for duties that only the leader has.
public interface Leading {

    /// May be out of date by a moment: what is done because of it must do no harm when done twice.
    boolean isLeading();

    /// How long a worker may be silent before its jobs go to others.
    Duration silence();
}
