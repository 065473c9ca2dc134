package dev.comfyapi.api.stream;

import dev.comfyapi.api.http.OpenStreams;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;

/// Writes to one client what it is to be told, in order, on a virtual thread that is there only
/// while there is something to write: a slow reader holds up nobody but itself.
///
/// Thread-safe. However the stream ends, [Line#hangUp] is called once, last, and what the stream
/// held is given back.
final class Courier {

    private static final Logger LOG = LoggerFactory.getLogger(Courier.class);

    private static final Duration LOOK_FOR_CLIENT = Duration.ofSeconds(5);

    /// Why a stream ends.
    enum Ending {
        /// All is told.
        DONE,
        /// There is no such job.
        UNKNOWN,
        /// This instance stops; another one goes on.
        STOPPING,
        /// The client does not read as fast as news come.
        TOO_SLOW,
        /// The client may not read any more: its key has ended.
        REFUSED,
        /// The client is not there any more.
        LEFT
    }

    /// The way to one client. Used by one thread at a time.
    interface Line {

        /// @throws IOException when the client has gone, or takes nothing for 20 seconds
        void write(Message message) throws IOException;

        /// Shows both sides that the other one is there.
        ///
        /// @param position where a client continues after it; null when that has not changed
        void keepAlive(@Nullable String position) throws IOException;

        void hangUp(Ending ending);

        /// Whether the client is known to have gone.
        boolean isGone();
    }

    private final Line line;
    private final Function<News, List<Message>> telling;
    private final Outbox outbox;
    private final long quietNanos;
    private final OpenStreams.Place place;
    private Runnable onClose = () -> {};
    private boolean writing;
    private boolean closed;
    private @Nullable Ending ending;
    private long lastWritten = System.nanoTime();
    private long lastLookForClient = lastWritten;

    /// @param telling makes messages of news; used by one thread at a time
    /// @param quiet after so long without a message the line is kept alive
    Courier(
            Line line,
            Function<News, List<Message>> telling,
            Outbox outbox,
            Duration quiet,
            OpenStreams.Place place) {
        this.line = line;
        this.telling = telling;
        this.outbox = outbox;
        this.quietNanos = quiet.toNanos();
        this.place = place;
        place.onEnd(() -> finish(Ending.REFUSED));
    }

    /// Keeps what it is told until [#release]: somebody else uses the line first.
    synchronized void hold() {
        writing = true;
    }

    synchronized void release() {
        writing = false;
        wake();
    }

    /// @param action once, when the stream is over; at once when it is over already
    synchronized void onClose(Runnable action) {
        onClose = action;
        if (closed) {
            action.run();
        }
    }

    synchronized void tell(News news) {
        if (ending != null) {
            return;
        }
        if (outbox.add(news)) {
            wake();
        } else {
            finish(Ending.TOO_SLOW);
        }
    }

    /// Ends the stream; what was to be told before is told, unless nobody would read it.
    synchronized void finish(Ending why) {
        if (ending == null || why == Ending.LEFT || why == Ending.REFUSED) {
            ending = why;
        }
        switch (why) {
            case DONE, UNKNOWN, STOPPING -> {
                // The outbox is written first.
            }
            case TOO_SLOW, REFUSED, LEFT -> outbox.clear();
        }
        wake();
    }

    /// The client is not there any more, says whoever noticed it.
    void left() {
        finish(Ending.LEFT);
    }

    synchronized void pass(long nanos) {
        if (writing || ending != null) {
            return;
        }
        if (nanos - lastWritten >= quietNanos) {
            tell(new News.Quiet());
        } else if (nanos - lastLookForClient >= LOOK_FOR_CLIENT.toNanos()) {
            lastLookForClient = nanos;
            // Asked in here, because nobody may ask after the line is hung up.
            if (line.isGone()) {
                finish(Ending.LEFT);
            }
        }
    }

    private void wake() {
        if (!writing && !closed) {
            writing = true;
            Thread.startVirtualThread(this::run);
        }
    }

    private void run() {
        @Nullable Ending how = null;
        while (how == null) {
            News news;
            synchronized (this) {
                lastWritten = System.nanoTime();
                news = outbox.next();
                if (news == null) {
                    if (ending == null) {
                        writing = false;
                        return;
                    }
                    how = ending;
                    break;
                }
            }
            how = write(news);
        }
        close(how);
    }

    /// Null when all went well.
    private @Nullable Ending write(News news) {
        try {
            for (var message : telling.apply(news)) {
                line.write(message);
            }
            if (news instanceof News.Quiet) {
                line.keepAlive(null);
            } else if (news instanceof News.Position(long at)) {
                line.keepAlive(Long.toString(at));
            }
            return null;
        } catch (IOException e) {
            LOG.debug("A stream ends, its client does not read: {}", e.toString());
        } catch (RuntimeException e) {
            // Its client comes again, and gets what it has not seen.
            LOG.warn("A stream was broken off, {} could not be written", news, e);
        }
        return Ending.LEFT;
    }

    private void close(Ending how) {
        Runnable action;
        synchronized (this) {
            closed = true;
            ending = how;
            outbox.clear();
            action = onClose;
        }
        try {
            line.hangUp(how);
        } finally {
            place.close();
            action.run();
        }
    }
}
