package dev.comfyapi.api.stream;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.function.Predicate;

/// What a stream has still to write, in order. Bounded, whatever its client does: of a slow reader
/// previews are dropped first, then progress.
///
/// Not thread-safe.
final class Outbox {

    private final int most;
    private final Deque<News> waiting = new ArrayDeque<>();

    Outbox(int most) {
        this.most = most;
    }

    /// False when it is full of what may not be left out; then the stream has to end.
    boolean add(News news) {
        switch (news) {
            case News.Preview _ -> drop(News.Preview.class::isInstance);
            case News.Progress(var row, _) ->
                    drop(other ->
                            other instanceof News.Progress(var before, _)
                                    && before.id().equals(row.id()));
            case News.Look _, News.Position _, News.Quiet _ -> {
                // Each counts.
            }
        }
        boolean room =
                waiting.size() < most
                        || drop(News.Preview.class::isInstance)
                        || drop(News.Progress.class::isInstance);
        if (room) {
            waiting.add(news);
        }
        return room || news instanceof News.Preview || news instanceof News.Progress;
    }

    /// Drops the oldest of these; false when there is none.
    private boolean drop(Predicate<News> which) {
        for (Iterator<News> each = waiting.iterator(); each.hasNext(); ) {
            if (which.test(each.next())) {
                each.remove();
                return true;
            }
        }
        return false;
    }

    @Nullable News next() {
        return waiting.poll();
    }

    boolean isEmpty() {
        return waiting.isEmpty();
    }

    void clear() {
        waiting.clear();
    }
}
