package dev.comfyapi.api.job;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.db.job.JobRow;
import dev.comfyapi.model.message.JobEvent;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Predicate;

/// A client that waits for its job to become something. It costs its connection and this object.
///
/// It is answered with the first look that is enough; or, when its time is over, with one more
/// look; or, when this instance stops, with what was seen last. It ends as well when its client
/// leaves.
final class Wait implements JobNews.Watcher {

    private static final Duration LOOK_FOR_CLIENT = Duration.ofSeconds(5);

    /// The same when it matters to the job.
    private static final Duration LOOK_FOR_CLIENT_SOON = Duration.ofSeconds(1);

    private final JobViews views;
    private final Waiting waiting;
    private final Predicate<JobMoment> enough;
    private final boolean hearsProgress;
    private final Runnable onLeaving;
    private final CompletableFuture<JobView> answer = new CompletableFuture<>();
    private final long until;
    private final long betweenLooks;
    private long nextLookForClient;
    private JobNews.@Nullable Watch watch;
    private @Nullable JobRow seen;
    private boolean over;
    private boolean ending;
    private boolean answered;

    /// @param onLeaving on a thread of its own, when the client has left
    Wait(
            JobViews views,
            Waiting waiting,
            Predicate<JobMoment> enough,
            boolean hearsProgress,
            Runnable onLeaving) {
        this.views = views;
        this.waiting = waiting;
        this.enough = enough;
        this.hearsProgress = hearsProgress;
        this.onLeaving = onLeaving;
        long now = System.nanoTime();
        this.until = now + waiting.most().toNanos();
        this.betweenLooks =
                (waiting.cancelsByLeaving() ? LOOK_FOR_CLIENT_SOON : LOOK_FOR_CLIENT).toNanos();
        this.nextLookForClient = now + betweenLooks;
    }

    CompletableFuture<JobView> answer() {
        return answer;
    }

    synchronized void watching(JobNews.Watch watch) {
        this.watch = watch;
        if (answered) {
            watch.close();
        }
    }

    @Override
    public synchronized void look(JobRow row) {
        seen = row;
        if (over || ending || enough.test(views.moment(row))) {
            answerWith(row);
        }
    }

    @Override
    public synchronized void heard(JobEvent event) {
        var row = seen;
        if (row != null
                && hearsProgress
                && event instanceof JobEvent.Progress
                && enough.test(views.moment(row))) {
            answerWith(row);
        }
    }

    @Override
    public synchronized void gone() {
        end(future -> future.completeExceptionally(ApiProblem.notFound()));
    }

    @Override
    public synchronized void unanswered(RuntimeException trouble) {
        if (over) {
            end(future -> future.completeExceptionally(trouble));
        }
    }

    @Override
    public synchronized void pass(long nanos) {
        if (answered) {
            return;
        }
        if (!over && nanos - until >= 0) {
            over = true;
            if (watch != null) {
                watch.lookNow();
            }
        } else if (nanos - nextLookForClient >= 0) {
            nextLookForClient = nanos + betweenLooks;
            // Asked in here, because nobody may ask after the answer.
            if (waiting.presence().isGone()) {
                leave();
            }
        }
    }

    private void leave() {
        end(future -> {
            onLeaving.run();
            // Nobody reads it, but it has to end.
            future.completeExceptionally(ApiProblem.notFound());
        });
    }

    @Override
    public synchronized void end() {
        ending = true;
        var row = seen;
        if (row != null) {
            answerWith(row);
        }
    }

    private void answerWith(JobRow row) {
        end(future -> future.complete(views.of(row, waiting.base())));
    }

    /// On a thread of its own: making the answer takes time, and whoever told the news goes on.
    private void end(Consumer<CompletableFuture<JobView>> how) {
        if (answered) {
            return;
        }
        answered = true;
        if (watch != null) {
            watch.close();
        }
        Thread.startVirtualThread(() -> {
            try {
                how.accept(answer);
            } catch (RuntimeException e) {
                answer.completeExceptionally(e);
            }
        });
    }
}
