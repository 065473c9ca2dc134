package dev.comfyapi.worker.attempt;

import dev.comfyapi.model.job.LeaseKey;
import dev.comfyapi.model.job.LeaseStage;
import dev.comfyapi.model.message.Assignment;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.Optional;
import java.util.UUID;

/// One attempt as it stands: what its own thread has reached, and what others want of it.
/// Thread-safe.
public final class Attempt {

    private final Assignment assignment;
    private final UUID promptId;
    private LeaseStage stage = LeaseStage.ASSIGNED;
    private double progress;
    private long begunNanos;
    private @Nullable Stop stop;
    private boolean news;
    private boolean ended;
    private long lastSignNanos = System.nanoTime();
    private boolean stepped;
    private boolean saidToHaveStarted;
    private @Nullable Duration left;
    private long leftAtNanos;

    public Attempt(Assignment assignment) {
        this.assignment = assignment;
        this.promptId = assignment.lease().attemptId();
    }

    public LeaseKey lease() {
        return assignment.lease();
    }

    Assignment assignment() {
        return assignment;
    }

    UUID promptId() {
        return promptId;
    }

    // -- what others want ---------------------------------------------------------------------

    /// Asks it to end. Returns at once; its thread sees to it.
    public synchronized void stop(Stop reason) {
        if (stop == null || stop.compareTo(reason) < 0) {
            stop = reason;
            wake();
        }
    }

    synchronized @Nullable Stop stopReason() {
        return stop;
    }

    /// For steps at which nothing runs in ComfyUI.
    void stopHere() throws AttemptStoppedException {
        var reason = stopReason();
        if (reason != null) {
            throw new AttemptStoppedException(reason);
        }
    }

    // -- how it stands ------------------------------------------------------------------------

    public synchronized LeaseStage stage() {
        return stage;
    }

    /// 0 to 1; never falls.
    public synchronized double progress() {
        return progress;
    }

    /// How long ago ComfyUI began it; empty when it has not.
    public synchronized Optional<Duration> begunAgo() {
        return stage == LeaseStage.ASSIGNED
                ? Optional.empty()
                : Optional.of(Duration.ofNanos(System.nanoTime() - begunNanos));
    }

    /// GPU time it still needs; empty when that cannot be said.
    public synchronized Optional<Duration> eta() {
        return switch (stage) {
            case STORING -> Optional.of(Duration.ZERO);
            case RUNNING ->
                    Optional.ofNullable(left)
                            .map(then -> then.minusNanos(System.nanoTime() - leftAtNanos))
                            .map(now -> now.isNegative() ? Duration.ZERO : now);
            case ASSIGNED -> Optional.empty();
        };
    }

    /// From now on it needs about this much longer.
    synchronized void expect(Duration longer) {
        left = longer;
        leftAtNanos = System.nanoTime();
    }

    /// ComfyUI runs it, since this long.
    ///
    /// @return false when that was known
    synchronized boolean begin(Duration since) {
        if (stage != LeaseStage.ASSIGNED) {
            return false;
        }
        stage = LeaseStage.RUNNING;
        begunNanos = System.nanoTime() - since.toNanos();
        lastSignNanos = System.nanoTime();
        return true;
    }

    synchronized void advance(double fraction) {
        progress = Math.clamp(Math.max(progress, fraction), 0.0, 1.0);
    }

    synchronized void leaveGpu() {
        stage = LeaseStage.STORING;
        progress = 1;
    }

    // -- news for its thread ------------------------------------------------------------------

    /// A message about it came: it is not hung.
    synchronized void sign(boolean counted) {
        lastSignNanos = System.nanoTime();
        stepped |= counted;
    }

    /// Another node began: it may load, decode or encode for a long time before it counts anything.
    synchronized void noteNode() {
        stepped = false;
    }

    /// ComfyUI said that it began; the poll that proves it may never come.
    synchronized void noteStart() {
        saidToHaveStarted = true;
    }

    /// Whether the WebSocket has told of it at all.
    synchronized boolean isHeard() {
        return saidToHaveStarted;
    }

    /// Whether it may have been the reason for what happened to ComfyUI.
    synchronized boolean mayHaveBegun() {
        return saidToHaveStarted || stage != LeaseStage.ASSIGNED;
    }

    synchronized Duration silence() {
        return Duration.ofNanos(System.nanoTime() - lastSignNanos);
    }

    /// Whether the node that runs counts steps, so that silence means something.
    synchronized boolean hasStepped() {
        return stepped;
    }

    /// The WebSocket says that it is over.
    synchronized void noteEnd() {
        ended = true;
        wake();
    }

    synchronized boolean isSaidToHaveEnded() {
        return ended;
    }

    /// Ends [#awaitNews].
    synchronized void wake() {
        news = true;
        notifyAll();
    }

    /// Returns after this time, or at once when there are news.
    synchronized void awaitNews(Duration longest) throws InterruptedException {
        long until = System.nanoTime() + longest.toNanos();
        while (!news) {
            long left = (until - System.nanoTime() + 999_999) / 1_000_000;
            if (left <= 0) {
                return;
            }
            wait(left);
        }
        news = false;
    }

    @Override
    public String toString() {
        return "attempt %d of job %s".formatted(lease().epoch(), lease().job());
    }
}
