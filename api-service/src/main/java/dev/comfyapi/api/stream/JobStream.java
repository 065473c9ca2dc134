package dev.comfyapi.api.stream;

import dev.comfyapi.api.job.JobMoment;
import dev.comfyapi.api.job.JobNews;
import dev.comfyapi.api.job.JobViews;
import dev.comfyapi.api.stream.Courier.Ending;
import dev.comfyapi.db.job.JobRow;
import dev.comfyapi.model.message.JobEvent;

import org.jspecify.annotations.Nullable;

/// Brings the news of one job to the courier of one client.
final class JobStream implements JobNews.Watcher {

    private final JobViews views;
    private final Courier courier;
    private final boolean previews;
    private @Nullable JobRow row;
    private @Nullable JobMoment newest;

    /// @param previews whether the client wants to see them
    JobStream(JobViews views, Courier courier, boolean previews) {
        this.views = views;
        this.courier = courier;
        this.previews = previews;
    }

    @Override
    public synchronized void look(JobRow seen) {
        var moment = views.moment(seen);
        row = seen;
        if (moment.equals(newest)) {
            return;
        }
        newest = moment;
        courier.tell(new News.Look(seen, moment));
        if (moment.isFinal()) {
            courier.finish(Ending.DONE);
        }
    }

    @Override
    public synchronized void heard(JobEvent event) {
        var known = row;
        if (known == null) {
            return;
        }
        switch (event) {
            case JobEvent.Progress _ -> {
                newest = views.moment(known);
                courier.tell(new News.Progress(known, newest));
            }
            case JobEvent.Preview preview -> {
                if (previews) {
                    courier.tell(new News.Preview(preview));
                }
            }
            case JobEvent.Submitted _,
                    JobEvent.Started _,
                    JobEvent.Freed _,
                    JobEvent.Requeued _,
                    JobEvent.Finished _ -> {
                // A look tells of these.
            }
        }
    }

    @Override
    public void gone() {
        courier.finish(Ending.UNKNOWN);
    }

    @Override
    public void unanswered(RuntimeException trouble) {
        // The stream stays open: the next look is in a second.
    }

    @Override
    public void pass(long nanos) {
        courier.pass(nanos);
    }

    @Override
    public void end() {
        courier.finish(Ending.STOPPING);
    }
}
