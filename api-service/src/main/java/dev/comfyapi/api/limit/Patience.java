package dev.comfyapi.api.limit;

import java.time.Duration;

/// How long requests may wait for their turn.
///
/// A burst may wait: it is over soon. When nobody has found a free turn for as long as the usual
/// patience, it is no burst; who waits for long then only makes all that follow wait as long. From
/// then on nobody waits for more than a tenth of that, nor behind more than a short line: what
/// cannot be done is refused at once, which costs least, until that was not so for ten times as
/// long: a pause of the process empties the line as well. The idea is that of controlled delay for
/// queues of packets (CoDel, RFC 8289), and of its use for requests in "Fail at Scale" (Maurer, ACM
/// Queue 13.8).
///
/// Thread-safe. Times are those of [System#nanoTime].
final class Patience {

    private static final int TENTH = 10;

    private final long usual;
    private final int line;
    private long nobodyWaited;
    private long lastOverload;

    /// @param usual for bursts
    /// @param line how many may wait under overload, about: who comes at the same moment is not
    ///   seen
    Patience(Duration usual, int line, long now) {
        this.usual = usual.toNanos();
        this.line = line;
        this.nobodyWaited = now;
        this.lastOverload = now - TENTH * this.usual;
    }

    /// Somebody came and did not have to wait.
    synchronized void nobodyWaits(long now) {
        nobodyWaited = now;
    }

    /// Somebody has to wait; answers for how many nanoseconds at most, 0 for not at all.
    ///
    /// @param ahead how many wait already
    synchronized long somebodyWaits(long now, int ahead) {
        if (now - nobodyWaited >= usual) {
            lastOverload = now;
        }
        if (now - lastOverload >= TENTH * usual) {
            return usual;
        }
        return ahead < line ? usual / TENTH : 0;
    }
}
